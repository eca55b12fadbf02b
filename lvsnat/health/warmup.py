"""How a server that came back gains its weight: in steps of whole numbers. No I/O, no clock.

Weights of IPVS are whole numbers, and most are 1: a server of weight 1 has no smaller share. So
all weights of the service are multiplied while one of its servers warms up, where the scheduler
reads weights as proportions; afterwards they are those of the configuration again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from lvsnat.model.endpoint import Endpoint
from lvsnat.model.service import MAX_WEIGHT, Scheduler

STEPS: Final = 10
_NEARLY: Final = 1e-3
"""A wake-up may come a rounding error before the step that it is for."""
_UNWEIGHTED: Final = frozenset({Scheduler.RR, Scheduler.LC, Scheduler.DH})
"""Schedulers that know no weight but 0."""
_ABSOLUTE: Final = frozenset({Scheduler.FO, Scheduler.OVF})
"""Schedulers to which a weight is a rank, or a number of connections."""


class Warmup(NamedTuple):
    """Of one service at one moment."""

    weights: Mapping[Endpoint, int]
    """What every server has now."""
    next_step: float | None
    """When that changes, in seconds since the epoch; None: no more."""


def is_over(began: float, warmup: float, now: float) -> bool:
    """Whether a server that came back at ``began`` has its whole weight again."""
    return not warmup or int(STEPS * (now - began) / warmup + _NEARLY) >= STEPS


def warms(scheduler: Scheduler) -> bool:
    """Whether a smaller weight gets a server fewer connections."""
    return scheduler not in _UNWEIGHTED


def is_proportional(scheduler: Scheduler) -> bool:
    """Whether weights are proportions, so that they can be multiplied."""
    return scheduler not in _UNWEIGHTED | _ABSOLUTE


def warmed(
    full: Mapping[Endpoint, int],
    began: Mapping[Endpoint, float],
    warmup: float,
    now: float,
    *,
    scaling: bool,
) -> Warmup:
    """What servers have of their ``full`` weights; those in ``began`` came back at that time.

    ``warmup`` in seconds; ``scaling`` lets all weights be multiplied.
    """
    growing = {one: at for one, at in began.items() if full.get(one)}
    if not growing:
        return Warmup(full, None)
    factor = _factor(full, min(full[one] for one in growing)) if scaling else 1
    weights = {one: weight * factor for one, weight in full.items()}
    steps = []
    for one, at in growing.items():
        done = int(STEPS * (now - at) / warmup + _NEARLY)
        grown = _grown(weights[one], done)
        later = range(done + 1, STEPS)
        following = next((k for k in later if _grown(weights[one], k) != grown), STEPS)
        steps.append(at + warmup * following / STEPS)
        weights[one] = grown
    return Warmup(weights, min(steps))


def _factor(full: Mapping[Endpoint, int], smallest: int) -> int:
    """What makes the smallest one divisible into steps, and no other too large."""
    return max(1, min(-(-STEPS // smallest), MAX_WEIGHT // max(full.values())))


def _grown(weight: int, steps: int) -> int:
    return max(1, weight * steps // STEPS)
