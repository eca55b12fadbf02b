"""Who is asked what: the targets of a configuration. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from lvsnat.health.track import Track
from lvsnat.health.values import Target
from lvsnat.ipvs.resources import SERVER_KIND
from lvsnat.model.config import Config
from lvsnat.model.endpoint import IPAddress, MarkListener
from lvsnat.model.health import CheckType, HealthCheck
from lvsnat.model.marks import kernel_listeners
from lvsnat.model.proxied import daemon_checks, is_proxied
from lvsnat.model.resource import Key
from lvsnat.model.service import RealServer, VirtualService

_PORTLESS = frozenset({CheckType.PING})


@dataclass(frozen=True, slots=True)
class Watched:
    """A service with what is asked of its servers."""

    service: VirtualService
    proxied: bool
    """Whether HAProxy alone has it, which makes one check itself."""
    seats: tuple[Key, ...]
    """What overlays call the servers, in their order."""
    targets: tuple[tuple[Target, ...], ...]
    """Of each server, in their order."""
    sorry: Key | None
    """The seat of the sorry server."""


def watched(config: Config) -> tuple[Watched, ...]:
    """All services of a configuration, in its order and in its present phase."""
    known = kernel_listeners(config.services)
    alone = config.phase.proxy and not config.phase.ipvs
    found = []
    for service in config.services:
        proxied = alone and is_proxied(service)
        listen = known[service.listen]
        sorry = None if service.sorry is None else Key(SERVER_KIND, f"{listen} {service.sorry}")
        seats = tuple(Key(SERVER_KIND, f"{listen} {one.endpoint}") for one in service.servers)
        asked = tuple(targets_of(service, one, proxied=proxied) for one in service.servers)
        found.append(Watched(service, proxied, seats, asked, sorry))
    return tuple(found)


def targets_of(service: VirtualService, server: RealServer, *, proxied: bool) -> tuple[Target, ...]:
    """What the daemon asks of a server; ``proxied``: without what HAProxy asks itself."""
    return tuple(
        Target(server.endpoint.address, _port(service, server, check), check)
        for check in daemon_checks(service, proxied=proxied)
    )


def dampings(services: Iterable[Watched]) -> Mapping[Target, float]:
    """Seconds of damping of each target: the longest of the services that share it."""
    found: dict[Target, float] = {}
    for one in services:
        damping = one.service.policy.damping
        for target in (target for several in one.targets for target in several):
            found[target] = max(damping, found.get(target, 0.0))
    return found


def carried_over(
    tracks: Mapping[Target, Track], wanted: Iterable[Target]
) -> Iterator[tuple[Target, Track]]:
    """The tracks of these targets after a change of the configuration.

    One whose check was changed goes on with what was known of the same place, so that to edit a
    check neither brings a dead server back nor takes a live one out. A new one is unknown.
    """
    asked = set(wanted)
    heirs = {} if asked <= tracks.keys() else _heirs(tracks, asked)
    for target in asked:
        if target in tracks:
            yield target, tracks[target]
            continue
        # The same question in another rhythm, then the same type of question, then any.
        found = (heirs[place] for place in _places(target) if place in heirs)
        if (track := next(found, None)) is not None:
            yield target, replace(track, row=0)


_Place = tuple[IPAddress, int, HealthCheck | CheckType | None]


def _heirs(tracks: Mapping[Target, Track], asked: Collection[Target]) -> Mapping[_Place, Track]:
    """What is known of each place; of those that go on being asked, to the same question alone."""
    found: dict[_Place, Track] = {}
    for target, track in tracks.items():
        same, *others = _places(target)
        for place in (same,) if target in asked else (same, *others):
            found[place] = track
    return found


def _places(target: Target) -> tuple[_Place, ...]:
    address, port, check = target.address, target.port, target.check
    plain = HealthCheck()
    question = replace(
        check,
        interval=plain.interval,
        fast_interval=plain.fast_interval,
        timeout=plain.timeout,
        rise=plain.rise,
        fall=plain.fall,
        jitter=plain.jitter,
    )
    same = ((address, port, question), (address, port, check.type))
    return (*same, (address, port, None)) if port else same


def _port(service: VirtualService, server: RealServer, check: HealthCheck) -> int:
    """Where to ask: a server that keeps the client's port is asked at the first one served."""
    if check.type in _PORTLESS:
        return 0
    port = check.port or server.endpoint.port
    if port == 0 and not isinstance(service.listen, MarkListener):
        port = service.listen.ports[0].first
    return port
