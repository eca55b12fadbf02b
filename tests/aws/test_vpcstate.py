"""The lab reads of EC2 what ``lvsnat aws`` changes there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aws.vpcs import VIP, Vpc, add_ipv6
from labkit.errors import LabError
from labkit.vpcstate import LOCAL, Peering, Route, VpcState, read

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

EVERYTHING = "0.0.0.0/0"


def route(state: VpcState, subnet: str) -> Route:
    """The default route of a subnet."""
    [found] = [one for one in state.table_of(subnet).routes if one.destination == EVERYTHING]
    return found


def test_hosts_are_the_interfaces_of_instances(api: EC2Client, dual: Vpc) -> None:
    state = read(api, dual.id)

    assert [nic.name for nic in state.nics] == ["director", "peer", "server-a", "server-b"]
    director = state.nic(dual.director.eni)
    assert director is not None
    assert director.addresses == ("10.0.1.10",)
    assert director.checked
    assert len({nic.mac for nic in state.nics}) == 4


def test_each_subnet_has_its_table_or_the_main_one(api: EC2Client, dual: Vpc) -> None:
    state = read(api, dual.id)

    assert route(state, dual.public_subnet).target == state.gateway == dual.gateway
    assert route(state, dual.private_subnets[0]).target == state.nats[0] == dual.nat
    assert state.table_of(dual.other_subnet).id == dual.main_table
    assert state.table_of(dual.other_subnet).routes == (Route("10.0.0.0/16", LOCAL),)


def test_what_is_made_for_the_director_is_read(api: EC2Client, dual: Vpc) -> None:
    director = dual.director.eni
    api.modify_network_interface_attribute(
        NetworkInterfaceId=director, SourceDestCheck={"Value": False}
    )
    api.assign_private_ip_addresses(NetworkInterfaceId=director, PrivateIpAddresses=[VIP])
    api.associate_address(
        AllocationId=dual.allocation, NetworkInterfaceId=director, PrivateIpAddress=VIP
    )
    api.replace_route(
        RouteTableId=dual.private_table,
        DestinationCidrBlock=EVERYTHING,
        NetworkInterfaceId=director,
    )

    state = read(api, dual.id)

    nic = state.nic(director)
    assert nic is not None
    assert (nic.addresses, nic.checked) == (("10.0.1.10", VIP), False)
    assert state.elastic == ((dual.public_ip, VIP),)
    assert route(state, dual.private_subnets[0]) == Route(EVERYTHING, director)


def test_a_route_to_a_stopped_director_is_a_hole(api: EC2Client, dual: Vpc) -> None:
    api.replace_route(
        RouteTableId=dual.private_table,
        DestinationCidrBlock=EVERYTHING,
        NetworkInterfaceId=dual.director.eni,
    )
    api.stop_instances(InstanceIds=[dual.director.instance])

    assert route(read(api, dual.id), dual.private_subnets[0]).blackhole


def test_ipv6_networks_and_addresses_are_read(api: EC2Client, dual: Vpc) -> None:
    networks = add_ipv6(api, dual)
    address = networks[dual.public_subnet].replace("::/64", "::200")
    api.assign_ipv6_addresses(NetworkInterfaceId=dual.director.eni, Ipv6Addresses=[address])

    state = read(api, dual.id)

    assert state.subnets[0].networks == ("10.0.1.0/24", networks[dual.public_subnet])
    assert state.nics[0].addresses == ("10.0.1.10", address)


def test_a_peering_is_there_once_it_was_accepted(api: EC2Client, dual: Vpc) -> None:
    other = api.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    made = api.create_vpc_peering_connection(VpcId=dual.id, PeerVpcId=other)
    peering = made["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    before = read(api, dual.id).peerings

    api.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)

    assert before == ()
    assert read(api, dual.id).peerings == (Peering(peering, "10.8.0.0/16"),)
    assert read(api, other).peerings == (Peering(peering, "10.0.0.0/16"),)


def test_an_elastic_ip_for_an_address_that_its_interface_lacks_is_an_error(
    api: EC2Client, dual: Vpc
) -> None:
    class Wrong:
        """A server that forgets an address and not its Elastic IP."""

        def __getattr__(self, name: str) -> object:
            if name == "describe_addresses":
                found = {
                    "PublicIp": "203.0.113.7",
                    "PrivateIpAddress": VIP,
                    "NetworkInterfaceId": dual.director.eni,
                }
                return lambda: {"Addresses": [found]}
            return getattr(api, name)

    with pytest.raises(LabError, match="not of eni-"):
        read(Wrong(), dual.id)  # type: ignore[arg-type]
