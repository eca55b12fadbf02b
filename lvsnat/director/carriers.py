"""Who carries connections here: the kernel's IPVS, HAProxy, or both in a switch of modes.

The one that nothing asks for is left alone: a director whose services are all HAProxy's needs no
IPVS in its kernel, and one in lvs-nat needs no HAProxy.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce

from lvsnat.director.ports import ProxyBackend, TrafficBackend
from lvsnat.director.status import Stats
from lvsnat.director.traffic import Traffic
from lvsnat.haproxy.resources import SERVER_KIND as PROXIED_SERVER
from lvsnat.ipvs.resources import IpvsServer
from lvsnat.model.config import Config
from lvsnat.model.connection import TableState
from lvsnat.model.endpoint import Endpoint
from lvsnat.model.marks import kernel_listeners
from lvsnat.model.phase import Phase
from lvsnat.model.proxied import ipvs_services
from lvsnat.model.resource import Key, Resource, Weighted
from lvsnat.model.status import ServerStats
from lvsnat.plan.backend import Backend


class Carriers:
    """All that a director may have."""

    def __init__(self, ipvs: TrafficBackend, proxy: ProxyBackend | None = None) -> None:
        self._ipvs = ipvs
        self._proxy = proxy

    @property
    def backends(self) -> tuple[Backend, ...]:
        """IPVS first: in haproxy-tproxy it has the services that HAProxy cannot serve."""
        return (self._ipvs,) if self._proxy is None else (self._ipvs, self._proxy)

    def expand(self, config: Config) -> Iterator[Resource]:
        """What a configuration asks of them. Reads nothing."""
        for backend in self.backends:
            yield from backend.expand(config)

    def at_work(self, config: Config, owned: Collection[Key]) -> CarriersAtWork:
        """Those that a configuration asks for, or that hold what the ledger calls ours."""
        return CarriersAtWork(
            self._ipvs if self._needs_ipvs(config, owned) else None,
            self._proxy if self._needs_proxy(config, owned) else None,
        )

    def end_proxy(self) -> None:
        """End the HAProxy that ends softly, with the connections that it still has."""
        if self._proxy is not None:
            self._proxy.end_now()

    def _needs_ipvs(self, config: Config, owned: Collection[Key]) -> bool:
        # Where it is loaded, services of somebody else are worth a look: they shadow HAProxy's.
        asked = ipvs_services(config) or any(key.kind in self._ipvs.kinds for key in owned)
        return bool(asked) or self._ipvs.is_loaded()

    def _needs_proxy(self, config: Config, owned: Collection[Key]) -> bool:
        if self._proxy is None:
            return False
        kinds = self._proxy.kinds
        return config.phase is not Phase.LVS_NAT or any(key.kind in kinds for key in owned)


@dataclass(frozen=True, slots=True)
class CarriersAtWork:
    """Those that something asks for."""

    ipvs: TrafficBackend | None
    proxy: ProxyBackend | None

    def __iter__(self) -> Iterator[TrafficBackend | ProxyBackend]:
        return (one for one in (self.ipvs, self.proxy) if one is not None)

    def read(self) -> tuple[list[Resource], Stats]:
        """What exists and what it has carried."""
        found: list[Resource] = []
        stats: Stats = {}
        for carrier in self:
            resources, carried = carrier.read()
            found += resources
            stats = {**stats, **carried}
        return found, stats

    def active(self) -> Mapping[Key, int]:
        """How many connections each server holds now."""
        stats = self.read()[1]
        return {key: one.active for key, one in stats.items() if isinstance(one, ServerStats)}

    def held(self, seat: Key, config: Config) -> ServerStats | None:
        """What a real server holds with all of them; None if none of them has it."""
        found, stats = self.read()
        seated = {one.key for one in found if isinstance(one, Weighted) and one.seat == seat}
        held = {key: one for key in seated if isinstance(one := stats.get(key), ServerStats)}
        known = sum(one.active for key, one in held.items() if key.kind == PROXIED_SERVER)
        late = ServerStats(max(0, self._sessions_at(seat, config) - known))
        if not (held or late.active):
            return None
        return reduce(ServerStats.plus, held.values(), late)

    def ending(self) -> int:
        """Connections of HAProxy's processes that were replaced or stopped, and end softly."""
        return 0 if self.proxy is None else self.proxy.ending()

    def _sessions_at(self, seat: Key, config: Config) -> int:
        """Those of a real server in all processes; 0 if there is one process, which counts them."""
        if self.proxy is None or not self.proxy.ending():
            return 0
        places = _places(seat, config)
        return sum((one.service, one.server) in places for one in self.proxy.sessions())

    def table_state(self) -> TableState:
        """The kernel's table of connections; nothing is known of it without IPVS."""
        return TableState() if self.ipvs is None else self.ipvs.table_state()

    def traffic(self, config: Config) -> Traffic:
        """Their connections, under the names of a configuration."""
        return Traffic(config, self.ipvs, self.proxy)


def _places(seat: Key, config: Config) -> set[tuple[str | None, Endpoint]]:
    """The service and the address of a real server in the configuration."""
    known = kernel_listeners(config.services)
    return {
        (service.name, server.endpoint)
        for service in config.services
        for server in service.servers
        if IpvsServer(known[service.listen], server.endpoint).seat == seat
    }
