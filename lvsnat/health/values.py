"""What is asked of whom, and what came back. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from lvsnat.model.endpoint import IPAddress
from lvsnat.model.health import HealthCheck


@dataclass(frozen=True, slots=True)
class Target:
    """One question to one place, asked once however many services want to know."""

    address: IPAddress
    port: int
    """0 where the question has no port (ping, exec, file)."""
    check: HealthCheck


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking once."""

    ok: bool
    detail: str
    """Why, in a few words: ``connection refused``, ``status 503``, ``no answer within 2 s``."""
    took: float = 0.0
    """Seconds from asking to the answer."""
    share: int | None = None
    """Per cent of its weight that the server asks for (agent); None: it says nothing of it."""
    maintenance: bool = False
    """The server, or a file, says that it is to be left alone: not a failure (agent, file)."""
