"""A VPC as it is seen: everything that matters, in few calls however large it is."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

import pytest
from aws.server import Ec2Server
from aws.vpcs import VIP, Vpc, add_ipv6, add_tables, propagate

from lvsnat.aws.client import Ec2
from lvsnat.aws.look import interfaces_by_id, look, prefix_lists, tables_by_id
from lvsnat.aws.network import Origin, RouteState, Rule
from lvsnat.aws.refusals import AwsError
from lvsnat.aws.target import LOCAL, Target

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import RouteTableTypeDef

ANY = ip_network("0.0.0.0/0")


def test_a_vpc_is_seen_whole(ec2: Ec2, dual: Vpc) -> None:
    picture = look(ec2, dual.director.eni)

    assert (picture.vpc, picture.name, picture.networks) == (
        dual.id,
        "lab",
        (ip_network("10.0.0.0/16"),),
    )
    assert picture.internet_gateway == dual.gateway
    assert picture.account == "123456789012"
    assert {subnet.name for subnet in picture.subnets} == {
        "public",
        "private-a",
        "private-b",
        "other",
    }
    director = picture.interface(dual.director.eni)
    assert director is not None
    assert director.source_dest_check
    assert director.instance == dual.director.instance
    assert director.attached
    assert director.groups == (dual.group,)
    assert director.primary == ip_address("10.0.1.10")
    elastic = picture.elastic_ip(dual.allocation)
    assert elastic is not None
    assert (elastic.public, elastic.interface) == (ip_address(dual.public_ip), None)


def test_a_subnet_uses_its_own_table_or_the_main_one(ec2: Ec2, dual: Vpc) -> None:
    picture = look(ec2, dual.director.eni)

    own, main = picture.table_of(dual.private_subnets[0]), picture.table_of(dual.other_subnet)

    assert own is not None
    assert (own.table.id, own.implicit) == (dual.private_table, False)
    assert main is not None
    assert (main.table.id, main.implicit) == (dual.main_table, True)
    assert [subnet.id for subnet in picture.sharers(dual.main_table)] == [dual.other_subnet]


def test_routes_have_target_origin_and_state(ec2: Ec2, dual: Vpc, api: EC2Client) -> None:
    propagate(dual.private_table, "10.8.0.0/16", "vgw-0a1b2c3d")
    api.create_route(
        RouteTableId=dual.private_table,
        DestinationCidrBlock="198.51.100.0/24",
        NetworkInterfaceId=dual.director.eni,
    )
    api.stop_instances(InstanceIds=[dual.director.instance])

    [table] = tables_by_id(ec2, [dual.private_table])

    assert [(str(r.destination), r.target, r.origin, r.state) for r in table.routes] == [
        ("10.0.0.0/16", Target(LOCAL), Origin.TABLE, RouteState.ACTIVE),
        ("0.0.0.0/0", Target(dual.nat), Origin.STATIC, RouteState.ACTIVE),
        ("198.51.100.0/24", Target(dual.director.eni), Origin.STATIC, RouteState.BLACKHOLE),
        ("10.8.0.0/16", Target("vgw-0a1b2c3d"), Origin.PROPAGATED, RouteState.ACTIVE),
    ]


def test_ipv6_is_seen(ec2: Ec2, dual: Vpc, api: EC2Client) -> None:
    networks = add_ipv6(api, dual)
    address = networks[dual.public_subnet].replace("::/64", "::200")
    api.assign_ipv6_addresses(NetworkInterfaceId=dual.director.eni, Ipv6Addresses=[address])

    picture = look(ec2, dual.director.eni)

    subnet = picture.subnet_of(ip_address(address))
    assert subnet is not None
    assert (subnet.id, subnet.has_ipv6) == (dual.public_subnet, True)
    assert len(picture.networks) == 2
    holder = picture.holder(ip_address(address))
    assert holder is not None
    assert holder.id == dual.director.eni


def test_the_vip_and_its_elastic_ip_are_seen(ec2: Ec2, dual: Vpc, api: EC2Client) -> None:
    eni = dual.director.eni
    api.assign_private_ip_addresses(NetworkInterfaceId=eni, PrivateIpAddresses=[VIP])
    api.associate_address(
        AllocationId=dual.allocation, NetworkInterfaceId=eni, PrivateIpAddress=VIP
    )

    picture = look(ec2, dual.peer.eni)

    holder, mapped = picture.holder(ip_address(VIP)), picture.mapped_to(ip_address(VIP))
    assert holder is not None
    assert holder.id == eni
    assert mapped is not None
    assert mapped.allocation == dual.allocation
    [address] = [one for one in holder.addresses if not one.primary]
    assert (str(address.public), address.allocation) == (dual.public_ip, dual.allocation)


def test_rules_of_groups_are_seen_one_by_one(ec2: Ec2, dual: Vpc, api: EC2Client) -> None:
    api.authorize_security_group_ingress(
        GroupId=dual.group,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 80,
                "ToPort": 81,
                "IpRanges": [{"CidrIp": "0.0.0.0/0"}, {"CidrIp": "10.0.0.0/8"}],
                "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
                "UserIdGroupPairs": [{"GroupId": dual.server_group}],
            }
        ],
    )

    group = look(ec2, dual.director.eni).group(dual.group)

    assert group is not None
    assert set(group.inbound) == {
        Rule("tcp", 80, 81, ANY),
        Rule("tcp", 80, 81, ip_network("10.0.0.0/8")),
        Rule("tcp", 80, 81, ip_network("::/0")),
        Rule("tcp", 80, 81, dual.server_group),
    }


def test_five_hundred_tables_are_seen_in_a_dozen_calls(
    ec2: Ec2, dual: Vpc, ec2_server: Ec2Server
) -> None:
    subnets = add_tables(dual, tables=500, subnets=200)

    picture = look(ec2, dual.director.eni)

    assert len(picture.tables) == 503
    assert len(picture.subnets) == 204
    uses = [picture.table_of(subnet) for subnet in subnets]
    assert len({use.table.id for use in uses if use is not None}) == 200
    assert ec2_server.calls.count("DescribeRouteTables") == 6
    assert len(ec2_server.calls) == 13


def test_tables_by_id_are_asked_for_in_few_calls(
    ec2: Ec2, dual: Vpc, ec2_server: Ec2Server
) -> None:
    add_tables(dual, tables=300, subnets=0)
    wanted = [table.id for table in look(ec2, dual.director.eni).tables]
    ec2_server.forget()

    found = tables_by_id(ec2, wanted)

    assert {table.id for table in found} == set(wanted)
    assert len(ec2_server.calls) == 4


def test_an_interface_that_is_gone_is_named(ec2: Ec2) -> None:
    with pytest.raises(AwsError) as caught:
        look(ec2, "eni-0a1b2c3d")

    assert caught.value.gone
    assert "eni-0a1b2c3d" in caught.value.message


def test_some_interfaces_are_seen_in_one_call(ec2: Ec2, dual: Vpc, ec2_server: Ec2Server) -> None:
    found = interfaces_by_id(ec2, [dual.director.eni, dual.peer.eni])

    assert {one.id for one in found} == {dual.director.eni, dual.peer.eni}
    assert len(ec2_server.calls) == 1


def test_a_denied_look_names_the_action(ec2: Ec2, dual: Vpc, ec2_server: Ec2Server) -> None:
    ec2_server.orders.denied.add("DescribeSubnets")

    with pytest.raises(AwsError) as caught:
        look(ec2, dual.director.eni)

    assert caught.value.message.startswith("ec2:DescribeSubnets is not allowed")
    assert "'Look'" in (caught.value.hint or "")


def test_prefix_lists_of_routes_are_read(ec2: Ec2, api: EC2Client) -> None:
    name = api.create_managed_prefix_list(
        PrefixListName="offices",
        MaxEntries=3,
        AddressFamily="IPv4",
        Entries=[{"Cidr": "198.51.100.0/24"}, {"Cidr": "203.0.113.0/24"}],
    )["PrefixList"]["PrefixListId"]
    tables: list[RouteTableTypeDef] = [{"Routes": [{"DestinationPrefixListId": name}]}]

    found = prefix_lists(ec2, tables)[name]

    assert found.readable
    assert set(map(str, found.networks)) == {"198.51.100.0/24", "203.0.113.0/24"}


def test_a_prefix_list_that_may_not_be_read_is_said_to_be_so(
    ec2: Ec2, ec2_server: Ec2Server
) -> None:
    ec2_server.orders.denied.add("GetManagedPrefixListEntries")
    tables: list[RouteTableTypeDef] = [{"Routes": [{"DestinationPrefixListId": "pl-0a1b2c3d"}]}]

    found = prefix_lists(ec2, tables)["pl-0a1b2c3d"]

    assert (found.readable, found.networks) == (False, ())
