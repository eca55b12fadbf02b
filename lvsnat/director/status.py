"""Put the wish, the state of the carriers and their counters side by side. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from lvsnat.director.merged import merged
from lvsnat.director.scope import View
from lvsnat.haproxy.resources import SERVICE_KIND as PROXIED
from lvsnat.haproxy.resources import ProxiedServer, ProxiedService
from lvsnat.host.resources import ADDRESS
from lvsnat.ipvs.resources import IpvsServer, IpvsService, real_server, virtual_service
from lvsnat.model.carrier import Carrier
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Listener, MarkListener
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
Service = IpvsService | ProxiedService
Server = IpvsServer | ProxiedServer

_UPPER = "maxconn"
"""What HAProxy calls the threshold of a server."""


def status(config: Config, view: View, stats: Stats, overrides: Overrides) -> DirectorStatus:
    """Everything wished for and everything seen, in the order of the configuration."""
    desired, observed = view.desired, view.observed
    sides = _Sides(desired, observed, view.ledger, stats, overrides)
    wishes = _wishes(config)
    servers: dict[Key, list[Server]] = {}
    # Those that are wished for in their order, then what others have made.
    known = {**desired, **observed}.values()
    for resource in known:
        if isinstance(resource, Server):
            servers.setdefault(resource.owner, []).append(resource)
    parts = [
        _service(resource, wishes.get(resource.key), sides, servers.get(resource.key, ()))
        for resource in known
        if isinstance(resource, Service)
    ]
    host = tuple(_host(desired, observed))
    gone = {thing.key for thing in host if thing.sync is Sync.MISSING}
    return DirectorStatus(
        config.mode,
        tuple(
            replace(one, vip_missing=_vip(one.listen) in gone)
            for one in _in_order(merged(parts), config)
        ),
        host,
        switching=config.switching,
    )


def _vip(listen: Listener) -> Key | None:
    return None if isinstance(listen, MarkListener) else Key(ADDRESS, str(listen.address))


def _wishes(config: Config) -> Mapping[Key, VirtualService]:
    """The service of the configuration behind each key that it has with a carrier."""
    known = kernel_listeners(config.services)
    ipvs = {IpvsService(known[one.listen], "").key: one for one in config.services}
    return ipvs | {Key(PROXIED, str(one.listen)): one for one in config.services}


def _in_order(services: Iterable[ServiceStatus], config: Config) -> list[ServiceStatus]:
    """As the configuration has them; then the others, each carrier's in its own order."""
    places: dict[Listener, int] = {one.listen: at for at, one in enumerate(config.services)}
    return sorted(services, key=lambda one: places.get(one.listen, len(places)))


@dataclass(frozen=True, slots=True)
class _Sides:
    """The states to compare."""

    desired: State
    observed: State
    ledger: Ledger
    stats: Stats
    overrides: Overrides

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
    service: Service,
    wish: VirtualService | None,
    sides: _Sides,
    servers: Iterable[Server],
) -> ServiceStatus:
    want = _as_service(sides.desired.get(service.key))
    have = _as_service(sides.observed.get(service.key))
    stats = sides.stats.get(service.key)
    return ServiceStatus(
        # The kernel has a mark where the configuration has several ports.
        listen=service.listen if wish is None else wish.listen,
        sync=sides.sync(service),
        name=_name(service) if wish is None else wish.name,
        wanted=_service_value(want),
        seen=_service_value(have),
        stats=stats if isinstance(stats, ServiceStats) else None,
        servers=tuple(_server(server, sides) for server in servers),
        carriers=(Carrier.IPVS if isinstance(service, IpvsService) else Carrier.HAPROXY,),
    )


def _server(server: Server, sides: _Sides) -> ServerStatus:
    want = _as_server(sides.desired.get(server.key))
    have = _as_server(sides.observed.get(server.key))
    stats = sides.stats.get(server.key)
    return ServerStatus(
        endpoint=server.endpoint,
        sync=sides.sync(server),
        wanted=None if want is None else _server_value(want),
        seen=None if have is None else _server_value(have, want),
        stats=stats if isinstance(stats, ServerStats) else None,
        # What is seen in a file may not know its place among the marks.
        override=sides.overrides.get((want or server).seat),
    )


def _name(service: Service) -> str | None:
    """The name that HAProxy knows it by, of one that the configuration has no more."""
    known = None if isinstance(service, IpvsService) else service.service
    return None if known is None else known.name


def _service_value(service: Service | None) -> VirtualService | None:
    match service:
        case None:
            return None
        case IpvsService():
            return virtual_service(service, ())
        case ProxiedService():
            return service.service


def _server_value(server: Server, want: Server | None = None) -> RealServer:
    if isinstance(server, IpvsServer):
        return real_server(server)
    return RealServer(server.endpoint, _weight(server, want), _upper(server))


def _weight(server: ProxiedServer, want: Server | None) -> int:
    """The weight in the configuration's scale, as far as that is known; 0 is 0 in every scale."""
    if server.weight and isinstance(want, ProxiedServer) and server.weight == want.weight:
        server = want
    return server.wish if server.weight and server.wish is not None else server.weight


def _upper(server: ProxiedServer) -> int:
    words = " ".join(server.words).split()
    following = words[words.index(_UPPER) + 1 :] if _UPPER in words else []
    return int(following[0]) if following and following[0].isdecimal() else 0


def _host(desired: State, observed: State) -> Iterator[HostStatus]:
    """What is asked of the host, and HAProxy itself."""
    for key, want in desired.items():
        if isinstance(want, Service | Server):
            continue
        have = observed.get(key)
        sync = Sync.MISSING if have is None else Sync.IN_SYNC if have == want else Sync.CHANGED
        seen = None if have is None else dict(have.settings())
        yield HostStatus(want.describe(), sync, dict(want.settings()), seen, key)


def _as_service(resource: Resource | None) -> Service | None:
    return resource if isinstance(resource, Service) else None


def _as_server(resource: Resource | None) -> Server | None:
    return resource if isinstance(resource, Server) else None
