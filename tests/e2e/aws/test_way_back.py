"""What ``lvsnat aws`` decides, as packets: requests hang, are answered, and hang again."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest
from aws.server import Ec2Server
from aws.vpcs import VIP, Vpc, add_ipv6, dual_subnet, single_subnet
from e2e.aws.cloud import LVS_NAT, TPROXY, WEB_SERVER, Cloud, cloud, serve, set_ways_back
from labkit.host import Answer

from lvsnat.errors import ExitCode

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

LAYOUTS: dict[str, Callable[[EC2Client], Vpc]] = {
    "dual-subnet": dual_subnet,
    "single-subnet": single_subnet,
}


@pytest.mark.parametrize("mode", [LVS_NAT, TPROXY])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_requests_are_answered_from_apply_to_undo(moto: Ec2Server, layout: str, mode: str) -> None:
    with cloud(moto, LAYOUTS[layout]) as made:
        programs = serve(made, mode)
        if layout == "single-subnet":
            set_ways_back(made)

        assert made.hangs()
        assert made.failing() >= {"SRC_DST_CHECK", "EIP_MAP", "VIP_NOT_ON_ENI"}

        made.make()
        client = made.client.address
        kinds = (False, True) if mode == LVS_NAT else (False,)
        for udp in kinds:
            answers = {made.answer(udp=udp) for _ in range(4)}
            assert answers == {Answer("server-a", client), Answer("server-b", client)}
        seen = [address for program in programs for address in program.seen()]
        assert seen == [client] * 4 * len(kinds)
        assert made.failing() == set()

        made.undo()
        assert made.hangs()
        assert made.failing() >= {"SRC_DST_CHECK", "EIP_MAP", "VIP_NOT_ON_ENI"}


def received(cloud: Cloud) -> int:
    """How many packets have come to the director."""
    return int(cloud.director.run("cat", "/sys/class/net/eth0/statistics/rx_packets").stdout)


def on_one_table(api: EC2Client) -> Vpc:
    """Two subnets, and for both of them the table of the director's."""
    ids = dual_subnet(api)
    [table] = api.describe_route_tables(RouteTableIds=[ids.private_table])["RouteTables"]
    for link in table["Associations"]:
        api.replace_route_table_association(
            AssociationId=link["RouteTableAssociationId"], RouteTableId=ids.public_table
        )
    return ids


def test_on_one_table_a_route_to_the_director_leads_in_circles(moto: Ec2Server) -> None:
    with cloud(moto, on_one_table) as made:
        serve(made, LVS_NAT)
        refused = made.lvsnat("aws", "apply", "--yes", code=ExitCode.REFUSED)
        assert "SAME_TABLE_LOOP" in refused.stdout + refused.stderr

        by_hand(made)
        made.sync()
        assert "SAME_TABLE_LOOP" in made.failing()
        assert made.hangs()

        before = received(made)
        ping = ("ping", "-c1", "-W30", made.client.address)
        said = made.servers[0].run(*ping, check=False).stdout
        assert "Time to live exceeded" in said
        # Each round costs it two of its 64: one at the director, one at the fabric.
        assert received(made) - before >= 30


def by_hand(cloud: Cloud) -> None:
    """Do all the same what is refused."""
    ids, director = cloud.ids, cloud.ids.director.eni
    cloud.api.modify_network_interface_attribute(
        NetworkInterfaceId=director, SourceDestCheck={"Value": False}
    )
    cloud.api.assign_private_ip_addresses(
        NetworkInterfaceId=director, PrivateIpAddresses=[VIP], AllowReassignment=True
    )
    cloud.api.associate_address(
        AllocationId=ids.allocation, NetworkInterfaceId=director, PrivateIpAddress=VIP
    )
    cloud.api.replace_route(
        RouteTableId=ids.public_table,
        DestinationCidrBlock="0.0.0.0/0",
        NetworkInterfaceId=director,
    )


def dual_with_ipv6(api: EC2Client) -> Vpc:
    ids = dual_subnet(api)
    networks = add_ipv6(api, ids)
    api.create_route(
        RouteTableId=ids.public_table, DestinationIpv6CidrBlock="::/0", GatewayId=ids.gateway
    )
    for machine, subnet in zip(ids.servers, ids.private_subnets, strict=True):
        address = str(ip_network(networks[subnet])[0x55])
        api.assign_ipv6_addresses(NetworkInterfaceId=machine.eni, Ipv6Addresses=[address])
    return ids


def test_ipv6_has_its_way_back_without_an_elastic_ip(moto: Ec2Server) -> None:
    with cloud(moto, dual_with_ipv6) as made:
        programs = [host.serve_tcp(WEB_SERVER) for host in made.servers]
        vip = str(ip_network(ipv6_of_the_director(made))[0x200])
        servers = [f"--server=[{host.address6}]:{WEB_SERVER}" for host in made.servers]
        made.lvsnat("service", "add", "web", f"tcp/[{vip}]:80", "--scheduler=rr", *servers)
        assert made.hangs(address=vip)

        made.lvsnat("aws", "apply", "--yes", "--security-groups")
        made.sync()
        assert {made.answer(address=vip).server for _ in range(2)} == {"server-a", "server-b"}
        assert [program.seen() for program in programs] == [[made.client.address6]] * 2

        made.undo()
        assert made.hangs(address=vip)


def ipv6_of_the_director(cloud: Cloud) -> str:
    """The IPv6 network of the director's subnet."""
    [found] = cloud.api.describe_subnets(SubnetIds=[cloud.ids.public_subnet])["Subnets"]
    return found["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
