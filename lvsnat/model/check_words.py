"""The words of a health check, each judged for itself: paths, names, texts, programs. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from lvsnat.model.health import CheckType, HealthCheck, statuses_text

FIRST_STATUS, LAST_STATUS = 100, 599
RECORDS: Final = (
    "A", "AAAA", "CAA", "CNAME", "DNSKEY", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA",
    "SRV", "SSHFP", "SVCB", "TLSA", "TXT",
)  # fmt: skip
"""Types of records that a server may be asked for (IANA's registry has more)."""
MAX_WORDS = 64
"""Of a program and its arguments."""

_PATH = re.compile(r"/[!-~]{0,1000}")
_METHOD = re.compile(r"[A-Z]{1,32}")
_HOST = re.compile(r"[A-Za-z0-9._-]{1,255}")
_HOST_AND_PORT = re.compile(r"[A-Za-z0-9._-]{1,255}(?::[0-9]{1,5})?")
_LABEL = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DNS_NAME = re.compile(rf"(?=.{{1,254}}$)(?:\.|{_LABEL}(?:\.{_LABEL})*\.?)")
_GRPC_NAME = re.compile(r"[A-Za-z0-9._/-]{1,255}")
_MAX_TEXT = 200
_MAX_SENT = 1000
_MAX_PATH = 1000


class Doubt(NamedTuple):
    """What is wrong with a value, and what to write instead."""

    message: str
    hint: str


def _path(check: HealthCheck) -> Iterator[Doubt]:
    if _PATH.fullmatch(check.path) is None:
        yield Doubt(
            f"{check.path!r} is not the path of a URL",
            "begin with '/', and write spaces and letters beyond ASCII as %20, %C3%A9",
        )


def _method(check: HealthCheck) -> Iterator[Doubt]:
    if _METHOD.fullmatch(check.method) is None:
        yield Doubt(
            f"{check.method!r} is not a method of HTTP",
            'write it in capitals: "GET", "HEAD" or "OPTIONS"',
        )


def _host(check: HealthCheck) -> Iterator[Doubt]:
    # TLS asks for a name alone.
    hosts = _HOST if check.type is CheckType.HTTPS else _HOST_AND_PORT
    if hosts.fullmatch(check.host or "") is None:
        yield Doubt(
            f"{check.host!r} is not the name of a host",
            "write the name that the server knows itself by, such as www.example.com",
        )


def _expect(check: HealthCheck) -> Iterator[Doubt]:
    for low, high in check.expect:
        if not FIRST_STATUS <= low <= high <= LAST_STATUS:
            yield Doubt(
                f"{statuses_text(((low, high),))} are no HTTP statuses"
                f" ({FIRST_STATUS} to {LAST_STATUS}, the lower one first)",
                "write statuses and ranges of them, such as '200' or '200-299,301'",
            )


def _body(check: HealthCheck) -> Iterator[Doubt]:
    if not _is_line(check.body or ""):
        yield Doubt(
            f"{(check.body or '')[:40]!r} is not a text to look for",
            f"write 1 to {_MAX_TEXT} characters of one line of the answer",
        )


def _regex(check: HealthCheck) -> Iterator[Doubt]:
    pattern = check.regex or ""
    hint = f"write 1 to {_MAX_TEXT} characters in Python's words, such as 'ready|idle'"
    if not _is_line(pattern):
        yield Doubt(f"{pattern[:40]!r} is not a regular expression of one line", hint)
        return
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        yield Doubt(f"{pattern[:40]!r} is not a regular expression: {error}", hint)


def _certificate(check: HealthCheck) -> Iterator[Doubt]:
    if not is_place(check.certificate or ""):
        yield Doubt(
            f"{check.certificate!r} is not the whole path of a file",
            "write it from '/' on: a PEM file with the certificate and its key",
        )


def _send(check: HealthCheck) -> Iterator[Doubt]:
    if not 0 < len(check.send or "") <= _MAX_SENT:
        yield Doubt(
            "this is not a text to send",
            f"write 1 to {_MAX_SENT} characters, '\\n' for the end of a line; or leave it out",
        )


def _name(check: HealthCheck) -> Iterator[Doubt]:
    if check.type is CheckType.GRPC:
        if _GRPC_NAME.fullmatch(check.name or "") is None:
            yield Doubt(
                f"{check.name!r} is not the name of a service of gRPC",
                "write it with its package, such as shop.Orders; or leave it out for the server",
            )
    elif _DNS_NAME.fullmatch(check.name or "") is None:
        yield Doubt(
            f"{check.name!r} is not a name of the DNS",
            "write one that the server has to know, such as example.com; others than ASCII in"
            " Punycode (xn--)",
        )


def _record(check: HealthCheck) -> Iterator[Doubt]:
    if check.record not in RECORDS:
        yield Doubt(
            f"{check.record!r} is not a type of record that can be asked for",
            f"known: {', '.join(RECORDS)}",
        )


def _command(check: HealthCheck) -> Iterator[Doubt]:
    program = check.command[0] if check.command else ""
    if not is_place(program):
        yield Doubt(
            f"{program!r} is not the whole path of a program",
            "write it from '/' on, and each argument as a string of its own: no shell reads them",
        )
    if len(check.command) > MAX_WORDS or any(
        "\0" in word or len(word) > _MAX_SENT for word in check.command
    ):
        yield Doubt(
            f"these are more words than a check takes ({MAX_WORDS} of {_MAX_SENT} characters)",
            "let a script of your own have them",
        )


def _file(check: HealthCheck) -> Iterator[Doubt]:
    text = check.file or ""
    hint = (
        "write it from '/' on; {address} and {port} are the server's, as in"
        " /run/lvsnat/maintenance/{address}"
    )
    if not is_place(text):
        yield Doubt(f"{text!r} is not the whole path of a file", hint)
    elif not _is_filled_in(text):
        yield Doubt(f"{text!r} asks for something else than {{address}} and {{port}}", hint)


def _is_filled_in(text: str) -> bool:
    for place in ("{address}", "{port}"):
        text = text.replace(place, "")
    return not {"{", "}"} & {*text}


def _is_line(text: str) -> bool:
    return text.isprintable() and 0 < len(text) <= _MAX_TEXT


def is_place(text: str) -> bool:
    """Whether it is the absolute path of a file that a person can type."""
    return text.startswith("/") and text.isprintable() and 1 < len(text) <= _MAX_PATH


JUDGES: Final[Mapping[str, Callable[[HealthCheck], Iterator[Doubt]]]] = {
    "path": _path,
    "method": _method,
    "host": _host,
    "expect": _expect,
    "body": _body,
    "regex": _regex,
    "certificate": _certificate,
    "send": _send,
    "name": _name,
    "record": _record,
    "command": _command,
    "file": _file,
}
"""What judges each key that was given."""
