"""Plans that must not be carried out by accident."""

from __future__ import annotations

from ipaddress import ip_address

from worlds import Parent

from lvsnat.haproxy.resources import HaproxyInstance, ProxiedServer, ProxiedService
from lvsnat.host.resources import Vip
from lvsnat.ipvs.resources import IpvsServer, IpvsService
from lvsnat.model.endpoint import Endpoint, parse_kernel_listener, parse_listener
from lvsnat.model.resource import Key, Resource, State, state_of
from lvsnat.plan.change import Delete
from lvsnat.plan.guard import objections
from lvsnat.plan.ledger import Ledger
from lvsnat.plan.planner import plan

LISTEN = parse_kernel_listener("tcp/192.168.1.50:80")
WEB = IpvsService(LISTEN, "wrr")


def server(host: int, weight: int = 1) -> IpvsServer:
    return IpvsServer(LISTEN, Endpoint.parse(f"192.168.2.{host}:80"), weight)


def messages(
    desired: list[Resource], observed: list[Resource], held: dict[Key, int] | None = None
) -> list[str]:
    before = state_of(observed)
    ledger = Ledger(
        frozenset(
            key for key in before if key.kind in {"service", "parent", "haproxy", "proxied service"}
        )
    )
    made = plan(state_of(desired), before, ledger)
    found = objections(made, before, cuts_session=lambda _: False, active=lambda: held or {})
    return [objection.message for objection in found]


def test_the_last_server_that_takes_connections_is_guarded() -> None:
    expected = [
        "service tcp/192.168.1.50:80 is left without a server that takes connections",
    ]

    assert messages([WEB, server(1, 0)], [WEB, server(1)]) == expected
    assert messages([WEB], [WEB, server(1)]) == expected
    assert messages([WEB, server(1, 0), server(2, 0)], [WEB, server(1), server(2, 0)]) == expected


def test_a_service_that_keeps_a_server_is_not_guarded() -> None:
    assert messages([WEB, server(1, 0), server(2)], [WEB, server(1), server(2)]) == []
    assert messages([WEB, server(2)], [WEB, server(1)]) == []


def test_a_service_that_goes_with_its_servers_is_not_emptied() -> None:
    assert messages([], [WEB, server(1)]) == []


def test_a_service_that_was_empty_may_stay_empty() -> None:
    assert messages([WEB, server(1, 0)], [WEB]) == []


def test_removing_more_than_a_third_of_what_is_ours_is_guarded() -> None:
    world: list[Resource] = [Parent(name) for name in "abcdefghij"]

    assert messages(world[3:], world) == []
    assert messages(world[4:], world) == ["4 of 10 services and servers would be removed"]


def test_few_resources_may_all_be_removed() -> None:
    assert messages([], [Parent(name) for name in "abcdefghi"]) == []


def test_a_change_that_cuts_the_session_is_guarded() -> None:
    vip = Vip(ip_address("192.168.1.50"))
    observed: State = {vip.key: vip}
    made = plan({}, observed, Ledger(frozenset({vip.key})))

    found = objections(
        made, observed, cuts_session=lambda change: change == Delete(vip), active=dict
    )

    assert [objection.message for objection in found] == [
        "address 192.168.1.50 carries the ssh connection that this runs in"
    ]


def test_connections_of_servers_that_go_are_guarded() -> None:
    held = {server(1).key: 2, server(2).key: 1, server(3).key: 5}

    assert messages([WEB, server(3)], [WEB, server(1), server(2), server(3)], held) == [
        "3 active connections of service tcp/192.168.1.50:80 would be cut"
    ]
    assert messages([], [WEB, server(2)], held) == [
        "1 active connection of service tcp/192.168.1.50:80 would be cut"
    ]


def test_connections_of_a_proxy_live_on_as_long_as_it_has_a_service() -> None:
    listen = parse_listener("tcp/192.168.1.50:80")
    haproxy, web = HaproxyInstance(("global",)), ProxiedService(listen, ("frontend web",))
    one = ProxiedServer(listen, Endpoint.parse("192.168.2.1:80"))
    held = {one.key: 3}

    assert messages([haproxy, web], [haproxy, web, one], held) == [
        f"{web.describe()} is left without a server that takes connections"
    ]
    assert messages([haproxy], [haproxy, web, one], held) == []
    assert messages([], [haproxy, web, one], held) == [
        f"3 active connections of {web.describe()} would be cut"
    ]


def test_a_change_in_place_cuts_no_connection() -> None:
    assert messages([WEB, server(1, 5)], [WEB, server(1)], {server(1).key: 2}) == []
