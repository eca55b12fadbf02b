"""What an operator lays over the configuration of one server."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a server takes no new connections."""

    DRAINED = "drained"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Override:
    """One server is held at weight 0."""

    reason: Reason
    until: float | None = None
    """Seconds since the epoch; None until somebody enables it."""

    def holds_at(self, now: float) -> bool:
        return self.until is None or now < self.until
