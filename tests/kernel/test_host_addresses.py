"""Addresses on a real kernel, in a network namespace of the test's own; ip(8) is the oracle."""

from __future__ import annotations

import json
import sys
from ipaddress import ip_address
from typing import Any

import pytest
from labkit.host import HUNG
from proxies import until

from lvsnat.host.backend import HostBackend
from lvsnat.host.netlink import Addresses
from lvsnat.host.resources import Vip
from lvsnat.model.resource import Key
from lvsnat.plan.apply import StepError
from lvsnat.plan.change import Change, Create, Delete
from lvsnat.system import run

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("host")]


def ip(*words: str) -> Any:  # noqa: ANN401 - JSON
    done = run(["ip", "-json", *words])
    assert done.returncode == 0, (words, done.stderr)
    return json.loads(done.stdout or "[]")


@pytest.fixture
def host(fresh_netns: None) -> None:  # noqa: ARG001
    """A director: eth0 and eth1 have a network each, the default route is on eth1."""
    for number in "01":
        ip("link", "add", f"eth{number}", "type", "veth", "peer", "name", f"peer{number}")
    for interface in ("lo", "eth0", "peer0", "eth1", "peer1"):
        ip("link", "set", interface, "up")
    ip("address", "add", "192.168.1.10/24", "dev", "eth0")
    ip("address", "add", "2001:db8:1::10/64", "dev", "eth0", "nodad")
    ip("address", "add", "192.168.2.10/24", "dev", "eth1")
    ip("address", "add", "2001:db8:2::10/64", "dev", "eth1", "nodad")
    ip("route", "add", "default", "via", "192.168.2.1")
    ip("-6", "route", "add", "default", "via", "2001:db8:2::1", "dev", "eth1")


def vip(text: str, interface: str | None = None) -> Vip:
    return Vip(ip_address(text), interface)


def places(address: str) -> list[tuple[str, int]]:
    """Where ip(8) finds an address, and with which prefix length."""
    return [
        (link["ifname"], info["prefixlen"])
        for link in ip("address", "show")
        for info in link["addr_info"]
        if info.get("local") == address
    ]


def everything() -> list[Any]:
    """All addresses and routes, but for what has nothing to do with us: lifetimes, DAD."""
    until(lambda: not unrouted())
    addresses = {
        (link["ifname"], info["local"], info["prefixlen"], info["scope"])
        for link in ip("address", "show")
        for info in link["addr_info"]
        if info["scope"] != "link"
    }
    routes = {
        (route["dst"], route.get("dev"), route.get("gateway"), route.get("type"))
        for family in ("-4", "-6")
        for route in ip(family, "route", "show", "table", "all")
        if not route["dst"].startswith(("fe80:", "ff00:"))
    }
    return [sorted(addresses), sorted(routes, key=str)]


def unrouted() -> set[str]:
    """The IPv6 addresses whose local route is still to come: the kernel makes it a little later."""
    local = {route["dst"] for route in ip("-6", "route", "show", "table", "local")}
    return {
        info["local"]
        for link in ip("-6", "address", "show")
        for info in link["addr_info"]
        if info["scope"] != "link"
    } - local


def carry_out(*changes: Change) -> list[Change]:
    done: list[Change] = []
    HostBackend().apply(changes, done.append)
    return done


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.168.1.50", ("eth0", 32)),
        ("192.168.2.50", ("eth1", 32)),
        ("203.0.113.50", ("eth1", 32)),
        ("2001:db8:1::50", ("eth0", 128)),
        ("2001:db8:2::50", ("eth1", 128)),
        ("2001:db8:ffff::50", ("eth1", 128)),
    ],
)
def test_an_address_is_added_where_its_network_or_the_default_route_is(
    address: str, place: tuple[str, int]
) -> None:
    done = carry_out(Create(vip(address)))

    assert done == [Create(vip(address))]
    assert places(address) == [place]


