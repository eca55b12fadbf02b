"""What becomes of the servers of one service: their states, weights and quorum. No I/O, no clock.

Why each rule is as it is: docs/explanation/health-decisions.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from lvsnat.health.outcome import ServerHealth, ServiceHealth, ServiceMemory
from lvsnat.health.targets import Watched
from lvsnat.health.track import Track
from lvsnat.health.values import Target
from lvsnat.health.warmup import Warmup, is_over, is_proportional, warmed, warms
from lvsnat.model.endpoint import Endpoint, MarkListener, Protocol
from lvsnat.model.override import Override
from lvsnat.model.policy import HealthPolicy, OnFail
from lvsnat.model.resource import Key
from lvsnat.model.service import MAX_WEIGHT, RealServer, Scheduler, SchedulerFlag, VirtualService
from lvsnat.model.status import HealthState
from lvsnat.plan.overlay import Overrides

UNKNOWN: Final = Track()
_HASHING: Final = frozenset({Scheduler.DH, Scheduler.SH, Scheduler.MH})
_FALLBACKS: Final = frozenset({SchedulerFlag.SH_FALLBACK, SchedulerFlag.MH_FALLBACK})
_PRECEDENCE: Final = (HealthState.MAINTENANCE, HealthState.DOWN, HealthState.UNKNOWN)
"""What one check says before what all others say; UP is what none of these is."""


@dataclass(frozen=True, slots=True)
class Part:
    """The decision about one service."""

    health: ServiceHealth
    weights: Mapping[Key, int | None] = field(default_factory=dict)
    standby: Key | None = None
    memory: ServiceMemory = field(default_factory=ServiceMemory)
    wake: float | None = None


class Reading(NamedTuple):
    """What the checks of one server come to."""

    server: RealServer
    state: HealthState
    track: Track
    """Of the check that decides."""
    share: int
    """Per cent of its weight that it asks for."""
    override: Override | None

    @property
    def place(self) -> Endpoint:
        return self.server.endpoint

    @property
    def willing(self) -> bool:
        """Whether somebody wants it to take connections, if only it could."""
        wished = self.server.weight and self.share and self.override is None
        return bool(wished) and self.state is not HealthState.MAINTENANCE

    @property
    def full(self) -> int:
        """Its weight once it is warm."""
        if self.share == 100 or not self.server.weight:  # noqa: PLR2004 - per cent
            return self.server.weight
        asked = round(self.server.weight * self.share / 100)
        return min(MAX_WEIGHT, max(1, asked)) if self.share else 0


def decide_service(
    watched: Watched,
    tracks: Mapping[Target, Track],
    memory: ServiceMemory,
    now: float,
    overrides: Overrides,
) -> Part:
    """Decide about one service; ``overrides`` are those that hold ``now``."""
    service = watched.service
    readings = [
        _reading(server, targets, tracks, overrides.get(seat))
        for server, seat, targets in zip(
            service.servers, watched.seats, watched.targets, strict=True
        )
    ]
    kept = _kept(readings, service.policy)
    up = sum(_takes(one, kept) for one in readings)
    remembered = _remembered(service, readings, kept, memory, now)
    remembered = _with_quorum(remembered, service, up, now)
    sorry = remembered.lost and watched.sorry is not None
    warmup = _warmup(watched, readings, remembered, now)
    weights = {
        one.place: _weight(one, service, warmup, kept=one.place in kept, sorry=sorry)
        for one in readings
    }
    named = {
        seat: weights[one.place]
        for one, seat in zip(readings, watched.seats, strict=True)
        if one.override is None and weights[one.place] != one.server.weight
    }
    health = ServiceHealth(
        service.name,
        service.listen,
        up,
        service.policy.quorum,
        remembered.lost,
        remembered.since,
        bool(kept),
        service.sorry if sorry else None,
        tuple(_servers(watched, readings, weights, kept, remembered)),
    )
    standby = watched.sorry if sorry else None
    return Part(health, named, standby, remembered, _wake(warmup, readings))


def taken_out_by(service: VirtualService) -> OnFail:
    """How a server that is well is kept from new connections, and one that failed by default.

    A busy UDP flow stays on a server of weight 0 for as long as it talks.
    """
    listen = service.listen
    udp = not isinstance(listen, MarkListener) and listen.protocol is Protocol.UDP
    return OnFail.REMOVE if udp or refuses_at_zero(service) else OnFail.DRAIN


def refuses_at_zero(service: VirtualService) -> bool:
    """Whether IPVS refuses the clients of a server of weight 0, instead of choosing another one.

    ``dh`` does, and ``sh`` and ``mh`` without their fallback (ip_vs_dh.c, ip_vs_sh.c, ip_vs_mh.c).
    """
    return service.scheduler in _HASHING and not service.flags & _FALLBACKS


def _reading(
    server: RealServer,
    targets: Iterable[Target],
    tracks: Mapping[Target, Track],
    override: Override | None,
) -> Reading:
    found = [tracks.get(target, UNKNOWN) for target in targets]
    shares = [track.share for track in found if track.share is not None]
    share = min(shares, default=100)
    if not found:
        return Reading(server, HealthState.UNCHECKED, UNKNOWN, share, override)
    for state in _PRECEDENCE:
        if several := [track for track in found if track.state is state]:
            first = min(several, key=lambda track: track.since)
            return Reading(server, state, first, share, override)
    last = max(found, key=lambda track: track.since)
    return Reading(server, HealthState.UP, last, share, override)


def _kept(readings: list[Reading], policy: HealthPolicy) -> frozenset[Endpoint]:
    """The servers that fail and stay in: of too many, those that failed last.

    In this order none that is out comes in for another that fails later.
    """
    willing = [one for one in readings if one.willing]
    failing = [one for one in willing if one.state is HealthState.DOWN]
    allowed = len(willing) * policy.max_down // 100
    failing.sort(key=lambda one: one.track.since)
    return frozenset(one.place for one in failing[allowed:])


def _takes(one: Reading, kept: frozenset[Endpoint]) -> bool:
    return one.willing and (one.state is not HealthState.DOWN or one.place in kept)


def _remembered(
    service: VirtualService,
    readings: list[Reading],
    kept: frozenset[Endpoint],
    memory: ServiceMemory,
    now: float,
) -> ServiceMemory:
    """What is remembered of the servers: who is out, and who came back and gains its weight."""
    out = frozenset(one.place for one in readings if one.track.out and one.place not in kept)
    warmup = service.policy.warmup if warms(service.scheduler) else 0.0
    back = dict.fromkeys(memory.out, now)
    # A clock that was set back must not keep a server at a low weight.
    began = {place: min(at, now) for place, at in memory.warming.items()} | back
    warming = {
        one.place: began[one.place]
        for one in readings
        if one.place in began
        and one.place not in out
        and not is_over(began[one.place], warmup, now)
    }
    return replace(memory, out=out, warming=warming)


def _with_quorum(
    memory: ServiceMemory, service: VirtualService, up: int, now: float
) -> ServiceMemory:
    """Keep or lose the quorum as keepalived.conf(5) says, counting servers, not weights.

    More than all servers are never asked for: with all of them up, the quorum is there.
    """
    policy = service.policy
    number = sum(server.weight > 0 for server in service.servers)
    if memory.lost:
        enough = max(1, min(policy.quorum + policy.hysteresis, number))
    else:
        enough = max(1, min(policy.quorum - policy.hysteresis, number))
    lost = up < enough
    since = (memory.since if memory.lost else now) if lost else None
    return replace(memory, lost=lost, since=since)


def _warmup(
    watched: Watched, readings: Iterable[Reading], memory: ServiceMemory, now: float
) -> Warmup:
    """What every server is to have that can serve."""
    service = watched.service
    # HAProxy's weights end at 256: there is no room to multiply them.
    scaling = is_proportional(service.scheduler) and not watched.proxied
    full = {one.place: one.full for one in readings}
    held = {one.place for one in readings if one.override is not None}
    began = {place: at for place, at in memory.warming.items() if place not in held}
    return warmed(full, began, service.policy.warmup, now, scaling=scaling)


def _weight(
    one: Reading, service: VirtualService, warmup: Warmup, *, kept: bool, sorry: bool
) -> int | None:
    """What a server has now; None: it is taken out. ``sorry``: the sorry server answers."""
    if one.override is not None:
        return 0
    gently = taken_out_by(service)
    if one.state is HealthState.DOWN and not kept:
        failed = service.policy.on_fail or gently
        return None if failed is OnFail.REMOVE else 0
    if sorry or one.state is HealthState.MAINTENANCE or not one.share:
        return None if gently is OnFail.REMOVE else 0
    return warmup.weights[one.place]


def _servers(
    watched: Watched,
    readings: Iterable[Reading],
    weights: Mapping[Endpoint, int | None],
    kept: frozenset[Endpoint],
    memory: ServiceMemory,
) -> Iterator[ServerHealth]:
    for one, targets in zip(readings, watched.targets, strict=True):
        track, began = one.track, memory.warming.get(one.place)
        last = track.last.detail if track.last else ""
        yield ServerHealth(
            one.place,
            one.state,
            weights[one.place],
            one.server.weight,
            track.history[-1].reason if track.history else last,
            track.since if track.history else None,
            track.last,
            track.last_at,
            one.place in kept,
            None if began is None else began + watched.service.policy.warmup,
            one.override,
            targets,
        )


def _wake(warmup: Warmup, readings: Iterable[Reading]) -> float | None:
    ends = [one.override.until for one in readings if one.override is not None]
    moments = [at for at in (warmup.next_step, *ends) if at is not None]
    return min(moments, default=None)
