"""What an operator or a health check lays over the configuration: weights, for a while.

An overlay changes what is desired; the plan and apply do the rest. So there is never a second
writer, and taking an overlay away brings back the weight of the configuration. No clock here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from lvsnat.model.resource import Key, Resource, State, Weighted


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


Overrides = Mapping[Key, Override]


def overlay(desired: State, overrides: Overrides, now: float) -> State:
    """Lay the overrides that hold ``now`` over the desired state; order and keys stay."""
    held: dict[Key, Resource] = {}
    for key, override in overrides.items():
        if key not in desired or not override.holds_at(now):
            continue
        resource = desired[key]
        if isinstance(resource, Weighted):
            held[key] = resource.with_weight(0)
    return {**desired, **held}
