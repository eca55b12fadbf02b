"""Who is asked about connections: those that something asks for, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lvsnat.director.carriers import Carriers, CarriersAtWork
from lvsnat.director.traffic import Traffic
from lvsnat.errors import UsageError
from lvsnat.haproxy.resources import INSTANCE_KEY, ProxiedServer
from lvsnat.ipvs.resources import IpvsServer, IpvsService
from lvsnat.model.carrier import Carrier
from lvsnat.model.config import Config
from lvsnat.model.connection import Connection, Grouping, Ranking, Selection, TableState, Tally
from lvsnat.model.endpoint import Endpoint, Protocol, parse_kernel_listener, parse_listener
from lvsnat.model.mode import Mode
from lvsnat.model.phase import Phase
from lvsnat.model.resource import Key, state_of
from lvsnat.model.service import RealServer, VirtualService
from lvsnat.model.status import (
    Counters,
    DirectorStatus,
    ServerStats,
    ServiceStats,
    ServiceStatus,
    Sync,
)
from lvsnat.testing import FakeBackend
from lvsnat.testing.proxy import RATES, FakeProxy

VIP = Endpoint.parse("192.168.1.50:80")
FIRST, SECOND = Endpoint.parse("192.168.2.55:80"), Endpoint.parse("192.168.2.56:80")
LISTEN = parse_kernel_listener("tcp/192.168.1.50:80")
WEB = VirtualService("web", LISTEN, servers=(RealServer(FIRST), RealServer(SECOND)))
DNS = VirtualService(
    "dns",
    parse_listener("udp/192.168.1.50:53"),
    servers=(RealServer(Endpoint.parse("192.168.2.55:53")),),
)
NAT = Config(services=(WEB,))
PROXIED = Config(Mode.HAPROXY_TPROXY, (WEB,))
MIXED = Config(Mode.HAPROXY_TPROXY, (WEB, DNS))
SWITCHING = Config(Mode.HAPROXY_TPROXY, (WEB,), switching=Phase.BOTH)
SEAT = IpvsServer(LISTEN, FIRST).seat
MINE = ProxiedServer(LISTEN, FIRST).key


class Untouchable(FakeBackend):
    """A kernel that nobody may ask: to ask would load its module."""

    def read(self) -> tuple[list[IpvsService | IpvsServer], dict[Key, ServiceStats | ServerStats]]:
        raise AssertionError

    def connection_lines(self) -> Iterator[str]:
        raise AssertionError


def session(client: str, server: Endpoint = FIRST, state: str = "ESTABLISHED") -> Connection:
    return Connection(
        "tcp",
        Endpoint.parse(client),
        VIP,
        server,
        state,
        299,
        service="web",
        carrier=Carrier.HAPROXY,
    )


def kernel_connection(client: str, server: Endpoint = FIRST) -> Connection:
    return Connection("tcp", Endpoint.parse(client), VIP, server, "ESTABLISHED", 899)


def kernel_of(config: Config) -> FakeBackend:
    kernel = FakeBackend()
    kernel.state = {one.key: one for one in kernel.expand(config)}
    return kernel


def proxy_of(config: Config) -> FakeProxy:
    proxy = FakeProxy()
    proxy.state = {one.key: one for one in proxy.expand(config)}
    return proxy


def at_work(kernel: FakeBackend, proxy: FakeProxy, config: Config) -> CarriersAtWork:
    owned = state_of([*kernel.expand(config), *proxy.expand(config)])
    return Carriers(kernel, proxy).at_work(config, owned.keys())


def test_in_lvs_nat_nobody_asks_haproxy() -> None:
    kernel, proxy = kernel_of(NAT), FakeProxy()

    carriers = at_work(kernel, proxy, NAT)
    carriers.read()
    list(carriers.traffic(NAT).connections(Selection()))

    assert carriers.proxy is None
    assert proxy.looks == 0


def test_in_lvs_nat_a_haproxy_that_is_still_ours_is_asked() -> None:
    carriers = Carriers(kernel_of(NAT), FakeProxy()).at_work(NAT, [INSTANCE_KEY])

    assert carriers.proxy is not None


def test_where_haproxy_has_all_services_ipvs_is_not_loaded() -> None:
    kernel = Untouchable()
    kernel.loaded = False
    kernel.table = TableState(5, 10)
    carriers = at_work(kernel, proxy_of(PROXIED), PROXIED)

    found, _ = carriers.read()

    assert [one.key.kind for one in found] == [
        "haproxy", "proxied service", "proxied server", "proxied server",
    ]  # fmt: skip
    assert list(carriers.traffic(PROXIED).connections(Selection())) == []
    assert carriers.table_state() == TableState()


@pytest.mark.parametrize("config", [MIXED, SWITCHING, NAT])
def test_ipvs_is_asked_where_it_has_a_service(config: Config) -> None:
    kernel = kernel_of(config)
    kernel.loaded = False

    assert at_work(kernel, FakeProxy(), config).ipvs is kernel


def test_ipvs_is_asked_where_it_is_loaded_or_still_has_something_of_ours() -> None:
    kernel = FakeBackend()
    loaded = Carriers(kernel, FakeProxy()).at_work(PROXIED, [])
    kernel.loaded = False

    assert loaded.ipvs is kernel
    assert Carriers(kernel, FakeProxy()).at_work(PROXIED, [SEAT]).ipvs is kernel
    assert Carriers(kernel, FakeProxy()).at_work(PROXIED, []).ipvs is None


def test_a_server_holds_what_both_hold() -> None:
    kernel, proxy = kernel_of(SWITCHING), proxy_of(SWITCHING)
    kernel.counters[SEAT] = ServerStats(5, 3, 2)
    proxy.counters[MINE] = ServerStats(7, totals=Counters(9, None, None))

    held = at_work(kernel, proxy, SWITCHING).held(SEAT, SWITCHING)

    assert held is not None
    assert (held.active, held.inactive, held.persistent) == (12, 3, 2)


def test_a_server_that_is_not_there_holds_nothing() -> None:
    carriers = at_work(FakeBackend(), FakeProxy(), PROXIED)

    assert carriers.held(SEAT, PROXIED) is None


def test_connections_of_a_process_that_was_replaced_are_held_too() -> None:
    proxy = proxy_of(PROXIED)
    proxy.counters[MINE] = ServerStats(1)
    proxy.connections = [
        session("203.0.113.9:1"), session("203.0.113.9:2"), session("203.0.113.9:3", SECOND),
    ]  # fmt: skip

    before = at_work(FakeBackend(), proxy, PROXIED).held(SEAT, PROXIED)
    proxy.at_its_end = 1
    after = at_work(FakeBackend(), proxy, PROXIED).held(SEAT, PROXIED)

    assert before is not None
    assert before.active == 1
    assert after is not None
    assert after.active == 2


def busy_traffic() -> Traffic:
    kernel, proxy = kernel_of(SWITCHING), proxy_of(SWITCHING)
    kernel.connections = [kernel_connection("203.0.113.9:1001")]
    proxy.connections = [
        session("203.0.113.9:2001"),
        session("203.0.113.10:2002", SECOND),
        session("203.0.113.10:2003", SECOND, "SYN_SENT"),
    ]
    return at_work(kernel, proxy, SWITCHING).traffic(SWITCHING)


def test_connections_of_both_are_listed_with_who_has_them() -> None:
    found = list(busy_traffic().connections(Selection()))

    assert [one.client.port for one in found] == [1001, 2001, 2002, 2003]
    assert [one.carrier for one in found] == [Carrier.IPVS, *[Carrier.HAPROXY] * 3]
    assert {one.service for one in found} == {"web"}


@pytest.mark.parametrize(
    ("selection", "ports"),
    [
        (Selection(service="web"), [1001, 2001, 2002, 2003]),
        (Selection(service="tcp/192.168.1.50:80"), [1001, 2001, 2002, 2003]),
        (Selection(service="udp/192.168.1.50:53"), []),
        (Selection(server=FIRST.address), [1001, 2001]),
        (Selection(server=SECOND.address, server_port=81), []),
        (Selection(server_port=80, state="SYN_SENT"), [2003]),
        (Selection(protocol=Protocol.UDP), []),
        (Selection(protocol=Protocol.TCP), [1001, 2001, 2002, 2003]),
    ],
)
def test_what_is_asked_for_is_asked_of_both(selection: Selection, ports: list[int]) -> None:
    traffic = busy_traffic()

    assert [one.client.port for one in traffic.connections(selection)] == ports
    assert traffic.count(selection) == Tally(len(ports))


@pytest.mark.parametrize(
    ("grouping", "groups"),
    [
        (Grouping.CLIENT, [("203.0.113.10", Tally(2)), ("203.0.113.9", Tally(2))]),
        (Grouping.SERVER, [(str(FIRST), Tally(2)), (str(SECOND), Tally(2))]),
        (Grouping.STATE, [("ESTABLISHED", Tally(3)), ("SYN_SENT", Tally(1))]),
        (Grouping.SERVICE, [("web", Tally(4))]),
    ],
)
def test_both_are_counted_in_the_same_groups(
    grouping: Grouping, groups: list[tuple[str, Tally]]
) -> None:
    (found,) = busy_traffic().rank(Selection(), [grouping])

    assert found == Ranking(grouping, tuple(groups), Tally(4))


def proxied(name: str, listen: str) -> ServiceStatus:
    return ServiceStatus(
        parse_listener(listen),
        Sync.IN_SYNC,
        name,
        stats=ServiceStats(),
        carriers=(Carrier.HAPROXY,),
    )


def test_haproxy_zeroes_all_its_services_or_none() -> None:
    web, mail = proxied("web", "tcp/192.168.1.50:80"), proxied("mail", "tcp/192.168.1.50:25")
    whole = DirectorStatus(Mode.HAPROXY_TPROXY, (web, mail))
    proxy = proxy_of(PROXIED)
    proxy.counters[MINE] = ServerStats(3, totals=Counters(9, None, None, 8, 7))
    traffic = Traffic(PROXIED, None, proxy)

    with pytest.raises(UsageError, match="web alone: it has mail, too"):
        traffic.zero([web], whole)
    assert proxy.looks == 0

    traffic.zero([web, mail], whole)
    assert proxy.counters[MINE] == ServerStats(3, totals=Counters(0, None, None), rates=RATES)


def test_a_service_of_ipvs_is_zeroed_beside_those_of_haproxy() -> None:
    kernel, proxy = kernel_of(MIXED), proxy_of(MIXED)
    service = IpvsService(parse_kernel_listener("udp/192.168.1.50:53"), "").key
    kernel.counters[service] = ServiceStats(Counters(1, 2, 3, 4, 5))
    dns = ServiceStatus(DNS.listen, Sync.IN_SYNC, "dns", stats=ServiceStats())
    whole = DirectorStatus(Mode.HAPROXY_TPROXY, (dns, proxied("web", "tcp/192.168.1.50:80")))

    Traffic(MIXED, kernel, proxy).zero([dns], whole)

    assert kernel.counters[service] == ServiceStats()
    assert proxy.looks == 0
