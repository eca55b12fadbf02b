"""One status for a service that two carriers have while a switch of modes runs. Pure.

The first of the two is HAProxy: in every phase that has both, it takes the new connections, and
IPVS lets its own end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import reduce
from typing import Final, TypeVar

from lvsnat.model.carrier import Carrier
from lvsnat.model.endpoint import Endpoint, Listener
from lvsnat.model.status import ServerStatus, ServiceStatus, Sync

T = TypeVar("T")

_WORST_FIRST: Final = (Sync.MISSING, Sync.CHANGED, Sync.EXTRA, Sync.UNMANAGED, Sync.IN_SYNC)


def merged(parts: Iterable[ServiceStatus]) -> list[ServiceStatus]:
    """The services, each listener once; what somebody else made is never taken for ours."""
    services: dict[tuple[Listener, bool], list[ServiceStatus]] = {}
    for part in parts:
        services.setdefault((part.listen, part.sync is Sync.UNMANAGED), []).append(part)
    return [reduce(_service, sorted(several, key=_turn)) for several in services.values()]


def _turn(part: ServiceStatus) -> bool:
    return part.carriers != (Carrier.HAPROXY,)


def _service(first: ServiceStatus, other: ServiceStatus) -> ServiceStatus:
    """The settings of the one that takes new connections, and what both have carried."""
    servers: dict[Endpoint, ServerStatus] = {one.endpoint: one for one in first.servers}
    for one in other.servers:
        known = servers.get(one.endpoint)
        servers[one.endpoint] = one if known is None else _server(known, one)
    return replace(
        first,
        sync=_worse(first.sync, other.sync),
        name=first.name or other.name,
        stats=_sum(first.stats, other.stats, lambda one, two: one.plus(two)),
        servers=tuple(servers.values()),
        carriers=(*first.carriers, *other.carriers),
    )


def _server(first: ServerStatus, other: ServerStatus) -> ServerStatus:
    return replace(
        first,
        sync=_worse(first.sync, other.sync),
        stats=_sum(first.stats, other.stats, lambda one, two: one.plus(two)),
        override=first.override or other.override,
    )


def _worse(one: Sync, other: Sync) -> Sync:
    return min(one, other, key=_WORST_FIRST.index)


def _sum(one: T | None, other: T | None, plus: Callable[[T, T], T]) -> T | None:
    if one is None or other is None:
        return one or other
    return plus(one, other)
