"""What EC2 says of a VPC becomes commands: the translation alone, without a kernel."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labkit.fabric import commands, device, link_local, router_rules, routing, switch_rules
from labkit.vpcstate import LOCAL, Nic, Route, Subnet, Table, VpcState

EVERYTHING = "0.0.0.0/0"
DIRECTOR = Nic("eni-d1", "director", "02:00:00:00:00:0d", "subnet-a", ("10.0.1.10",))
SERVER = Nic("eni-s1", "server", "02:00:00:00:00:05", "subnet-b", ("10.0.2.55",))
HOME = Route("10.0.0.0/16", LOCAL)
PUBLIC = Table(
    "rtb-a", main=False, subnets=("subnet-a",), routes=(HOME, Route(EVERYTHING, "igw-1"))
)
PRIVATE = Table("rtb-b", main=True, subnets=(), routes=(HOME,))
STATE = VpcState(
    nics=(DIRECTOR, SERVER),
    subnets=(Subnet("subnet-a", ("10.0.1.0/24",)), Subnet("subnet-b", ("10.0.2.0/24",))),
    tables=(PUBLIC, PRIVATE),
    gateway="igw-1",
)
DOORS = {"igw-1": "dev igw-1"}


def puts(state: VpcState, family: int = 4) -> set[str]:
    return {*routing(state, DOORS, family).values()}


def with_routes(*routes: Route) -> VpcState:
    """The servers' table as these routes make it."""
    return replace(STATE, tables=(PUBLIC, replace(PRIVATE, routes=(HOME, *routes))))


def test_each_subnet_looks_at_its_own_table_and_else_at_the_main_one() -> None:
    assert {line for line in puts(STATE) if line.startswith("rule")} == {
        "rule add iif igw-1 lookup 100 pref 100",
        "rule add iif subnet-a lookup 101 pref 100",
        "rule add iif subnet-b lookup 102 pref 100",
    }


def test_a_route_to_an_interface_leads_to_it_wherever_it_is() -> None:
    wanted = puts(with_routes(Route(EVERYTHING, "eni-d1")))

    assert (
        f"route replace {EVERYTHING} table 102 metric 1 via 10.0.1.10 dev subnet-a onlink" in wanted
    )
    assert "neigh replace 10.0.1.10 dev subnet-a lladdr 02:00:00:00:00:0d nud permanent" in wanted


def test_an_ipv6_route_needs_no_ipv6_address_of_its_interface() -> None:
    hop = link_local(DIRECTOR.mac)
    wanted = puts(with_routes(Route("::/0", "eni-d1")), family=6)

    assert hop == "fe80::ff:fe00:d"
    assert f"route replace ::/0 table 102 metric 1 via {hop} dev subnet-a onlink" in wanted
    assert f"neigh replace {hop} dev subnet-a lladdr {DIRECTOR.mac} nud permanent" in wanted


@pytest.mark.parametrize(
    "route",
    [
        Route(EVERYTHING, "eni-gone"),
        Route(EVERYTHING, "tgw-1"),
        Route(EVERYTHING, "eni-d1", blackhole=True),
    ],
    ids=str,
)
def test_what_leads_nowhere_is_a_hole(route: Route) -> None:
    assert f"route replace blackhole {EVERYTHING} table 102 metric 1" in puts(with_routes(route))


def test_every_table_ends_so_that_no_other_one_is_looked_at() -> None:
    ends = {f"route replace blackhole {EVERYTHING} table {n} metric 9999" for n in (100, 101, 102)}

    assert ends <= puts(STATE)


def test_a_subnets_own_route_goes_before_the_local_one() -> None:
    local = "route replace 10.0.1.0/24 table 102 metric 1 dev subnet-a"
    around = "route replace 10.0.1.0/24 table 102 metric 1 via 10.0.2.55 dev subnet-b onlink"

    assert local in puts(STATE)
    changed = puts(with_routes(Route("10.0.1.0/24", "eni-s1")))
    assert around in changed
    assert local not in changed


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_routes_for_a_network_the_static_one_holds(*, turned: bool) -> None:
    routes = [Route(EVERYTHING, "eni-d1"), Route(EVERYTHING, "vgw-1", propagated=True)]
    wanted = puts(with_routes(*(reversed(routes) if turned else routes)))

    assert any("via 10.0.1.10" in line for line in wanted)


def test_a_vpc_of_one_subnet_is_reached() -> None:
    whole = replace(STATE, subnets=(Subnet("subnet-a", ("10.0.0.0/16",)),), nics=(DIRECTOR,))

    assert "route replace 10.0.0.0/16 table 101 metric 1 dev subnet-a" in puts(whole)


def test_names_of_interfaces_are_short_enough_for_the_kernel() -> None:
    assert device("subnet-0a1b2c3d4e5f67890") == "subnet-e5f67890"
    assert len(device("subnet-0a1b2c3d4e5f67890")) == 15


def test_an_elastic_ip_is_one_to_one() -> None:
    rules = router_rules(replace(STATE, elastic=(("203.0.113.7", "10.0.1.10"),)))

    assert "elements = { 203.0.113.7 : 10.0.1.10 }" in rules
    assert "elements = { 10.0.1.10 : 203.0.113.7 }" in rules


def test_the_check_is_on_for_whom_ec2_says_so() -> None:
    off = replace(DIRECTOR, checked=False)
    rules = switch_rules(replace(STATE, nics=(off, SERVER)), ["eni-d1", "eni-s1", "vpc-a"])

    assert 'set senders { type ifname; elements = { "eni-s1" }; }' in rules
    assert "set receivers { type ether_addr; elements = { 02:00:00:00:00:05 }; }" in rules
    assert 'elements = { "eni-d1" . 10.0.1.10, "eni-s1" . 10.0.2.55 }' in rules


# What takes a thing away names it; what puts it says more: no two things are the same line.
entries = st.dictionaries(st.sampled_from("abcdef").map("del {}".format), st.sampled_from("123"))


@given(entries, entries)
def test_what_is_carried_out_makes_what_is_wanted(
    before: dict[str, str], after: dict[str, str]
) -> None:
    before, after = (
        {take: f"{take}={put}" for take, put in one.items()} for one in (before, after)
    )
    held = dict(before)

    for line in commands(before, after):
        if line in held:
            del held[line]
        else:
            held[line.partition("=")[0]] = line

    assert held == after


@given(entries)
def test_what_is_there_already_asks_for_nothing(there: dict[str, str]) -> None:
    assert commands(there, there) == []
