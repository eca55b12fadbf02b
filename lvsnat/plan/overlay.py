"""What an operator or a health check lays over the configuration: weights, for a while.

An overlay changes what is desired; the plan and apply do the rest. So there is never a second
writer, and taking an overlay away brings back the weight of the configuration. No clock here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lvsnat.model.override import Override
from lvsnat.model.resource import Key, Resource, State, Weighted

Overrides = Mapping[Key, Override]


@dataclass(frozen=True, slots=True)
class HealthOverlay:
    """What checks lay over the configuration; nothing while all servers are well and warm."""

    weights: Mapping[Key, int | None] = field(default_factory=dict)
    """The weight of each seat that has another than its own; None: it is taken out."""
    standby: frozenset[Key] = frozenset()
    """The seats of the sorry servers that answer now."""


def holding(overrides: Overrides, now: float) -> Overrides:
    """Those that have not ended."""
    return {key: override for key, override in overrides.items() if override.holds_at(now)}


NO_HEALTH = HealthOverlay()


def overlay(
    desired: State, overrides: Overrides, now: float, health: HealthOverlay = NO_HEALTH
) -> State:
    """Lay health and the overrides that hold ``now`` over the desired state; the order stays.

    An override wins: what an operator holds at 0 is neither raised nor taken out, so that its
    connections end as they were promised to.
    """
    held = holding(overrides, now)
    if not held and health == NO_HEALTH and not any(map(_stands_by, desired.values())):
        return desired
    laid = ((key, _laid(one, held, health)) for key, one in desired.items())
    return {key: one for key, one in laid if one is not None}


def _stands_by(one: Resource) -> bool:
    return isinstance(one, Weighted) and one.standby


def _laid(resource: Resource, held: Overrides, health: HealthOverlay) -> Resource | None:
    if not isinstance(resource, Weighted):
        return resource
    seat = resource.seat
    if resource.standby:
        return resource if seat in health.standby else None
    if seat in held:
        return resource.with_weight(0)
    if seat not in health.weights:
        return resource
    weight = health.weights[seat]
    if weight is not None:
        return resource.with_share(weight)
    # HAProxy takes a weight at its socket; without the line it would be started anew.
    return None if resource.lives_by is None else resource.with_weight(0)
