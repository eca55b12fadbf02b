"""What may be asked of a health check. Pure.

Which key belongs to which type is a table of the model (``SOME_KNOW``); here stand the values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from lvsnat.model.check_words import JUDGES, Doubt
from lvsnat.model.endpoint import MAX_PORT, Family
from lvsnat.model.health import SOME_KNOW, CheckType, HealthCheck
from lvsnat.model.host_rules import MAX_TIMEOUT_SECONDS
from lvsnat.model.listen_rules import unicast_violations
from lvsnat.model.violation import Path, Violation

MAX_ROW = 1000
"""More answers in a row than anybody would wait for."""
MIN_SPAN = 0.001
"""HAProxy counts milliseconds."""
MAX_JITTER = 0.5

_USUAL = HealthCheck()
_NEEDED: Final[Mapping[CheckType, tuple[str, str]]] = {
    CheckType.DNS: ("name", 'write name = "example.com", a name that the server has to know'),
    CheckType.AGENT: ("port", "write port = 8080, where the agent listens beside the service"),
    CheckType.EXEC: ("command", 'write command = ["/usr/local/bin/is-it-well"]'),
    CheckType.FILE: ("file", 'write file = "/run/lvsnat/maintenance/{address}"'),
}


def check_violations(where: Path, check: HealthCheck, family: Family) -> Iterator[Violation]:
    """Judge a check; ``where`` is its path, ``family`` that of the servers."""
    yield from _strangers(where, check)
    yield from _absent(where, check)
    for key, judge in JUDGES.items():
        value: Any = getattr(check, key)
        if value != getattr(_USUAL, key) and check.type.knows(key):
            for doubt in judge(check):
                yield _violation(where, key, doubt)
    yield from _source(where, check, family)
    if check.port is not None and not 1 <= check.port <= MAX_PORT:
        yield Violation(
            (*where, "port"),
            f"{check.port} is not a port (1 to {MAX_PORT})",
            "write the port that answers the check, or leave it out for the port that is served",
        )
    yield from _rhythm(where, check)


def _violation(where: Path, key: str, doubt: Doubt) -> Violation:
    return Violation((*where, key), doubt.message, doubt.hint, ((*where, "type"),))


def _strangers(where: Path, check: HealthCheck) -> Iterator[Violation]:
    """Refuse keys that a check of this type has no use for."""
    for key, types in SOME_KNOW.items():
        if check.type not in types and getattr(check, key) != getattr(_USUAL, key):
            known = [kind for kind in CheckType if kind in types]
            yield Violation(
                (*where, key),
                f"{key} is for checks by {_listed(known)}, and this one is {check.type}",
                f'write type = "{known[0]}" beside it, or remove {key}',
                ((*where, "type"),),
            )


def _absent(where: Path, check: HealthCheck) -> Iterator[Violation]:
    key, hint = _NEEDED.get(check.type, ("", ""))
    if key and getattr(check, key) == getattr(_USUAL, key):
        yield Violation(where, f"a check by {check.type} needs {key}", hint, ((*where, key),))


def _source(where: Path, check: HealthCheck, family: Family) -> Iterator[Violation]:
    if check.source is None or not check.type.knows("source"):
        return
    path = (*where, "source")
    if check.source.is_unspecified:
        yield Violation(
            path,
            f"{check.source} stands for every address",
            "write an address of this director, or leave it out: the route chooses one",
        )
    elif Family.of(check.source) is not family:
        yield Violation(
            path,
            f"{check.source} is not of the servers' family",
            "write an address of this director of the family that the service listens on",
            ((*where[:2], "listen"),),
        )
    yield from unicast_violations(path, check.source)


def _rhythm(where: Path, check: HealthCheck) -> Iterator[Violation]:
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
    if not 0 <= check.jitter <= MAX_JITTER:
        yield Violation(
            (*where, "jitter"),
            f"{check.jitter:.6g} is not a part of the interval (0 to {MAX_JITTER})",
            "with 0.1, checks come a tenth of the interval earlier or later, by chance",
        )


def _listed(types: list[CheckType]) -> str:
    *most, last = map(str, types)
    return f"{', '.join(most)} and {last}" if most else last
