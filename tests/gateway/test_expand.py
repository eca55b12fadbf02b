"""A wish over what it meets: which rules, routes and settings come of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from gateway.grounds import default, ground, own, route, wish

from lvsnat.errors import RefusedError, UsageError
from lvsnat.gateway.expand import Made, expand
from lvsnat.gateway.resources import DEFAULT
from lvsnat.gateway.seen import BLACKHOLE, Ground
from lvsnat.gateway.wish import GatewayWish
from lvsnat.model.resource import Key


def lines(asked: GatewayWish, there: Ground, made: Made | None = None) -> list[str]:
    found = expand(asked, there, made or {})
    return [" ".join([one.describe(), *one.settings().values()]) for one in found]


def routing(asked: GatewayWish, there: Ground, made: Made | None = None) -> list[str]:
    return [line for line in lines(asked, there, made) if not line.startswith("sysctl")]


def test_the_default_gateway_goes_before_that_of_dhcp() -> None:
    there = ground([default("192.168.1.1", metric=100)])

    assert routing(wish(), there) == [
        "route ipv4 default table 254 metric 50 via 192.168.1.50 dev eth0"
    ]


def test_it_goes_before_a_better_one_too() -> None:
    there = ground([default("192.168.1.1", metric=7), default("192.168.1.2", metric=100)])

    assert routing(wish(), there) == [
        "route ipv4 default table 254 metric 6 via 192.168.1.50 dev eth0"
    ]


def test_a_default_route_that_nothing_comes_before_is_replaced() -> None:
    assert routing(wish(), ground()) == [
        "default route ipv4 via 192.168.1.50 dev eth0 proto static"
    ]


def test_without_a_default_route_one_is_made() -> None:
    assert routing(wish(), ground([])) == [
        "route ipv4 default table 254 metric 50 via 192.168.1.50 dev eth0"
    ]


def test_what_lvsnat_has_made_does_not_count_as_another() -> None:
    key = Key("route", "ipv4 default table 254 metric 50")
    there = ground([default("192.168.1.50", metric=50), default("192.168.1.1", metric=100)])

    found = routing(wish(), there, {key: ("via 192.168.1.50 dev eth0",)})

    assert found == ["route ipv4 default table 254 metric 50 via 192.168.1.50 dev eth0"]


def test_a_default_route_that_was_replaced_stays_so() -> None:
    there = ground([default("192.168.1.50", protocol=4)])
    made = {Key(DEFAULT, "ipv4"): ("via 192.168.1.50 dev eth0 proto static",)}

    assert routing(wish(), there, made) == [
        "default route ipv4 via 192.168.1.50 dev eth0 proto static"
    ]


def test_one_that_a_network_manager_made_is_left_as_it_is() -> None:
    assert routing(wish(), ground([default("192.168.1.50")])) == [
        "default route ipv4 via 192.168.1.50 dev eth0 proto dhcp"
    ]


@pytest.mark.parametrize(
    "strange",
    [
        [replace(default("192.168.1.1"), peculiar=("RTA_MULTIPATH",))],
        [replace(default("192.168.1.1"), kind=BLACKHOLE)],
        [default("192.168.1.1"), default("192.168.1.2")],
    ],
)
def test_what_could_not_be_put_back_is_not_replaced(strange: list) -> None:  # type: ignore[type-arg]
    with pytest.raises(RefusedError, match="could not put this default route back"):
        lines(wish(), ground(strange))


def test_replies_get_rules_and_a_table_that_spares_the_neighbours() -> None:
    two = [own("eth0", "192.168.1.55/24"), own("eth0", "192.168.1.60/32")]

    assert routing(wish(ports="tcp/80,udp/53"), ground(addresses=two)) == [
        "route ipv4 192.168.1.0/24 table 234 throw",
        "route ipv4 default table 234 via 192.168.1.50 dev eth0",
        "routing rule ipv4 110: from 192.168.1.55 ipproto tcp sport 80 lookup 234",
        "routing rule ipv4 110: from 192.168.1.60 ipproto tcp sport 80 lookup 234",
        "routing rule ipv4 110: from all iif lo ipproto udp sport 53 lookup 234",
    ]


def test_udp_replies_spare_the_networks_of_other_interfaces() -> None:
    two = [own("eth0", "192.168.1.55/24"), own("eth1", "10.8.0.5/16"), own("lo", "127.0.0.1/8")]

    found = routing(wish(ports="udp/53", local_clients=True), ground(addresses=two))

    assert found[:2] == [
        "route ipv4 192.168.1.0/24 table 234 via 192.168.1.50 dev eth0",
        "route ipv4 10.8.0.0/16 table 234 throw",
    ]


def test_local_clients_are_answered_through_the_director_too() -> None:
    found = routing(wish(ports="tcp/80", local_clients=True), ground())

    assert found[0] == "route ipv4 192.168.1.0/24 table 234 via 192.168.1.50 dev eth0"


def test_redirects_are_switched_off_for_all_and_the_interface() -> None:
    assert lines(wish(), ground())[:2] == [
        "sysctl net.ipv4.conf.all.accept_redirects 0",
        "sysctl net.ipv4.conf.eth0.accept_redirects 0",
    ]


def test_a_table_of_somebody_else_is_not_used() -> None:
    there = ground([route("10.0.0.0/8", "192.168.1.9", table=234)])

    with pytest.raises(RefusedError, match="table 234 has a route of somebody else"):
        lines(wish(ports="tcp/80"), there)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (wish("192.168.1.55"), "an address of this host itself"),
        (wish("10.9.9.9"), "no network of this host holds"),
        (wish("192.168.1.50", interface="eth7"), "there is no interface 'eth7'"),
        (wish("192.168.1.50", interface="eth1"), "eth1 has no network that holds"),
        (wish("192.168.1.255"), "or its broadcast"),
        (wish("fe80::1", interface="eth0"), "has no network that holds"),
    ],
)
def test_a_director_that_cannot_be_there_is_refused(asked: GatewayWish, message: str) -> None:
    with pytest.raises(UsageError, match=message) as refusal:
        lines(asked, ground())
    assert refusal.value.hint
