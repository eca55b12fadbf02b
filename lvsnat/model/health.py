"""How it is found out whether a real server can serve."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from lvsnat.errors import UsageError

Statuses = tuple[tuple[int, int], ...]
"""Ranges of HTTP statuses, both ends included."""

_RANGE = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")
CHECK_HINT = "write 'tcp', 'http:/path' or 'https:/path'"


class CheckType(StrEnum):
    """What a check asks of a real server."""

    TCP = "tcp"
    """That it accepts a connection."""
    HTTP = "http"
    HTTPS = "https"

    @property
    def reads_http(self) -> bool:
        return self is not CheckType.TCP


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
    """Text that the answer must hold."""
    verify: bool = True
    """Whether the certificate of an https server must be a trusted one."""
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

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``tcp``, ``http``, ``http:/health`` or ``https:/health``; the rest is default."""
        kind, colon, path = text.partition(":")
        if kind not in set(CheckType):
            raise UsageError(f"{text!r} is not a check", CHECK_HINT)
        check = cls(CheckType(kind))
        if not colon:
            return check
        if not check.type.reads_http or not path.startswith("/"):
            raise UsageError(f"{text!r} is not a check", CHECK_HINT)
        return replace(check, path=path)

    @property
    def question(self) -> str:
        """What is asked, without how: ``tcp``, ``http:/health``."""
        return f"{self.type}:{self.path}" if self.path != "/" else str(self.type)

    @property
    def short(self) -> str | None:
        """The text that ``parse`` reads as this check; None where it takes more words."""
        try:
            return self.question if HealthCheck.parse(self.question) == self else None
        except UsageError:  # a path that no rule lets pass
            return None

    def asking(self, other: HealthCheck) -> HealthCheck:
        """The question of the other in the rhythm of this one."""
        if self.type.reads_http and other.type.reads_http:
            verify = self.verify or other.type is not CheckType.HTTPS
            return replace(self, type=other.type, path=other.path, verify=verify)
        return replace(
            other,
            port=self.port,
            interval=self.interval,
            fast_interval=self.fast_interval,
            timeout=self.timeout,
            rise=self.rise,
            fall=self.fall,
        )


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
