"""The way back for IPv6: an address that is assigned, and ::/0 to the director."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from aws.server import Ec2Server
from aws.vpcs import Vpc
from cli.commandline import CommandLine

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
        "ModifyNetworkInterfaceAttribute", "AssignIpv6Addresses", "CreateRoute",
    ]  # fmt: skip

    lvsnat.ok("aws", "undo", "--yes")
    assert ec2_server.changes[3:] == [
        "DeleteRoute", "UnassignIpv6Addresses", "ModifyNetworkInterfaceAttribute",
    ]  # fmt: skip
