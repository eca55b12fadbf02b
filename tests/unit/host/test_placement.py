"""Where an address goes, and what cuts the administrator's own session."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface

import pytest

from lvsnat.host.placement import AssignedAddress, awaits, cuts_session, interface_for
from lvsnat.host.resources import Sysctl, Vip
from lvsnat.plan.change import Change, Create, Delete, Update

SESSION = "203.0.113.9 50122 192.168.1.10 22"


def assigned(interface: str, text: str) -> AssignedAddress:
    parsed = ip_interface(text)
    return AssignedAddress(interface, parsed.ip, parsed.network)


HOST = (
    assigned("lo", "127.0.0.1/8"),
    assigned("eth0", "192.168.1.10/24"),
    assigned("eth1", "192.168.2.10/24"),
    assigned("eth1", "192.168.1.129/25"),
    assigned("lo", "198.51.100.7/32"),
    assigned("eth0", "fe80::1/64"),
    assigned("eth1", "2001:db8::10/64"),
)


@pytest.mark.parametrize(
    ("vip", "interface"),
    [
        ("192.168.1.50", "eth0"),
        ("192.168.2.50", "eth1"),
        ("192.168.1.200", "eth1"),  # the narrower of two networks
        ("2001:db8::50", "eth1"),
        ("198.51.100.7", "eth9"),  # an address of its own is no network
        ("203.0.113.50", "eth9"),  # no network has it: the default route's
        ("2001:db8:1::50", "eth9"),
    ],
)
def test_a_vip_goes_where_its_network_is(vip: str, interface: str) -> None:
    assert interface_for(ip_address(vip), HOST, "eth9") == interface


def test_a_vip_of_no_network_goes_to_the_loopback_without_a_default_route() -> None:
    assert interface_for(ip_address("203.0.113.50"), HOST, None) == "lo"


def test_the_first_of_two_interfaces_in_one_network_is_taken() -> None:
    twins = [assigned("eth0", "10.0.0.1/24"), assigned("eth1", "10.0.0.2/24")]

    assert interface_for(ip_address("10.0.0.50"), twins, None) == "eth0"


def vip(text: str) -> Vip:
    return Vip(ip_address(text))


@pytest.mark.parametrize(
    ("change", "cuts"),
    [
        (Delete(vip("192.168.1.10")), True),
        (Create(vip("192.168.1.10")), False),
        (Create(vip("203.0.113.9")), True),
        (Delete(vip("203.0.113.9")), False),
        (Delete(vip("192.168.1.50")), False),
        (Update(Sysctl("x", value="0"), Sysctl("x", value="1")), False),
    ],
)
def test_a_session_is_cut_by_taking_an_end_of_it(*, change: Change, cuts: bool) -> None:
    assert cuts_session(change, SESSION) is cuts


def test_a_session_over_a_link_local_address_is_recognized() -> None:
    assert cuts_session(Delete(vip("fe80::1")), "fe80::2%eth0 50122 fe80::1%eth0 22")


@pytest.mark.parametrize("text", ["", "UNKNOWN 65535 UNKNOWN 65535", "one two"])
def test_without_a_session_nothing_is_cut(text: str) -> None:
    assert not cuts_session(Delete(vip("192.168.1.10")), text)


@pytest.mark.parametrize(
    ("vip", "awaited"),
    [
        (Vip(ip_address("192.168.1.50")), None),
        (Vip(ip_address("203.0.113.5")), "a network that holds 203.0.113.5"),
        (Vip(ip_address("203.0.113.5"), "eth0"), None),
        (Vip(ip_address("192.168.1.50"), "eth7"), "the interface eth7"),
        (Vip(ip_address("192.168.9.9"), "eth7"), None),
    ],
    ids=str,
)
def test_a_vip_awaits_the_place_where_it_belongs(vip: Vip, awaited: str | None) -> None:
    # A host of its own holds no other address; and a VIP that is there awaits nothing.
    there = [assigned("eth0", "192.168.1.10/24"), assigned("lo", "192.168.9.9/32")]

    assert awaits(vip, there, {"lo", "eth0"}) == awaited
