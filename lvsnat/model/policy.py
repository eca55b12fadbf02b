"""What is done when checks say that real servers cannot serve."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class OnFail(StrEnum):
    """What becomes of a server that fails its checks."""

    DRAIN = "drain"
    """Weight 0: no new connections, and those that it has go on."""
    REMOVE = "remove"
    """It is taken out of the kernel: what it has is served elsewhere, or ends."""


@dataclass(frozen=True, slots=True)
class HealthPolicy:
    """How many failures of its servers a service bears, and how they come back."""

    on_fail: OnFail | None = None
    """None: ``REMOVE`` where weight 0 would lose clients: for UDP, whose flows would stay with a
    dead server, and for dh, sh and mh without their fallback, which refuse them; else ``DRAIN``."""
    quorum: int = 1
    """So many servers must be up; with fewer, the sorry server answers."""
    hysteresis: int = 0
    """A quorum is lost with so many fewer servers up, and there again with so many more: below
    ``quorum - hysteresis`` (at least 1), from ``quorum + hysteresis`` on (at most all)."""
    max_down: int = 100
    """Per cent of the servers that checks may take out; more failing at once means that the check
    is wrong, and then the others keep their weights (fail open)."""
    warmup: float = 0.0
    """Seconds in which a server that came back gains its whole weight; 0 is at once."""
    damping: float = 0.0
    """Seconds: a server that went down three times within them has to do better for longer before
    it is believed; 0 is off."""
