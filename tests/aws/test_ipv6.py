"""The way back for IPv6: an address that is assigned, and ::/0 to the director."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from aws.call import Call
from aws.server import Ec2Server, Fault
from aws.vpcs import Vpc
from cli.commandline import CommandLine

from lvsnat.errors import ExitCode

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

pytestmark = pytest.mark.usefixtures("imds")


def test_ipv6_has_its_own_address_and_default_route(
    lvsnat: CommandLine, dual: Vpc, api: EC2Client, ec2_server: Ec2Server
) -> None:
    networks = {
        dual.public_subnet: "2001:db8:0:1::/64",
        dual.private_subnets[0]: "2001:db8:0:2::/64",
    }
    for subnet, network in networks.items():
        api.associate_subnet_cidr_block(SubnetId=subnet, Ipv6CidrBlock=network)
    lvsnat.paths.config.write_text(
        '[[service]]\nname = "web6"\nlisten = "tcp/[2001:db8:0:1::200]:80"\n'
        'servers = [{ address = "[2001:db8:0:2::55]:8080" }]\n'
    )
    ec2_server.forget()

    planned = json.loads(lvsnat.ok("aws", "plan", "-o", "json"))
    lvsnat.ok("aws", "apply", "--yes")

    assert planned["clients"] == ["::/0"]
    nics = api.describe_network_interfaces(NetworkInterfaceIds=[dual.director.eni])
    addresses = nics["NetworkInterfaces"][0]["Ipv6Addresses"]
    assert [one["Ipv6Address"] for one in addresses] == ["2001:db8:0:1::200"]
    assert ec2_server.changes == [
        "ModifyNetworkInterfaceAttribute", "AssignIpv6Addresses", "CreateTags", "CreateRoute",
    ]  # fmt: skip

    lvsnat.ok("aws", "undo", "--yes")
    assert ec2_server.changes[4:] == [
        "DeleteRoute", "DeleteTags", "UnassignIpv6Addresses", "ModifyNetworkInterfaceAttribute",
    ]  # fmt: skip


VIP6 = "2001:db8:0:1::200"
ROUTE = "2001:db8:0:1::/64"


@pytest.fixture
def pair6(lvsnat: CommandLine, dual: Vpc, api: EC2Client, ec2_server: Ec2Server) -> Vpc:
    """The other director has an IPv6 VIP and the route; this one is ready."""
    networks = {dual.public_subnet: ROUTE, dual.private_subnets[0]: "2001:db8:0:2::/64"}
    for subnet, network in networks.items():
        api.associate_subnet_cidr_block(SubnetId=subnet, Ipv6CidrBlock=network)
    lvsnat.paths.config.write_text(
        f'[[service]]\nname = "web6"\nlisten = "tcp/[{VIP6}]:80"\n'
        'servers = [{ address = "[2001:db8:0:2::55]:8080" }]\n'
    )
    lvsnat.ok("apply")
    for machine in (dual.director, dual.peer):
        api.modify_network_interface_attribute(
            NetworkInterfaceId=machine.eni, SourceDestCheck={"Value": False}
        )
    api.assign_ipv6_addresses(NetworkInterfaceId=dual.peer.eni, Ipv6Addresses=[VIP6])
    api.create_route(
        RouteTableId=dual.private_table,
        DestinationIpv6CidrBlock="::/0",
        NetworkInterfaceId=dual.peer.eni,
    )
    ec2_server.forget()
    return dual


def holders(api: EC2Client) -> list[str]:
    return [
        one["NetworkInterfaceId"]
        for one in api.describe_network_interfaces()["NetworkInterfaces"]
        if VIP6 in [address["Ipv6Address"] for address in one["Ipv6Addresses"]]
    ]


@pytest.mark.parametrize("lag", [0, 2])
def test_an_ipv6_vip_is_let_go_and_then_taken(
    lvsnat: CommandLine, pair6: Vpc, api: EC2Client, ec2_server: Ec2Server, lag: int
) -> None:
    ec2_server.orders.lag = lag

    result = lvsnat("aws", "takeover", "--peer-eni", pair6.peer.eni)

    assert result.exit_code == ExitCode.DONE, result.output
    assert holders(api) == [pair6.director.eni]
    moves = [one for one in ec2_server.changes if "Ipv6" in one]
    assert moves[0] == "UnassignIpv6Addresses"
    assert set(moves[1:]) == {"AssignIpv6Addresses"}
    assert ec2_server.changes.count("ReplaceRoute") == 1


def test_an_ipv6_vip_that_is_here_is_not_touched(
    lvsnat: CommandLine, pair6: Vpc, ec2_server: Ec2Server
) -> None:
    lvsnat.ok("aws", "takeover", "--peer-eni", pair6.peer.eni)
    ec2_server.forget()

    said = lvsnat.ok("aws", "takeover", "--peer-eni", pair6.peer.eni)

    assert "nothing to take: all 2 are ours" in said
    assert ec2_server.changes == []


def test_an_ipv6_vip_that_was_let_go_already_is_taken_by_the_next_run(
    lvsnat: CommandLine, pair6: Vpc, api: EC2Client, ec2_server: Ec2Server
) -> None:
    ec2_server.orders.faults = [Fault("AssignIpv6Addresses", "UnauthorizedOperation", times=99)]

    first = lvsnat("aws", "takeover", "--peer-eni", pair6.peer.eni)

    assert first.exit_code == ExitCode.PARTLY_APPLIED
    assert "may be on no interface now" in first.stderr
    assert holders(api) == []

    ec2_server.orders.faults = []
    ec2_server.forget()
    lvsnat.ok("aws", "takeover", "--peer-eni", pair6.peer.eni)

    assert holders(api) == [pair6.director.eni]
    assert "UnassignIpv6Addresses" not in ec2_server.changes


def test_an_ipv6_vip_that_may_not_be_let_go_stays(
    lvsnat: CommandLine, pair6: Vpc, api: EC2Client, ec2_server: Ec2Server
) -> None:
    ec2_server.orders.denied = {"UnassignIpv6Addresses"}

    result = lvsnat("aws", "takeover", "--peer-eni", pair6.peer.eni)

    assert result.exit_code == ExitCode.PARTLY_APPLIED
    assert "--role failover" in " ".join(result.stderr.split())
    assert holders(api) == [pair6.peer.eni]
    assert "AssignIpv6Addresses" not in ec2_server.changes


def test_an_address_that_somebody_let_go_meanwhile_is_taken_all_the_same(
    lvsnat: CommandLine, pair6: Vpc, api: EC2Client, ec2_server: Ec2Server
) -> None:
    def let_go(call: Call) -> None:
        """Once the VPC was looked at."""
        eni = call.backend.enis[pair6.peer.eni]
        if call.action == "DescribeSecurityGroups" and VIP6 in eni.ipv6_addresses:
            eni.ipv6_addresses.remove(VIP6)

    ec2_server.orders.after = let_go
    ec2_server.orders.faults = [Fault("UnassignIpv6Addresses", "InvalidParameterValue", times=99)]

    lvsnat.ok("aws", "takeover", "--peer-eni", pair6.peer.eni)

    assert holders(api) == [pair6.director.eni]


def test_a_failover_may_let_an_ipv6_vip_go(lvsnat: CommandLine, pair6: Vpc) -> None:
    said = lvsnat.ok("aws", "iam-policy", "--role", "failover", "--peer-eni", pair6.peer.eni)

    found = {one["Sid"]: one["Action"] for one in json.loads(said)["Statement"]}
    assert found["Vip"] == ["ec2:AssignIpv6Addresses", "ec2:UnassignIpv6Addresses"]
