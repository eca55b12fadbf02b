"""What may be asked of a health check. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lvsnat.model.endpoint import MAX_PORT
from lvsnat.model.health import CheckType, HealthCheck, statuses_text
from lvsnat.model.host_rules import MAX_TIMEOUT_SECONDS
from lvsnat.model.violation import Path, Violation

MAX_ROW = 1000
"""More answers in a row than anybody would wait for."""
MIN_SPAN = 0.001
"""HAProxy counts milliseconds."""
FIRST_STATUS, LAST_STATUS = 100, 599

_PATH = re.compile(r"/[!-~]{0,1000}")
_METHOD = re.compile(r"[A-Z]{1,32}")
_HOST = re.compile(r"[A-Za-z0-9._-]{1,255}")
_HOST_AND_PORT = re.compile(r"[A-Za-z0-9._-]{1,255}(?::[0-9]{1,5})?")
_MAX_BODY = 200
_USUAL = HealthCheck()


def check_violations(where: Path, check: HealthCheck) -> Iterator[Violation]:
    """Judge a check; ``where`` is its path."""
    yield from _type(where, check)
    if check.type.reads_http:
        yield from _words(where, check)
    if check.port is not None and not 1 <= check.port <= MAX_PORT:
        yield Violation(
            (*where, "port"),
            f"{check.port} is not a port (1 to {MAX_PORT})",
            "write the port that answers the check, or leave it out for the port that is served",
        )
    spans = {"interval": check.interval, "timeout": check.timeout}
    if check.fast_interval is not None:
        spans["fast_interval"] = check.fast_interval
    for key, seconds in spans.items():
        if not MIN_SPAN <= seconds <= MAX_TIMEOUT_SECONDS:
            yield Violation(
                (*where, key),
                f"{seconds:.12g} s is not a time between or for checks (1 ms to 24 days)",
                "write seconds, or a duration such as '2s' or '500ms'",
            )
    for key, number in (("rise", check.rise), ("fall", check.fall)):
        if not 1 <= number <= MAX_ROW:
            yield Violation(
                (*where, key),
                f"{number} is not a number of answers in a row (1 to {MAX_ROW})",
                "write how many successes bring a server back (rise), how many failures take it"
                " out (fall)",
            )


def _type(where: Path, check: HealthCheck) -> Iterator[Violation]:
    """Refuse keys that a check of this type does not ask about."""
    http = {
        "path": check.path != _USUAL.path,
        "method": check.method != _USUAL.method,
        "host": check.host is not None,
        "expect": check.expect != _USUAL.expect,
        "body": check.body is not None,
    }
    also = ((*where, "type"),)
    for key, given in http.items():
        if given and not check.type.reads_http:
            yield Violation(
                (*where, key),
                f"{key} is for checks by HTTP, and this one is {check.type}",
                f'write type = "http" or "https" beside it, or remove {key}',
                also,
            )
    if not check.verify and check.type is not CheckType.HTTPS:
        yield Violation(
            (*where, "verify"),
            f"there is no certificate to verify in a check by {check.type}",
            'write type = "https" beside it, or remove verify',
            also,
        )


def _words(where: Path, check: HealthCheck) -> Iterator[Violation]:
    if _PATH.fullmatch(check.path) is None:
        yield Violation(
            (*where, "path"),
            f"{check.path!r} is not the path of a URL",
            "begin with '/', and write spaces and letters beyond ASCII as %20, %C3%A9",
        )
    if _METHOD.fullmatch(check.method) is None:
        yield Violation(
            (*where, "method"),
            f"{check.method!r} is not a method of HTTP",
            'write it in capitals: "GET", "HEAD" or "OPTIONS"',
        )
    # TLS asks for a name alone.
    hosts = _HOST if check.type is CheckType.HTTPS else _HOST_AND_PORT
    if check.host is not None and hosts.fullmatch(check.host) is None:
        yield Violation(
            (*where, "host"),
            f"{check.host!r} is not the name of a host",
            "write the name that the server knows itself by, such as www.example.com",
            ((*where, "type"),),
        )
    if check.body is not None and not (
        check.body.isprintable() and 0 < len(check.body) <= _MAX_BODY
    ):
        yield Violation(
            (*where, "body"),
            f"{check.body[:40]!r} is not a text to look for",
            f"write 1 to {_MAX_BODY} characters of one line of the answer",
        )
    for low, high in check.expect:
        if not FIRST_STATUS <= low <= high <= LAST_STATUS:
            yield Violation(
                (*where, "expect"),
                f"{statuses_text(((low, high),))} are no HTTP statuses"
                f" ({FIRST_STATUS} to {LAST_STATUS}, the lower one first)",
                "write statuses and ranges of them, such as '200' or '200-299,301'",
            )