@pytest.mark.parametrize("address", ["203.0.113.50", "2001:db8:ffff::50"])
def test_without_a_default_route_the_loopback_serves(address: str) -> None:
    ip("route", "del", "default")
    ip("-6", "route", "del", "default")

    carry_out(Create(vip(address)))

    assert [interface for interface, _ in places(address)] == ["lo"]


def test_the_default_route_with_the_lowest_metric_counts() -> None:
    ip("route", "del", "default")
    ip("route", "add", "default", "via", "192.168.2.1", "metric", "200")
    ip("route", "add", "default", "via", "192.168.1.1", "metric", "100")

    carry_out(Create(vip("203.0.113.50")))

    assert places("203.0.113.50") == [("eth0", 32)]


def test_a_default_route_over_several_links_counts_by_its_first() -> None:
    ip("route", "del", "default")
    hops = ["nexthop", "via", "192.168.2.1", "nexthop", "via", "192.168.1.1"]
    ip("route", "add", "default", *hops)

    carry_out(Create(vip("203.0.113.50")))

    assert places("203.0.113.50") == [("eth1", 32)]


def test_an_unreachable_default_route_is_none() -> None:
    ip("-6", "route", "del", "default")
    ip("-6", "route", "add", "unreachable", "default")

    carry_out(Create(vip("2001:db8:ffff::50")))

    assert places("2001:db8:ffff::50") == [("lo", 128)]


@pytest.mark.parametrize("address", ["192.168.1.50", "2001:db8:1::50"])
def test_the_configured_interface_wins(address: str) -> None:
    carry_out(Create(vip(address, "eth1")))

    assert [interface for interface, _ in places(address)] == ["eth1"]


def test_an_ipv6_address_serves_at_once() -> None:
    carry_out(Create(vip("2001:db8:1::50")))

    (info,) = (
        info
        for link in ip("address", "show", "dev", "eth0")
        for info in link["addr_info"]
        if info.get("local") == "2001:db8:1::50"
    )
    assert info.get("nodad")
    assert not info.get("tentative")


def test_an_ipv6_vip_is_not_the_source_of_what_the_director_begins() -> None:
    def source() -> object:
        (route,) = ip("-6", "route", "get", "2001:db8:1::99")
        return route["prefsrc"]

    before = source()

    carry_out(*(Create(vip(f"2001:db8:1::{number}")) for number in ("9", "50", "98")))

    assert source() == before == "2001:db8:1::10"
    (info,) = (
        info
        for link in ip("address", "show", "dev", "eth0")
        for info in link["addr_info"]
        if info.get("local") == "2001:db8:1::98"
    )
    assert info["deprecated"]
    assert (info["preferred_life_time"], info["valid_life_time"]) == (0, 2**32 - 1)


def test_adding_what_is_there_changes_nothing() -> None:
    carry_out(Create(vip("192.168.1.50")), Create(vip("2001:db8:1::50")))
    before = everything()

    carry_out(Create(vip("192.168.1.50")), Create(vip("2001:db8:1::50")))

    assert everything() == before


def test_adding_and_removing_leaves_addresses_and_routes_as_they_were() -> None:
    before = everything()
    vips = [vip("192.168.1.50"), vip("2001:db8:1::50"), vip("203.0.113.50"), vip("192.168.1.51")]

    carry_out(*map(Create, vips))
    between = everything()
    carry_out(*map(Delete, vips))

    assert between != before
    assert everything() == before


def test_removing_what_is_gone_changes_nothing() -> None:
    before = everything()

    assert carry_out(Delete(vip("192.168.1.50")), Delete(vip("2001:db8:1::50")))

    assert everything() == before


@pytest.mark.parametrize("interface", [None, "eth0"])
def test_an_address_with_its_network_is_never_removed(interface: str | None) -> None:
    before = everything()

    carry_out(*(Delete(vip(text, interface)) for text in ("192.168.1.10", "2001:db8:1::10")))

    assert everything() == before


def test_removing_from_an_interface_that_is_gone_changes_nothing() -> None:
    before = everything()

    carry_out(Delete(vip("192.168.1.50", "eth7")))

    assert everything() == before


