"""Put the wish, the kernel's state and the counters side by side. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from lvsnat.director.scope import View
from lvsnat.ipvs.resources import IpvsServer, IpvsService, real_server, virtual_service
from lvsnat.model.config import Config
from lvsnat.model.marks import kernel_listeners
from lvsnat.model.resource import Key, Resource, State
from lvsnat.model.service import RealServer, VirtualService
from lvsnat.model.status import (
    DirectorStatus,
    HostStatus,
    ServerStats,
    ServerStatus,
    ServiceStats,
    ServiceStatus,
    Sync,
)
from lvsnat.plan.ledger import Ledger
from lvsnat.plan.overlay import Overrides

Stats = Mapping[Key, ServiceStats | ServerStats]
T = TypeVar("T")


def status(config: Config, view: View, stats: Stats, overrides: Overrides) -> DirectorStatus:
    """Everything wished for and everything seen, in the order of the configuration."""
    desired, observed = view.desired, view.observed
    known = kernel_listeners(config.services)
    wishes = {str(known[service.listen]): service for service in config.services}
    services = _of_type(IpvsService, desired, observed)
    servers: dict[Key, list[IpvsServer]] = {}
    for server in _of_type(IpvsServer, desired, observed).values():
        servers.setdefault(server.owner, []).append(server)
    return DirectorStatus(
        config.mode,
        tuple(
            _service(
                service,
                wishes.get(key.name),
                _Sides(desired, observed, view.ledger, stats, overrides),
                servers.get(key, ()),
            )
            for key, service in services.items()
        ),
        tuple(_host(desired, observed)),
    )


class _Sides:
    """The states to compare."""

    def __init__(
        self, desired: State, observed: State, ledger: Ledger, stats: Stats, overrides: Overrides
    ) -> None:
        self.desired = desired
        self.observed = observed
        self.ledger = ledger
        self.stats = stats
        self.overrides = overrides

    def sync(self, resource: Resource) -> Sync:
        want, have = self.desired.get(resource.key), self.observed.get(resource.key)
        if have is not None and not self.ledger.owns(resource.owner):
            return Sync.UNMANAGED
        if want is None:
            return Sync.EXTRA
        if have is None:
            return Sync.MISSING
        return Sync.IN_SYNC if want == have else Sync.CHANGED


def _service(
    service: IpvsService,
    wish: VirtualService | None,
    sides: _Sides,
    servers: Iterable[IpvsServer],
) -> ServiceStatus:
    want, have = _both(sides, service.key, IpvsService)
    stats = sides.stats.get(service.key)
    return ServiceStatus(
        # The kernel has a mark where the configuration has several ports.
        listen=service.listen if wish is None else wish.listen,
        sync=sides.sync(service),
        name=None if wish is None else wish.name,
        wanted=_service_value(want),
        seen=_service_value(have),
        stats=stats if isinstance(stats, ServiceStats) else None,
        servers=tuple(_server(server, sides) for server in servers),
    )


def _server(server: IpvsServer, sides: _Sides) -> ServerStatus:
    want, have = _both(sides, server.key, IpvsServer)
    stats = sides.stats.get(server.key)
    return ServerStatus(
        endpoint=server.endpoint,
        sync=sides.sync(server),
        wanted=_server_value(want),
        seen=_server_value(have),
        stats=stats if isinstance(stats, ServerStats) else None,
        override=sides.overrides.get(server.key),
    )


def _service_value(service: IpvsService | None) -> VirtualService | None:
    return None if service is None else virtual_service(service, ())


def _server_value(server: IpvsServer | None) -> RealServer | None:
    return None if server is None else real_server(server)


def _host(desired: State, observed: State) -> Iterator[HostStatus]:
    for key, want in desired.items():
        if isinstance(want, IpvsService | IpvsServer):
            continue
        have = observed.get(key)
        sync = Sync.MISSING if have is None else Sync.IN_SYNC if have == want else Sync.CHANGED
        seen = None if have is None else dict(have.settings())
        yield HostStatus(want.describe(), sync, dict(want.settings()), seen)


def _of_type(kind: type[T], *states: State) -> dict[Key, T]:
    """The resources of a type: those of the first state in its order, then what others add."""
    return {
        key: resource
        for state in states
        for key, resource in state.items()
        if isinstance(resource, kind)
    }


def _both(sides: _Sides, key: Key, kind: type[T]) -> tuple[T | None, T | None]:
    want, have = sides.desired.get(key), sides.observed.get(key)
    return (
        want if isinstance(want, kind) else None,
        have if isinstance(have, kind) else None,
    )
