"""How it is found out whether a real server can serve."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, NamedTuple, Self

from lvsnat.errors import UsageError
from lvsnat.model.endpoint import IPAddress

Statuses = tuple[tuple[int, int], ...]
"""Ranges of HTTP statuses, both ends included."""

_RANGE = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")
CHECK_HINT = (
    "write 'tcp', 'http:/path', 'https:/path', 'udp', 'dns:name', 'ping', 'grpc', 'grpc:service',"
    " 'agent:port' or 'file:/path'"
)


class CheckType(StrEnum):
    """What a check asks of a real server."""

    TCP = "tcp"
    """That it accepts a connection."""
    HTTP = "http"
    HTTPS = "https"
    UDP = "udp"
    """That it answers a datagram; with nothing to wait for, that no ICMP error comes back."""
    DNS = "dns"
    """That it answers a question of the DNS."""
    PING = "ping"
    """That it answers an ICMP echo request."""
    GRPC = "grpc"
    """That it says SERVING (the gRPC health checking protocol)."""
    EXEC = "exec"
    """That a program on the director ends with 0."""
    AGENT = "agent"
    """What it says of itself on a TCP port, in the words of HAProxy's agent-check."""
    FILE = "file"
    """That a file on the director is not there: while it is, its servers are in maintenance."""

    @property
    def reads_http(self) -> bool:
        return self in {CheckType.HTTP, CheckType.HTTPS}

    def knows(self, key: str) -> bool:
        """Whether a check of this type has a use for an attribute of ``HealthCheck``."""
        return key not in SOME_KNOW or self in SOME_KNOW[key]


_HTTP = frozenset({CheckType.HTTP, CheckType.HTTPS})
_DIRECTOR = frozenset({CheckType.EXEC, CheckType.FILE})
"""Those that look at the director, not at the server."""
_ALL = frozenset(CheckType)
SOME_KNOW: Final[Mapping[str, frozenset[CheckType]]] = {
    "path": _HTTP,
    "method": _HTTP,
    "host": _HTTP,
    "expect": _HTTP,
    "body": _HTTP | {CheckType.UDP, CheckType.DNS},
    "regex": _HTTP | {CheckType.UDP, CheckType.DNS},
    "verify": frozenset({CheckType.HTTPS}),
    "certificate": frozenset({CheckType.HTTPS}),
    "send": frozenset({CheckType.UDP, CheckType.AGENT}),
    "name": frozenset({CheckType.DNS, CheckType.GRPC}),
    "record": frozenset({CheckType.DNS}),
    "command": frozenset({CheckType.EXEC}),
    "file": frozenset({CheckType.FILE}),
    "source": _ALL - _DIRECTOR,
    "reset": frozenset({CheckType.TCP, CheckType.AGENT}),
    "port": _ALL - _DIRECTOR - {CheckType.PING},
}
"""Attributes that mean something to some types alone; the others do to all."""
_RHYTHM: Final = ("interval", "fast_interval", "timeout", "rise", "fall", "jitter")


class _Short(NamedTuple):
    """What a check in short says behind a colon."""

    key: str | None = None
    """The attribute; None: nothing may stand there."""
    pattern: str = "(?s:.+)"
    needed: bool = False


