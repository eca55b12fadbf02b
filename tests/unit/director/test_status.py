"""One status of what two carriers have: who serves, what both carry, what is whose."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from lvsnat.director.scope import View
from lvsnat.director.status import status
from lvsnat.haproxy.resources import ProxiedServer, ProxiedService
from lvsnat.host.resources import Vip
from lvsnat.ipvs.resources import IpvsServer, IpvsService, expand
from lvsnat.model.carrier import Carrier
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Endpoint, parse_kernel_listener, parse_listener
from lvsnat.model.mode import Mode
from lvsnat.model.override import Override, Reason
from lvsnat.model.phase import Phase
from lvsnat.model.resource import Key, Resource, State, state_of
from lvsnat.model.service import RealServer, Scheduler, VirtualService
from lvsnat.model.status import (
    Counters,
    Health,
    HealthState,
    Rates,
    ServerStats,
    ServerStatus,
    ServiceStats,
    ServiceStatus,
    Sync,
)
from lvsnat.plan.ledger import Ledger
from lvsnat.testing.proxy import FakeProxy

FIRST, SECOND = Endpoint.parse("192.168.2.55:80"), Endpoint.parse("192.168.2.56:80")
WEB = VirtualService(
    "web",
    parse_listener("tcp/192.168.1.50:80"),
    Scheduler.WRR,
    servers=(RealServer(FIRST, 3, 100), RealServer(SECOND)),
)
DNS = VirtualService(
    "dns",
    parse_listener("udp/192.168.1.50:53"),
    servers=(RealServer(Endpoint.parse("10.0.0.1:53")),),
)
MANY = VirtualService(
    "many", parse_listener("tcp/192.168.1.50:8000-8010"), servers=(RealServer(FIRST),)
)
CONFIG = Config(Mode.HAPROXY_TPROXY, (DNS, WEB))
BOTH = replace(CONFIG, switching=Phase.BOTH)
PROXIED = ProxiedServer(WEB.listen, FIRST).key
KERNEL = IpvsServer(parse_kernel_listener("tcp/192.168.1.50:80"), FIRST).key
Stats = dict[Key, ServiceStats | ServerStats]


def wished(config: Config) -> State:
    return state_of([*expand(config), *FakeProxy().expand(config)])


def services(
    config: Config,
    *,
    without: tuple[Key, ...] = (),
    more: tuple[Resource, ...] = (),
    stats: Stats | None = None,
    overrides: dict[Key, Override] | None = None,
) -> tuple[ServiceStatus, ...]:
    """The status where all is as it should be, but for what is said."""
    desired = wished(config)
    ledger = Ledger(frozenset(desired))
    seen = {key: one for key, one in desired.items() if key not in without} | state_of(more)
    view = View(desired, seen, ledger)
    return status(config, view, stats or {}, overrides or {}).services


def server_of(service: ServiceStatus, endpoint: Endpoint) -> ServerStatus:
    return next(one for one in service.servers if one.endpoint == endpoint)


def test_services_stand_in_the_order_of_the_configuration_whoever_serves_them() -> None:
    dns, web = services(CONFIG)

    assert (dns.name, dns.carriers) == ("dns", (Carrier.IPVS,))
    assert (web.name, web.carriers) == ("web", (Carrier.HAPROXY,))
    assert dns.sync is web.sync is Sync.IN_SYNC


def test_a_proxied_service_is_shown_in_the_words_of_the_configuration() -> None:
    _, web = services(CONFIG)

    assert web.wanted == web.seen == replace(WEB, servers=())
    assert [one.wanted for one in web.servers] == [one.seen for one in web.servers]
    assert [one.wanted for one in web.servers] == [RealServer(FIRST, 3, 100), RealServer(SECOND)]


def test_a_weight_that_was_scaled_is_shown_as_it_is_configured() -> None:
    scaled = ProxiedServer(WEB.listen, FIRST, 256, wish=40_000)
    desired = {**wished(CONFIG), PROXIED: scaled}
    seen = {**desired, PROXIED: replace(scaled, wish=None)}
    whole = status(CONFIG, View(desired, seen, Ledger(frozenset(desired))), {}, {})

    server = server_of(whole.services[1], FIRST)

    assert server.wanted == server.seen == RealServer(FIRST, 40_000)


def test_a_drained_server_has_the_weight_0_in_every_scale() -> None:
    override = Override(Reason.DRAINED)
    drained = ProxiedServer(WEB.listen, FIRST, 0, wish=40_000)

    _, web = services(CONFIG, more=(drained,), overrides={KERNEL: override})

    server = server_of(web, FIRST)
    assert server.seen == RealServer(FIRST, 0)
    assert server.override == override


def test_the_place_of_a_server_of_several_ports_finds_its_override() -> None:
    config = Config(Mode.HAPROXY_TPROXY, (MANY,))
    (server,) = (one for one in FakeProxy().expand(config) if isinstance(one, ProxiedServer))
    override = Override(Reason.DISABLED)

    # What is read back from a file may not say where the server stands among the marks.
    (many,) = services(
        config, more=(replace(server, place=None),), overrides={server.seat: override}
    )

    assert many.servers[0].override == override


def test_in_a_switch_a_listener_is_one_service_with_the_sums_of_both() -> None:
    totals = Counters(10, 20, 30, 40, 50), Counters(1, None, None, 4, 5)
    stats: Stats = {
        KERNEL: ServerStats(5, 3, 2, totals[0], Rates(1, 2, 3, 4, 5)),
        PROXIED: ServerStats(7, 0, 1, totals[1], Rates(6, None, None, None, None)),
        IpvsService(parse_kernel_listener("tcp/192.168.1.50:80"), "").key: ServiceStats(totals[0]),
        ProxiedService(WEB.listen, ()).key: ServiceStats(totals[1]),
    }

    dns, web = services(BOTH, stats=stats)

    assert dns.carriers == (Carrier.IPVS,)
    assert web.carriers == (Carrier.HAPROXY, Carrier.IPVS)
    assert web.stats is not None
    assert web.stats.totals == Counters(11, None, None, 44, 55)
    assert len(web.servers) == 2
    assert server_of(web, FIRST).stats == ServerStats(
        12, 3, 3, Counters(11, None, None, 44, 55), Rates(7, None, None, None, None)
    )


def test_in_a_switch_the_worse_of_two_states_is_shown() -> None:
    _, web = services(BOTH, without=(KERNEL,))

    assert server_of(web, FIRST).sync is Sync.MISSING
    assert server_of(web, SECOND).sync is Sync.IN_SYNC


def test_health_is_what_haproxy_says_also_where_ipvs_has_the_server_too() -> None:
    down = Health(HealthState.DOWN, "L4CON in 0ms: Connection refused", 12)

    _, web = services(BOTH, stats={KERNEL: ServerStats(5), PROXIED: ServerStats(health=down)})

    assert server_of(web, FIRST).health == down
    assert server_of(web, SECOND).health is None


def test_a_service_of_ipvs_that_is_not_ours_stands_beside_ours_on_the_same_listener() -> None:
    stranger = IpvsService(parse_kernel_listener("tcp/192.168.1.50:80"), "rr")

    found = services(CONFIG, more=(stranger,))

    assert [(one.listen, one.sync, one.carriers) for one in found[1:]] == [
        (WEB.listen, Sync.IN_SYNC, (Carrier.HAPROXY,)),
        (WEB.listen, Sync.UNMANAGED, (Carrier.IPVS,)),
    ]


def test_a_service_whose_address_is_missing_says_so() -> None:
    config = replace(CONFIG, mode=Mode.LVS_NAT)
    vip = Vip(ip_address("192.168.1.50"))
    wish = {**wished(config), vip.key: vip}

    gone = status(config, View(wish, wished(config), Ledger()), {}, {}).services
    there = status(config, View(wish, wish, Ledger()), {}, {}).services

    assert [one.vip_missing for one in gone] == [True, True]
    assert [one.vip_missing for one in there] == [False, False]


def test_haproxy_itself_is_one_of_the_things_of_the_host() -> None:
    desired = wished(CONFIG)

    host = status(CONFIG, View(desired, {}, Ledger()), {}, {}).host

    assert [(thing.what, thing.sync) for thing in host] == [("haproxy", Sync.MISSING)]
