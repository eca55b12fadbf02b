"""What HAProxy says of the servers that it checks itself, in the daemon's own terms. No I/O."""

from __future__ import annotations

from collections.abc import Iterator

from lvsnat.health.outcome import ServerHealth, ServiceHealth
from lvsnat.model.carrier import Carrier
from lvsnat.model.status import DirectorStatus, HealthState, ServerStatus, ServiceStatus

_OUT = frozenset({HealthState.DOWN, HealthState.MAINTENANCE})


def elsewhere(status: DirectorStatus, now: float) -> tuple[ServiceHealth, ...]:
    """The services whose servers HAProxy checks; ``now`` in seconds since the epoch."""
    return tuple(_services(status, now))


def _services(status: DirectorStatus, now: float) -> Iterator[ServiceHealth]:
    for service in status.services:
        if service.name is None or Carrier.HAPROXY not in service.carriers:
            continue
        servers = tuple(_servers(service, now))
        if servers:
            up = sum(one.state not in _OUT and bool(one.wanted) for one in servers)
            yield ServiceHealth(service.name, service.listen, up, quorum=1, servers=servers)


def _servers(service: ServiceStatus, now: float) -> Iterator[ServerHealth]:
    for server in service.servers:
        health = None if server.stats is None else server.stats.health
        if health is None or health.state is HealthState.UNCHECKED:
            continue
        wanted = _wanted(server)
        yield ServerHealth(
            server.endpoint,
            health.state,
            None if health.state in _OUT else wanted,
            wanted,
            health.detail or "",
            None if health.since is None else now - health.since,
            override=server.override,
        )


def _wanted(server: ServerStatus) -> int:
    return 0 if server.wanted is None else server.wanted.weight
