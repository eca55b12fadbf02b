"""What passes in a second, from the difference of two readings of the counters. No I/O, no clock.

The kernel's own estimate is a mean that forgets slowly: after a stop it takes about ten seconds to
come down. Its counters are brought up to date every two seconds (``IPVS_EST_TICK`` in the kernel's
``include/net/ip_vs.h``), so that two readings one second apart differ by nothing or by twice as
much. The difference over ``WINDOW`` lies between: it forgets in four seconds and does not jump.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Mapping
from typing import Final, Generic, NamedTuple, TypeVar

from lvsnat.model.status import Counters, Rates, ServerStats, ServiceStats

WINDOW: Final = 4.0
"""Seconds between the two readings that are compared."""
LEAST: Final = 1.9
"""Seconds under which a difference says nothing: the counters may not have moved yet."""
KEPT: Final = 30
"""How many rates a history line has at most."""

Key = TypeVar("Key", bound=Hashable)
_NONE: Final = Rates()


class Flow(NamedTuple):
    """What passes a service or a server, and what did."""

    rates: Rates
    history: tuple[Rates, ...] = ()
    """One of each reading, the oldest first."""


class _Reading(NamedTuple):
    at: float
    totals: Mapping[Hashable, Counters]


class Meter(Generic[Key]):
    """Remembers the last readings and compares each new one with them."""

    def __init__(self) -> None:
        self._past: deque[_Reading] = deque()
        self._flows: Mapping[Key, Flow] = {}

    def read(self, at: float, seen: Mapping[Key, ServiceStats | ServerStats]) -> Mapping[Key, Flow]:
        """The rates at ``at``, in seconds of a clock that only goes forward."""
        before = self._before(at)
        self._past.append(_Reading(at, {key: stats.totals for key, stats in seen.items()}))
        flows = {}
        for key, stats in seen.items():
            counters = None if before is None else before.totals.get(key)
            if before is None or counters is None:
                rates = stats.rates
            else:
                rates = per_second(counters, stats.totals, at - before.at)
            old = self._flows.get(key)
            flows[key] = Flow(rates, (rates,) if old is None else (*old.history, rates)[-KEPT:])
        self._flows = flows
        return flows

    def _before(self, at: float) -> _Reading | None:
        """The reading to compare with; the estimate serves where there is none yet."""
        past = self._past
        if past and at - past[-1].at > 2 * WINDOW:  # Nobody looked meanwhile.
            past.clear()
        while len(past) > 1 and at - past[1].at >= WINDOW:
            past.popleft()
        return past[0] if past and at - past[0].at >= LEAST else None


def per_second(before: Counters, after: Counters, seconds: float) -> Rates:
    """The rates between two readings; of what moved at all, 1 at least.

    Counters that have become smaller were zeroed in between, or are those of a service that was
    made anew: all they say has passed since. What one of the readings does not say is None.
    """
    old, new = _numbers(before), _numbers(after)
    if old == new and None not in new:
        return _NONE  # Of thousands, most stand still.
    if any(a is not None and b is not None and b < a for a, b in zip(old, new, strict=True)):
        old = tuple(None if number is None else 0 for number in old)
    connections, *others = (_rate(a, b, seconds) for a, b in zip(old, new, strict=True))
    return Rates(connections or 0, *others)


def _numbers(counters: Counters) -> tuple[int | None, ...]:
    return (
        counters.connections,
        counters.packets_in,
        counters.packets_out,
        counters.bytes_in,
        counters.bytes_out,
    )


def _rate(before: int | None, after: int | None, seconds: float) -> int | None:
    if before is None or after is None:
        return None
    moved = after - before
    return max(1, round(moved / seconds)) if moved else 0
