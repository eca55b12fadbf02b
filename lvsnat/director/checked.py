"""What the daemon's checks say, beside what is wished for and seen. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lvsnat.health.outcome import Decision, ServerHealth, ServiceHealth
from lvsnat.model.status import DirectorStatus, Health, ServerStatus, ServiceStatus, Sync


def with_health(status: DirectorStatus, decision: Decision, now: float) -> DirectorStatus:
    """The status with what the checks say; ``now`` in seconds since the epoch.

    A server that checks have taken out is in neither state, so here it gets its place again.
    """
    if not decision.services:
        return status
    known = {one.listen: one for one in decision.services}
    services = tuple(
        one
        if one.sync is Sync.UNMANAGED or one.listen not in known
        else replace(one, servers=tuple(_servers(one, known[one.listen], now)))
        for one in status.services
    )
    return replace(status, services=services)


def _servers(service: ServiceStatus, health: ServiceHealth, now: float) -> Iterator[ServerStatus]:
    found = {one.endpoint: one for one in service.servers}
    for server in health.servers:
        seen = found.pop(server.endpoint, None)
        if seen is not None:
            yield replace(seen, checked=_health(server, now))
        elif server.weight is None:
            yield ServerStatus(server.endpoint, Sync.IN_SYNC, checked=_health(server, now))
    for one in found.values():
        yield replace(one, sorry=one.endpoint == health.sorry)


def _health(server: ServerHealth, now: float) -> Health | None:
    if not server.targets:
        return None
    since = None if server.since is None else max(0, int(now - server.since))
    return Health(server.state, server.reason or None, since)
