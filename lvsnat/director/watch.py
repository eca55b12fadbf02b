"""Look at a director, and again: what several looks tell, and one does not.

Replies that stay away, and how long a drain still takes. ``Looks`` compares, without I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from math import ceil
from typing import Final, NamedTuple

from lvsnat.director import replies
from lvsnat.director.director import Director
from lvsnat.director.replies import Memory, Seen
from lvsnat.errors import LvsnatError
from lvsnat.model.endpoint import Endpoint, Listener
from lvsnat.model.status import (
    DirectorStatus,
    Drain,
    HealthState,
    ServerStats,
    ServerStatus,
    ServiceStatus,
)

Waiting = Callable[[], Mapping[Endpoint, int]]
"""How many connections wait for the first answer of each server."""
Held = tuple[tuple[float, int], ...]
"""When, and how many connections there were; the oldest first."""
TREND: Final = 60.0
"""Seconds over which it is seen how fast the connections of a drained server end."""
_LEAST: Final = 5.0
"""Seconds under which that says nothing."""
_ILL: Final = (HealthState.DOWN, HealthState.MAINTENANCE)


class Watch:
    """A director at one moment after the other."""

    def __init__(self, director: Director) -> None:
        self._director = director
        self._looks = Looks()

    def status(self) -> DirectorStatus:
        """As ``Director.status``, with what this look and those before it tell together."""
        status = self._director.status()
        at = self._director.clock.monotonic()
        return self._looks.of(status, at, self._waiting)

    def _waiting(self) -> Mapping[Endpoint, int]:
        try:
            return self._director.traffic().waiting()
        except LvsnatError:
            return {}  # A doubt that stays is no reason to show nothing.


class Looks:
    """Compares each look at a director with those before."""

    def __init__(self) -> None:
        self._known: Mapping[Listener, Sequence[_Known]] = {}

    def of(self, status: DirectorStatus, at: float, waiting: Waiting) -> DirectorStatus:
        """The status with what is told; ``at`` in seconds of a clock that only goes forward.

        ``waiting`` is called once at most: to answer it takes reading a table of connections.
        """
        look = _Look(at, self._known, cache(waiting), counting=status.table.estimating)
        services = tuple(map(look.service, status.services))
        self._known = look.known
        return replace(status, services=services)


def time_left(held: Held) -> int | None:
    """Seconds until no connection is left, if they go on ending as they do; None: not known."""
    if not held:
        return None
    since, before = max(held, key=lambda one: one[1])  # Those of before the drain may be fewer.
    now, left = held[-1]
    if left == 0:
        return 0
    if now - since < _LEAST or left >= before:
        return None
    return ceil(left * (now - since) / (before - left))


class _Known(NamedTuple):
    """What the looks so far have shown of a server."""

    endpoint: Endpoint
    replies: Memory | None = None
    held: Held = ()


class _Look:
    """One look, server by server."""

    def __init__(
        self,
        at: float,
        before: Mapping[Listener, Sequence[_Known]],
        waiting: Waiting,
        *,
        counting: bool,
    ) -> None:
        self._at, self._before, self._waiting, self._counting = at, before, waiting, counting
        self.known: dict[Listener, list[_Known]] = {}

    def service(self, service: ServiceStatus) -> ServiceStatus:
        answering = [
            one.endpoint
            for one in service.servers
            if one.stats is not None and one.stats.totals.returned
        ]
        before = self._before.get(service.listen, ())
        known = [
            self._server(one, service, _remembered(before, number, one.endpoint), answering)
            for number, one in enumerate(service.servers)
        ]
        self.known[service.listen] = known
        # Of thousands, most have nothing to tell: they stay the values that they are.
        if not any(one.held or (one.replies is not None and one.replies.one_way) for one in known):
            return service
        return replace(service, servers=tuple(map(_told, service.servers, known)))

    def _server(
        self,
        server: ServerStatus,
        service: ServiceStatus,
        before: _Known,
        answering: Sequence[Endpoint],
    ) -> _Known:
        stats, endpoint = server.stats, server.endpoint
        if stats is None:
            return _Known(endpoint)
        memory = None
        counted = self._counting or stats.totals.packets_out is None  # HAProxy's never stand still
        if counted and (server.health is None or server.health.state not in _ILL):
            others = len(answering) > 1 or (bool(answering) and answering[0] != endpoint)
            seen = Seen(service.listen, stats, others, lambda: self._waiting().get(endpoint, 0))
            memory = replies.look(before.replies, seen, self._at)
        return _Known(endpoint, memory, self._held(before, server, stats))

    def _held(self, before: _Known, server: ServerStatus, stats: ServerStats) -> Held:
        if server.override is None:
            return ()
        recent = (one for one in before.held if self._at - one[0] <= TREND)
        return (*recent, (self._at, stats.active + stats.inactive))


def _remembered(before: Sequence[_Known], number: int, endpoint: Endpoint) -> _Known:
    """What is known of a server, which as a rule stands where it stood."""
    if number < len(before) and before[number].endpoint == endpoint:
        return before[number]
    return next((one for one in before if one.endpoint == endpoint), _Known(endpoint))


def _told(server: ServerStatus, known: _Known) -> ServerStatus:
    one_way = known.replies is not None and known.replies.one_way
    drain = Drain(known.held[-1][1], time_left(known.held)) if known.held else None
    return replace(server, one_way=one_way, drain=drain)