_SHORT: Final[Mapping[str, _Short]] = {
    CheckType.TCP: _Short(),
    CheckType.HTTP: _Short("path", "(?s:/.*)"),
    CheckType.HTTPS: _Short("path", "(?s:/.*)"),
    CheckType.UDP: _Short(),
    CheckType.DNS: _Short("name", needed=True),
    CheckType.PING: _Short(),
    CheckType.GRPC: _Short("name"),
    CheckType.AGENT: _Short("port", "[0-9]{1,5}", needed=True),
    CheckType.FILE: _Short("file", "(?s:/.*)", needed=True),
}
"""A program has no short form: its arguments are words apart."""


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One question, asked again and again, and how many answers decide."""

    type: CheckType = CheckType.TCP
    path: str = "/"
    method: str = "GET"
    host: str | None = None
    """The Host header, and the name that TLS asks for (SNI)."""
    expect: Statuses = ((200, 399),)
    """The HTTP statuses that mean success."""
    body: str | None = None
    """Text that the answer must hold (http, https, udp, dns)."""
    regex: str | None = None
    """A regular expression that must be found in the answer (http, https, udp, dns)."""
    verify: bool = True
    """Whether the certificate of an https server must be a trusted one."""
    certificate: str | None = None
    """The file with the certificate, and its key, that the director shows (https)."""
    send: str | None = None
    """What is sent to a server (udp, agent); None is an empty datagram, or nothing."""
    name: str | None = None
    """The name that is asked for (dns), or the service (grpc)."""
    record: str = "A"
    """The type of record that is asked for (dns)."""
    command: tuple[str, ...] = ()
    """The program and its arguments (exec); no shell reads them."""
    file: str | None = None
    """The file that means maintenance; ``{address}`` and ``{port}`` are the server's (file)."""
    source: IPAddress | None = None
    """The director's address that asks; None lets the kernel choose."""
    reset: bool = True
    """Whether connections are closed by RST, which leaves no TIME_WAIT behind (tcp, agent)."""
    port: int | None = None
    """Where to ask; None is the port that is served."""
    interval: float = 2.0
    """Seconds from one check to the next."""
    fast_interval: float | None = None
    """Seconds between checks while the answer is changing; None is half of ``interval``."""
    timeout: float = 2.0
    """Seconds until no answer is a failure."""
    rise: int = 2
    """So many successes in a row bring a server back."""
    fall: int = 3
    """So many failures in a row take it out."""
    jitter: float = 0.1
    """Each interval is longer or shorter by up to this part of it, so that checks spread."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``tcp``, ``http:/health``, ``dns:example.com``, ...; the rest is default.

        Raises UsageError with all the forms.
        """
        kind, colon, said = text.partition(":")
        form = _SHORT.get(kind)
        if form is None or (form.needed and not colon):
            raise UsageError(f"{text!r} is not a check", CHECK_HINT)
        if not colon:
            return cls(CheckType(kind))
        if form.key is None or not re.fullmatch(form.pattern, said, re.ASCII):
            raise UsageError(f"{text!r} is not a check", CHECK_HINT)
        value: dict[str, Any] = {form.key: int(said) if form.key == "port" else said}
        return cls(CheckType(kind), **value)

    @property
    def question(self) -> str:
        """What is asked, without how: ``tcp``, ``http:/health``, ``agent:8080``."""
        key = _SHORT[self.type].key if self.type in _SHORT else None
        if key is None or getattr(self, key) == getattr(HealthCheck(), key):
            return str(self.type)
        return f"{self.type}:{getattr(self, key)}"

    @property
    def plain(self) -> HealthCheck:
        """The same question with nothing else said."""
        key = _SHORT[self.type].key if self.type in _SHORT else None
        said: dict[str, Any] = {} if key is None else {key: getattr(self, key)}
        return HealthCheck(self.type, **said)

    @property
    def short(self) -> str | None:
        """The text that ``parse`` reads as this check; None where it takes more words."""
        try:
            return self.question if HealthCheck.parse(self.question) == self else None
        except UsageError:  # a program, or a path that no rule lets pass
            return None

    def asking(self, other: HealthCheck) -> HealthCheck:
        """The question of the other in the rhythm of this one, as far as it can be."""
        kept = set(_RHYTHM)
        kept |= {key for key in ("port", "source") if self.type.knows(key)}
        alike = self.type is other.type or (self.type.reads_http and other.type.reads_http)
        if alike:
            kept |= {key for key in SOME_KNOW if self.type.knows(key)}
        kept -= {_SHORT[other.type].key} if other.type in _SHORT else set()
        values = {key: getattr(self, key) for key in kept if other.type.knows(key)}
        return replace(other, **values)


def parse_statuses(text: str) -> Statuses:
    """Read ``200``, ``200-299`` or ``200-299,301``."""
    ranges = []
    for part in text.split(","):
        found = _RANGE.fullmatch(part.strip())
        if found is None:
            raise UsageError(
                f"{text!r} is not a list of HTTP statuses",
                "write statuses and ranges of them, such as '200' or '200-299,301'",
            )
        ranges.append((int(found[1]), int(found[2] or found[1])))
    return tuple(ranges)


def statuses_text(statuses: Statuses) -> str:
    """Write what ``parse_statuses`` reads."""
    return ",".join(f"{low}" if low == high else f"{low}-{high}" for low, high in statuses)
