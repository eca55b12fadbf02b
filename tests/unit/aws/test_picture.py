"""What can be asked of a VPC as it was seen."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from lvsnat.aws.network import (
    EVERYWHERE,
    ElasticIp,
    Interface,
    Origin,
    PrefixList,
    PrivateAddress,
    Route,
    RouteTable,
    Rule,
    SecurityGroup,
    Subnet,
)
from lvsnat.aws.picture import Picture, best_route, ways_of
from lvsnat.aws.target import LOCAL, Target, TargetKind

ANY = ip_network("0.0.0.0/0")
NAT, ENI, PCX, VGW = Target("nat-1"), Target("eni-1"), Target("pcx-1"), Target("vgw-1")
LOCAL_ROUTE = Route(ip_network("10.0.0.0/16"), Target(LOCAL), Origin.TABLE)
PRIVATE = RouteTable("rtb-private", subnets=("subnet-a",), routes=(LOCAL_ROUTE, Route(ANY, NAT)))
MAIN = RouteTable("rtb-main", main=True, routes=(LOCAL_ROUTE,))
PICTURE = Picture(
    "eu-west-1", "aws", "123456789012", "vpc-1",
    networks=(ip_network("10.0.0.0/16"),),
    interfaces=(
        Interface(
            "eni-1", "subnet-a",
            (
                PrivateAddress(ip_address("10.0.1.10"), primary=True),  # type: ignore[arg-type] # it is IPv4
                PrivateAddress(ip_address("10.0.1.200")),  # type: ignore[arg-type] # it is IPv4
            ),
            (ip_address("2001:db8::200"),),  # type: ignore[arg-type] # it is IPv6
            attached=True,
        ),
        Interface("eni-2", "subnet-b"),
    ),
    subnets=(
        Subnet("subnet-a", (ip_network("10.0.1.0/24"), ip_network("2001:db8::/64"))),
        Subnet("subnet-b", (ip_network("10.0.2.0/24"),)),
        Subnet("subnet-c", (ip_network("10.0.3.0/24"),)),
    ),
    tables=(MAIN, PRIVATE),
    addresses=(
        ElasticIp(
            "eipalloc-1", ip_address("203.0.113.7"), "eipassoc-1", "eni-1",  # type: ignore[arg-type] # it is IPv4
            ip_address("10.0.1.200"),  # type: ignore[arg-type] # it is IPv4
        ),
    ),
    groups=(SecurityGroup("sg-1"),),
)  # fmt: skip


def test_things_are_found_by_their_ids() -> None:
    assert PICTURE.interface("eni-1") is PICTURE.interfaces[0]
    assert PICTURE.subnet("subnet-b") is PICTURE.subnets[1]
    assert PICTURE.table("rtb-main") is MAIN
    assert PICTURE.group("sg-1") is PICTURE.groups[0]
    assert PICTURE.elastic_ip("eipalloc-1") is PICTURE.addresses[0]


def test_what_is_not_there_is_none() -> None:
    assert PICTURE.interface("eni-9") is None
    assert PICTURE.subnet("subnet-9") is None
    assert PICTURE.table("rtb-9") is None
    assert PICTURE.group("sg-9") is None
    assert PICTURE.elastic_ip("eipalloc-9") is None
    assert PICTURE.ways("rtb-9", ANY) == ()
    assert PICTURE.sharers("rtb-9") == ()


def test_a_subnet_without_a_table_of_its_own_shares_the_main_one() -> None:
    own, shared = PICTURE.table_of("subnet-a"), PICTURE.table_of("subnet-b")

    assert own is not None
    assert (own.table, own.implicit) == (PRIVATE, False)
    assert shared is not None
    assert (shared.table, shared.implicit) == (MAIN, True)
    assert [subnet.id for subnet in PICTURE.sharers("rtb-main")] == ["subnet-b", "subnet-c"]
    assert [subnet.id for subnet in PICTURE.sharers("rtb-private")] == ["subnet-a"]


def test_without_tables_a_subnet_has_none() -> None:
    assert Picture("r", "aws", "1", "vpc-1").table_of("subnet-a") is None


@pytest.mark.parametrize(
    ("address", "holder", "subnet"),
    [
        ("10.0.1.10", "eni-1", "subnet-a"),
        ("10.0.1.200", "eni-1", "subnet-a"),
        ("2001:db8::200", "eni-1", "subnet-a"),
        ("10.0.2.1", None, "subnet-b"),
        ("192.168.0.1", None, None),
    ],
)
def test_an_address_has_a_holder_and_a_subnet(
    address: str, holder: str | None, subnet: str | None
) -> None:
    found, inside = PICTURE.holder(ip_address(address)), PICTURE.subnet_of(ip_address(address))

    assert (found and found.id) == holder
    assert (inside and inside.id) == subnet


def test_an_elastic_ip_is_mapped_to_one_address() -> None:
    assert PICTURE.mapped_to(ip_address("10.0.1.200")) is PICTURE.addresses[0]
    assert PICTURE.mapped_to(ip_address("10.0.1.10")) is None
    assert PICTURE.mapped_to(ip_address("10.0.9.9")) is None


def test_a_route_to_what_is_detached_or_gone_is_a_blackhole() -> None:
    assert [PICTURE.attached(eni) for eni in ("eni-1", "eni-2", "eni-9")] == [True, False, False]


def test_the_longest_prefix_wins() -> None:
    routes = (Route(ANY, NAT), Route(ip_network("10.8.0.0/16"), PCX))

    def target(network: str) -> Target | None:
        found = best_route(routes, ip_network(network))
        return None if found is None else found.target

    assert target("10.8.1.0/24") == PCX
    assert target("10.0.0.0/8") == NAT
    assert target("::/0") is None


def test_a_static_route_beats_a_propagated_one_of_the_same_length_only() -> None:
    propagated = Route(ANY, VGW, Origin.PROPAGATED)
    narrow = Route(ip_network("10.8.0.0/16"), VGW, Origin.PROPAGATED)
    static = Route(ANY, NAT)

    assert best_route((propagated, static), ANY) is static
    assert best_route((static, narrow), ip_network("10.8.0.0/24")) is narrow


def test_a_network_by_itself_beats_one_in_a_prefix_list() -> None:
    listed = Route(PrefixList("pl-1", (ANY,)), PCX)
    static = Route(ANY, NAT)

    assert best_route((listed, static), ANY) is static
    assert best_route((listed,), ip_network("10.0.0.0/8")) is listed


def test_more_specific_routes_take_parts_of_a_network() -> None:
    routes = (
        LOCAL_ROUTE,
        Route(ANY, ENI),
        Route(ip_network("10.8.0.0/16"), PCX),
        Route(ip_network("2001:db8::/32"), PCX),
    )

    found = [(str(way.network), way.route.target) for way in ways_of(routes, ANY)]

    assert found == [("0.0.0.0/0", ENI), ("10.0.0.0/16", Target(LOCAL)), ("10.8.0.0/16", PCX)]


def test_where_nothing_covers_the_whole_the_parts_are_told() -> None:
    ways = PICTURE.ways("rtb-main", ANY)

    assert [str(way.network) for way in ways] == ["10.0.0.0/16"]


def test_a_table_tells_the_route_that_can_be_replaced() -> None:
    propagated = Route(ANY, VGW, Origin.PROPAGATED)
    both = RouteTable("rtb-1", routes=(propagated, Route(ANY, NAT)))
    only = RouteTable("rtb-2", routes=(propagated,))

    assert both.static_at(ANY) == Route(ANY, NAT)
    assert only.static_at(ANY) is None
    assert list(only.at(ANY)) == [propagated]


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("local", TargetKind.LOCAL),
        ("igw-0a1b2c3d", TargetKind.GATEWAY),
        ("vgw-0a1b2c3d", TargetKind.GATEWAY),
        ("vpce-0a1b2c3d", TargetKind.ENDPOINT),
        ("nat-0a1b2c3d", TargetKind.NAT_GATEWAY),
        ("eni-0a1b2c3d", TargetKind.INTERFACE),
        ("tgw-0a1b2c3d", TargetKind.TRANSIT_GATEWAY),
        ("pcx-0a1b2c3d", TargetKind.PEERING),
        ("eigw-0a1b2c3d", TargetKind.EGRESS_ONLY_GATEWAY),
        ("lgw-0a1b2c3d", TargetKind.LOCAL_GATEWAY),
        ("cagw-0a1b2c3d", TargetKind.CARRIER_GATEWAY),
        ("arn:aws-cn:networkmanager::1:core-network/x", TargetKind.CORE_NETWORK),
        ("arn:aws:odb:eu-west-1:1:odb-network/x", TargetKind.ODB_NETWORK),
        ("arn:aws:new:x", TargetKind.UNKNOWN),
        ("new-0a1b2c3d", TargetKind.UNKNOWN),
        ("", TargetKind.UNKNOWN),
    ],
)
def test_a_target_has_the_parameter_that_restores_it(target: str, kind: TargetKind) -> None:
    assert Target(target).kind is kind
    assert str(Target(target)) == target


@pytest.mark.parametrize(
    ("rule", "covered"),
    [
        (Rule(EVERYWHERE), True),
        (Rule("tcp", 80, 90), True),
        (Rule("tcp", 85, 90), False),
        (Rule("udp", 80, 90), False),
        (Rule("tcp"), True),
    ],
)
def test_a_rule_covers_ports(rule: Rule, covered: bool) -> None:  # noqa: FBT001 - an example's answer
    assert rule.covers("tcp", 80, 82) is covered


def test_a_subnet_knows_whether_it_has_ipv6() -> None:
    assert [subnet.has_ipv6 for subnet in PICTURE.subnets] == [True, False, False]


def test_an_interface_holds_its_addresses() -> None:
    one = PICTURE.interfaces[0]

    assert one.holds(ip_address("10.0.1.200"))
    assert one.holds(ip_address("2001:db8::200"))
    assert not one.holds(ip_address("10.0.1.11"))
    assert PICTURE.interfaces[1].primary is None
