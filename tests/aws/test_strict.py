"""The EC2 of these tests refuses and shows what the real one does, where moto alone would not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from aws.server import Ec2Server, Fault
from aws.strict import ROUTES_PER_TABLE, RULES
from aws.vpcs import VIP, Vpc, add_ipv6, propagate
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import RouteTypeDef

ANY = "0.0.0.0/0"


def refused(call: Callable[..., object], **parameters: Any) -> str:  # noqa: ANN401 - of any call
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value.response["Error"]["Code"]


def routes(api: EC2Client, table: str) -> dict[str, RouteTypeDef]:
    found = api.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    return {route.get("DestinationCidrBlock", ""): route for route in found}


def addresses(api: EC2Client, eni: str) -> dict[str, str | None]:
    """Each private address of an interface, with its Elastic IP."""
    found = api.describe_network_interfaces(NetworkInterfaceIds=[eni])["NetworkInterfaces"][0]
    return {
        one["PrivateIpAddress"]: one.get("Association", {}).get("PublicIp")
        for one in found["PrivateIpAddresses"]
    }


def test_every_rule_names_its_source() -> None:
    assert all(rule.source.startswith("https://docs.aws.amazon.com/") for rule in RULES)


def test_a_dry_run_changes_nothing(api: EC2Client, dual: Vpc) -> None:
    code = refused(
        api.replace_route, RouteTableId=dual.private_table, DestinationCidrBlock=ANY,
        NetworkInterfaceId=dual.director.eni, DryRun=True,
    )  # fmt: skip

    assert code == "DryRunOperation"
    assert routes(api, dual.private_table)[ANY]["NatGatewayId"] == dual.nat


@pytest.mark.parametrize(
    ("destination", "target", "code"),
    [
        (ANY, {"NetworkInterfaceId": "director"}, "RouteAlreadyExists"),
        ("10.0.0.0/16", {"NetworkInterfaceId": "director"}, "RouteAlreadyExists"),
        ("10.0.9.0/24", {"NetworkInterfaceId": "director"}, "InvalidParameterValue"),
        ("169.254.169.0/24", {"NetworkInterfaceId": "director"}, "InvalidParameterValue"),
        ("198.51.100.0/24", {}, "MissingParameter"),
        ("198.51.100.0/24", {"NetworkInterfaceId": "gone"}, "InvalidNetworkInterfaceID.NotFound"),
        ("198.51.100.0/24", {"NatGatewayId": "nat-0a1b2c3d"}, "InvalidNatGatewayID.NotFound"),
        (
            "198.51.100.0/24",
            {"NetworkInterfaceId": "director", "NatGatewayId": "nat-0a1b2c3d"},
            "InvalidParameterCombination",
        ),
    ],
)
def test_a_wrong_route_is_refused(
    api: EC2Client, dual: Vpc, destination: str, target: dict[str, str], code: str
) -> None:
    names = {"director": dual.director.eni, "gone": "eni-0a1b2c3d"}
    given = {key: names.get(value, value) for key, value in target.items()}

    found = refused(
        api.create_route,
        RouteTableId=dual.private_table,
        DestinationCidrBlock=destination,
        **given,
    )

    assert found == code


def test_a_route_of_another_subnet_of_the_vpc_may_be_made(api: EC2Client, dual: Vpc) -> None:
    api.create_route(
        RouteTableId=dual.private_table,
        DestinationCidrBlock="10.0.4.0/24",
        NetworkInterfaceId=dual.director.eni,
    )

    assert "10.0.4.0/24" in routes(api, dual.private_table)


def test_host_bits_of_a_destination_are_cut_off(api: EC2Client, dual: Vpc) -> None:
    api.create_route(
        RouteTableId=dual.private_table,
        DestinationCidrBlock="100.68.0.18/18",
        NetworkInterfaceId=dual.director.eni,
    )

    assert "100.68.0.0/18" in routes(api, dual.private_table)


def test_a_full_table_takes_no_more(api: EC2Client, dual: Vpc) -> None:
    def add(number: int) -> None:
        api.create_route(
            RouteTableId=dual.private_table,
            DestinationCidrBlock=f"198.51.{number}.0/24",
            NetworkInterfaceId=dual.director.eni,
        )

    for number in range(ROUTES_PER_TABLE - 2):
        add(number)

    assert refused(lambda: add(100)) == "RouteLimitExceeded"


def test_an_interface_of_another_vpc_is_no_target(api: EC2Client, dual: Vpc) -> None:
    other = api.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = api.create_subnet(VpcId=other, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
    eni = api.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]

    code = refused(
        api.replace_route,
        RouteTableId=dual.private_table,
        DestinationCidrBlock=ANY,
        NetworkInterfaceId=eni,
    )

    assert code == "InvalidParameterValue"


def test_what_is_not_there_cannot_be_replaced(api: EC2Client, dual: Vpc) -> None:
    propagate(dual.main_table, ANY, "vgw-0a1b2c3d")

    code = refused(
        api.replace_route,
        RouteTableId=dual.main_table,
        DestinationCidrBlock=ANY,
        NetworkInterfaceId=dual.director.eni,
    )

    assert code == "InvalidParameterValue"
    assert routes(api, dual.main_table)[ANY]["Origin"] == "EnableVgwRoutePropagation"


def test_the_local_route_stays(api: EC2Client, dual: Vpc) -> None:
    code = refused(
        api.delete_route, RouteTableId=dual.private_table, DestinationCidrBlock="10.0.0.0/16"
    )

    assert code == "InvalidParameterValue"


def test_a_route_to_an_interface_shows_its_instance_and_whether_it_lives(
    api: EC2Client, dual: Vpc
) -> None:
    api.replace_route(
        RouteTableId=dual.private_table,
        DestinationCidrBlock=ANY,
        NetworkInterfaceId=dual.director.eni,
    )
    before = routes(api, dual.private_table)[ANY]

    api.stop_instances(InstanceIds=[dual.director.instance])

    assert (before["State"], before["InstanceId"]) == ("active", dual.director.instance)
    assert routes(api, dual.private_table)[ANY]["State"] == "blackhole"


def test_a_subnet_has_one_table(api: EC2Client, dual: Vpc) -> None:
    code = refused(
        api.associate_route_table, RouteTableId=dual.public_table, SubnetId=dual.private_subnets[0]
    )

    assert code == "Resource.AlreadyAssociated"


def test_an_elastic_ip_stands_for_the_address_that_was_named(api: EC2Client, dual: Vpc) -> None:
    api.assign_private_ip_addresses(NetworkInterfaceId=dual.director.eni, PrivateIpAddresses=[VIP])
    arguments: dict[str, Any] = {
        "AllocationId": dual.allocation,
        "NetworkInterfaceId": dual.director.eni,
        "PrivateIpAddress": VIP,
    }

    first = api.associate_address(**arguments)["AssociationId"]
    again = api.associate_address(**arguments)["AssociationId"]

    assert first == again
    assert addresses(api, dual.director.eni) == {"10.0.1.10": None, VIP: dual.public_ip}
    [shown] = api.describe_addresses(AllocationIds=[dual.allocation])["Addresses"]
    assert shown["PrivateIpAddress"] == VIP


def test_an_elastic_ip_follows_the_vip(api: EC2Client, dual: Vpc) -> None:
    ours, peers = dual.director.eni, dual.peer.eni
    api.assign_private_ip_addresses(NetworkInterfaceId=ours, PrivateIpAddresses=[VIP])
    api.associate_address(
        AllocationId=dual.allocation, NetworkInterfaceId=ours, PrivateIpAddress=VIP
    )

    taken = refused(
        api.assign_private_ip_addresses, NetworkInterfaceId=peers, PrivateIpAddresses=[VIP]
    )
    api.assign_private_ip_addresses(
        NetworkInterfaceId=peers, PrivateIpAddresses=[VIP], AllowReassignment=True
    )

    assert taken == "InvalidParameterValue"
    assert addresses(api, ours) == {"10.0.1.10": None}
    assert addresses(api, peers) == {"10.0.1.11": None, VIP: dual.public_ip}


def test_an_elastic_ip_moves_unless_that_is_forbidden(api: EC2Client, dual: Vpc) -> None:
    api.associate_address(AllocationId=dual.allocation, NetworkInterfaceId=dual.director.eni)
    to_peer: dict[str, Any] = {"AllocationId": dual.allocation, "NetworkInterfaceId": dual.peer.eni}

    code = refused(api.associate_address, **to_peer, AllowReassociation=False)
    api.associate_address(**to_peer)

    assert code == "Resource.AlreadyAssociated"
    assert addresses(api, dual.director.eni) == {"10.0.1.10": None}
    assert addresses(api, dual.peer.eni) == {"10.0.1.11": dual.public_ip}


def test_an_elastic_ip_is_let_go_any_number_of_times(api: EC2Client, dual: Vpc) -> None:
    made = api.associate_address(
        AllocationId=dual.allocation, NetworkInterfaceId=dual.director.eni
    )["AssociationId"]

    api.disassociate_address(AssociationId=made)
    api.disassociate_address(AssociationId=made)

    assert addresses(api, dual.director.eni) == {"10.0.1.10": None}


@pytest.mark.parametrize("address", ["10.0.2.200", "10.0.1.11"])
def test_an_address_from_elsewhere_or_a_primary_one_is_refused(
    api: EC2Client, dual: Vpc, address: str
) -> None:
    code = refused(
        api.assign_private_ip_addresses,
        NetworkInterfaceId=dual.director.eni,
        PrivateIpAddresses=[address],
        AllowReassignment=True,
    )

    assert code == "InvalidParameterValue"


@pytest.mark.parametrize("address", ["10.0.1.10", VIP])
def test_the_primary_address_and_an_absent_one_cannot_go(
    api: EC2Client, dual: Vpc, address: str
) -> None:
    code = refused(
        api.unassign_private_ip_addresses,
        NetworkInterfaceId=dual.director.eni,
        PrivateIpAddresses=[address],
    )

    assert code == "InvalidParameterValue"


def test_an_interface_is_full_one_day(api: EC2Client, dual: Vpc) -> None:
    many = [f"10.0.1.{number}" for number in range(100, 115)]

    code = refused(
        api.assign_private_ip_addresses,
        NetworkInterfaceId=dual.director.eni,
        PrivateIpAddresses=many,
    )

    assert code == "PrivateIpAddressLimitExceeded"


def test_one_attribute_at_a_time(api: EC2Client, dual: Vpc) -> None:
    code = refused(
        api.modify_network_interface_attribute,
        NetworkInterfaceId=dual.director.eni,
        SourceDestCheck={"Value": False},
        Description={"Value": "director"},
    )

    assert code == "InvalidParameterCombination"


def test_an_instance_with_two_interfaces_is_no_name_for_one(api: EC2Client, dual: Vpc) -> None:
    second = api.create_network_interface(SubnetId=dual.public_subnet)["NetworkInterface"]
    api.attach_network_interface(
        NetworkInterfaceId=second["NetworkInterfaceId"],
        InstanceId=dual.director.instance,
        DeviceIndex=1,
    )
    instance = dual.director.instance

    assert (
        refused(api.associate_address, AllocationId=dual.allocation, InstanceId=instance),
        refused(
            api.modify_instance_attribute, InstanceId=instance, SourceDestCheck={"Value": False}
        ),
        refused(
            api.replace_route,
            RouteTableId=dual.private_table,
            DestinationCidrBlock=ANY,
            InstanceId=instance,
        ),
    ) == ("InvalidInstanceID",) * 3


def test_an_ipv6_address_is_given_up_before_another_has_it(api: EC2Client, dual: Vpc) -> None:
    network = add_ipv6(api, dual)[dual.public_subnet]
    vip = network.replace("::/64", "::200")
    ours, peers = dual.director.eni, dual.peer.eni
    api.assign_ipv6_addresses(NetworkInterfaceId=ours, Ipv6Addresses=[vip])

    code = refused(api.assign_ipv6_addresses, NetworkInterfaceId=peers, Ipv6Addresses=[vip])
    api.unassign_ipv6_addresses(NetworkInterfaceId=ours, Ipv6Addresses=[vip])
    api.assign_ipv6_addresses(NetworkInterfaceId=peers, Ipv6Addresses=[vip])

    assert code == "InvalidParameterValue"
    [shown] = api.describe_network_interfaces(NetworkInterfaceIds=[peers])["NetworkInterfaces"]
    assert [one["Ipv6Address"] for one in shown["Ipv6Addresses"]] == [vip]


def test_a_page_has_a_least_and_a_largest_size(api: EC2Client, dual: Vpc) -> None:
    found = api.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [dual.id]}], MaxResults=5)

    assert len(found["Subnets"]) == 4
    assert refused(api.describe_route_tables, MaxResults=101) == "InvalidParameterValue"


def test_what_was_accepted_is_seen_later(api: EC2Client, dual: Vpc, ec2_server: Ec2Server) -> None:
    ec2_server.orders.lag = 2

    api.replace_route(
        RouteTableId=dual.private_table,
        DestinationCidrBlock=ANY,
        NetworkInterfaceId=dual.director.eni,
    )
    seen = ["NatGatewayId" in routes(api, dual.private_table)[ANY] for _ in range(4)]

    assert seen == [True, True, False, False]


def test_faults_and_denials_come_to_order(api: EC2Client, dual: Vpc, ec2_server: Ec2Server) -> None:
    ec2_server.orders.faults.append(Fault("DescribeVpcs", "Boom", skip=1))
    ec2_server.orders.denied.add("DeleteRoute")

    api.describe_vpcs()

    assert refused(api.describe_vpcs) == "Boom"
    assert len(api.describe_vpcs()["Vpcs"]) == 2
    denied = refused(api.delete_route, RouteTableId=dual.private_table, DestinationCidrBlock=ANY)
    assert denied == "UnauthorizedOperation"
    assert ANY in routes(api, dual.private_table)