def test_of_two_places_the_one_that_was_added_is_seen_and_removed() -> None:
    ip("address", "add", "192.168.1.50/24", "dev", "eth0")
    before = everything()
    carry_out(Create(vip("192.168.1.50", "lo")))

    (seen,) = HostBackend().observe([vip("192.168.1.50").key])
    carry_out(Delete(seen))

    assert isinstance(seen, Vip)
    assert seen.interface == "lo"
    assert everything() == before


@pytest.mark.parametrize(
    ("address", "interface"), [("192.168.1.10", "eth0"), ("2001:db8:2::10", "eth1"), ("::1", "lo")]
)
def test_an_address_on_any_interface_is_seen(address: str, interface: str) -> None:
    seen = list(HostBackend().observe([Key("address", address)]))

    assert seen == [vip(address)]
    assert [one.settings() for one in seen] == [{"interface": interface}]


def test_only_the_addresses_that_are_asked_for_are_seen() -> None:
    keys = [Key("address", "192.168.1.50"), Key("address", "192.168.2.10")]

    assert list(HostBackend().observe(keys)) == [vip("192.168.2.10")]


def test_the_local_end_of_a_point_to_point_link_is_its_address() -> None:
    ip("address", "add", "10.0.0.1", "peer", "10.9.0.0/16", "dev", "eth0")

    carry_out(Create(vip("10.9.0.50")))

    assert list(HostBackend().observe([Key("address", "10.0.0.1")])) == [vip("10.0.0.1")]
    assert places("10.9.0.50") == [("eth0", 32)]


def test_an_interface_that_does_not_exist_is_named_beside_those_that_do() -> None:
    before = everything()

    with pytest.raises(StepError, match="there is no interface 'eth7'") as caught:
        carry_out(Create(vip("192.168.1.50", "eth7")))

    assert caught.value.hint is not None
    assert "eth0" in caught.value.hint
    assert everything() == before


def test_what_was_done_before_a_failure_is_reported() -> None:
    done: list[Change] = []
    changes = [Create(vip("192.168.1.50")), Create(vip("192.168.1.51", "eth7"))]

    with pytest.raises(StepError) as caught:
        HostBackend().apply([*changes, Create(vip("192.168.1.52"))], done.append)

    assert caught.value.change == changes[1]
    assert done == changes[:1]
    assert places("192.168.1.52") == []


def test_an_interface_without_ipv6_is_explained() -> None:
    assert run(["sysctl", "-qw", "net.ipv6.conf.eth0.disable_ipv6=1"]).returncode == 0

    with pytest.raises(StepError, match="create address 2001:db8:1::50: on eth0") as caught:
        carry_out(Create(vip("2001:db8:1::50", "eth0")))

    assert caught.value.hint is not None
    assert "disable_ipv6" in caught.value.hint


def test_without_the_capability_the_hint_is_root() -> None:
    code = (
        "from ipaddress import ip_address\n"
        "from lvsnat.errors import LvsnatError\n"
        "from lvsnat.host.netlink import Addresses\n"
        "from lvsnat.host.resources import Vip\n"
        "try:\n"
        "    with Addresses() as addresses: addresses.add(Vip(ip_address('192.168.1.50')))\n"
        "except LvsnatError as error:\n"
        "    print(error.message, '|', error.hint)\n"
    )

    done = run(["setpriv", "--bounding-set=-net_admin", sys.executable, "-c", code], timeout=HUNG)

    assert done.stdout == "on eth0: Operation not permitted | run it as root (sudo)\n", done.stderr


def test_an_interface_that_appears_is_used_by_the_next_command() -> None:
    ip("link", "add", "eth2", "type", "veth", "peer", "name", "peer2")
    ip("link", "set", "eth2", "up")
    ip("address", "add", "192.168.1.200/28", "dev", "eth2")

    with Addresses() as addresses:
        addresses.add(vip("192.168.1.201"))

    assert places("192.168.1.201") == [("eth2", 32)]
