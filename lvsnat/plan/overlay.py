"""What an operator or a health check lays over the configuration: weights, for a while.

An overlay changes what is desired; the plan and apply do the rest. So there is never a second
writer, and taking an overlay away brings back the weight of the configuration. No clock here.
"""

from __future__ import annotations

from collections.abc import Mapping

from lvsnat.model.override import Override
from lvsnat.model.resource import Key, State, Weighted

Overrides = Mapping[Key, Override]


def holding(overrides: Overrides, now: float) -> Overrides:
    """Those that have not ended."""
    return {key: override for key, override in overrides.items() if override.holds_at(now)}


def overlay(desired: State, overrides: Overrides, now: float) -> State:
    """Lay the overrides that hold ``now`` over the desired state; order and keys stay."""
    held = holding(overrides, now)
    if not held:
        return desired
    return {
        key: resource.with_weight(0)
        if isinstance(resource, Weighted) and resource.seat in held
        else resource
        for key, resource in desired.items()
    }
