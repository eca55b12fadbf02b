"""How it is found out whether a real server can serve."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CheckType(StrEnum):
    """What a check asks of a real server."""

    TCP = "tcp"
    """That it accepts a connection."""
    HTTP = "http"
    HTTPS = "https"


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One question, asked again and again, and how many answers decide."""

    type: CheckType = CheckType.TCP
    path: str = "/"
    method: str = "GET"
    host: str | None = None
    """The Host header, and the name that TLS asks for (SNI)."""
    expect: tuple[tuple[int, int], ...] = ((200, 399),)
    """The HTTP statuses that mean success: ranges, both ends included."""
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
