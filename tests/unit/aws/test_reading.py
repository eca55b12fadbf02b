"""EC2's answers are read as they are, and what is new or missing does no harm."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from lvsnat.aws import reading
from lvsnat.aws.network import Origin, PrefixList, Route, RouteState
from lvsnat.aws.target import Target

ANY = {"DestinationCidrBlock": "0.0.0.0/0"}
OFFICES = PrefixList("pl-1", (ip_network("198.51.100.0/24"),))


def route(raw: Any) -> Route | None:  # noqa: ANN401 - one of EC2's answers
    table = reading.route_table({"RouteTableId": "rtb-1", "Routes": [raw]}, {"pl-1": OFFICES})
    return table.routes[0] if table.routes else None


@pytest.mark.parametrize(
    ("raw", "target"),
    [
        ({"GatewayId": "local"}, "local"),
        ({"GatewayId": "igw-1"}, "igw-1"),
        ({"GatewayId": "vpce-1"}, "vpce-1"),
        ({"NatGatewayId": "nat-1"}, "nat-1"),
        ({"InstanceId": "i-1", "NetworkInterfaceId": "eni-1", "InstanceOwnerId": "1"}, "eni-1"),
        ({"TransitGatewayId": "tgw-1"}, "tgw-1"),
        ({"VpcPeeringConnectionId": "pcx-1"}, "pcx-1"),
        ({"EgressOnlyInternetGatewayId": "eigw-1"}, "eigw-1"),
        ({"LocalGatewayId": "lgw-1"}, "lgw-1"),
        ({"CarrierGatewayId": "cagw-1"}, "cagw-1"),
        ({"CoreNetworkArn": "arn:aws:networkmanager::1:core-network/x"}, None),
        ({"NewGatewayId": "new-1"}, ""),
    ],
)
def test_a_route_has_one_target(raw: dict[str, str], target: str | None) -> None:
    found = route(ANY | raw)

    assert found is not None
    assert found.target == Target(raw["CoreNetworkArn"] if target is None else target)


@pytest.mark.parametrize(
    ("raw", "destination"),
    [
        (ANY, ip_network("0.0.0.0/0")),
        ({"DestinationIpv6CidrBlock": "::/0"}, ip_network("::/0")),
        ({"DestinationPrefixListId": "pl-1"}, OFFICES),
        ({"DestinationPrefixListId": "pl-9"}, PrefixList("pl-9", readable=False)),
    ],
)
def test_a_route_leads_to_a_network_or_a_list_of_them(
    raw: dict[str, str], destination: object
) -> None:
    found = route(raw)

    assert found is not None
    assert found.destination == destination


def test_a_route_to_what_is_not_known_is_left_out() -> None:
    assert route({"DestinationNewThing": "x", "GatewayId": "igw-1"}) is None


@pytest.mark.parametrize(
    ("raw", "origin", "static"),
    [
        ("CreateRoute", Origin.STATIC, True),
        ("CreateRouteTable", Origin.TABLE, True),
        ("EnableVgwRoutePropagation", Origin.PROPAGATED, False),
        ("Advertisement", Origin.ADVERTISED, False),
        ("SomethingNew", Origin.UNKNOWN, True),
    ],
)
def test_a_route_has_an_origin(raw: str, origin: Origin, static: bool) -> None:  # noqa: FBT001 - an example's answer
    found = route(ANY | {"Origin": raw})

    assert found is not None
    assert (found.origin, found.static) == (origin, static)


@pytest.mark.parametrize(
    ("raw", "state"),
    [
        ("active", RouteState.ACTIVE),
        ("blackhole", RouteState.BLACKHOLE),
        ("filtered", RouteState.FILTERED),
        ("new", RouteState.ACTIVE),
    ],
)
def test_a_route_has_a_state(raw: str, state: RouteState) -> None:
    found = route(ANY | {"State": raw})

    assert found is not None
    assert found.state is state


def test_associations_count_while_they_last() -> None:
    raw: Any = {
        "RouteTableId": "rtb-1",
        "Associations": [
            {"Main": True, "AssociationState": {"State": "associated"}},
            {"Main": False, "SubnetId": "subnet-b", "AssociationState": {"State": "associated"}},
            {"Main": False, "SubnetId": "subnet-a"},
            {"SubnetId": "subnet-c", "AssociationState": {"State": "disassociated"}},
            {"GatewayId": "igw-1"},
        ],
        "Tags": [{"Key": "Name", "Value": "edge"}],
    }

    table = reading.route_table(raw, {})

    assert table.main
    assert table.subnets == ("subnet-a", "subnet-b")
    assert table.gateways == ("igw-1",)
    assert (table.name, table.tags) == ("edge", (("Name", "edge"),))


def test_networks_that_went_are_none_of_the_vpcs() -> None:
    raw: Any = {
        "CidrBlock": "10.0.0.0/16",
        "CidrBlockAssociationSet": [
            {"CidrBlock": "10.0.0.0/16", "CidrBlockState": {"State": "associated"}},
            {"CidrBlock": "10.1.0.0/16", "CidrBlockState": {"State": "disassociated"}},
        ],
        "Ipv6CidrBlockAssociationSet": [
            {"Ipv6CidrBlock": "2001:db8::/56", "Ipv6CidrBlockState": {"State": "associated"}},
        ],
    }

    assert list(map(str, reading.networks_of(raw))) == ["10.0.0.0/16", "2001:db8::/56"]


def test_a_subnet_of_ipv6_alone_has_one_network() -> None:
    raw: Any = {
        "SubnetId": "subnet-1",
        "Ipv6CidrBlockAssociationSet": [{"Ipv6CidrBlock": "2001:db8::/64"}],
    }

    assert reading.subnet(raw).networks == (ip_network("2001:db8::/64"),)


def test_an_interface_without_attachment_is_nobodys() -> None:
    found = reading.interface({"NetworkInterfaceId": "eni-1"})

    assert (found.instance, found.attached, found.primary) == (None, False, None)


def test_an_interface_that_is_being_attached_is_not_there_yet() -> None:
    found = reading.interface(
        {
            "NetworkInterfaceId": "eni-1",
            "Attachment": {"InstanceId": "i-1", "Status": "attaching"},
            "RequesterManaged": True,
        }
    )

    assert (found.instance, found.attached, found.managed) == ("i-1", False, True)


def test_an_address_of_ec2_classic_is_no_elastic_ip() -> None:
    raw: Any = [
        {"PublicIp": "203.0.113.1"},
        {"AllocationId": "eipalloc-1", "PublicIp": "203.0.113.2", "InstanceId": ""},
    ]

    [found] = reading.elastic_ips(raw)

    assert (found.public, found.interface) == (ip_address("203.0.113.2"), None)


def test_a_rule_about_a_prefix_list_names_it() -> None:
    raw: Any = {
        "GroupId": "sg-1",
        "IpPermissions": [{"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": "pl-1"}]}],
    }

    [rule] = reading.security_group(raw).inbound

    assert (rule.peer, rule.first, rule.last) == ("pl-1", -1, -1)
