"""What is meant is found out; what is unclear is told at once, each with its option."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

import pytest

from lvsnat.aws.find import Surroundings, choose_interface, find, vips_of
from lvsnat.aws.instance import Instance, Nic
from lvsnat.aws.network import ElasticIp, Interface, PrivateAddress, RouteTable, Subnet
from lvsnat.aws.picture import Picture
from lvsnat.errors import UsageError
from lvsnat.model.aws import AwsOptions, Layout
from lvsnat.model.endpoint import Endpoint, parse_listener
from lvsnat.model.service import RealServer, VirtualService

VIP = ip_address("10.0.1.200")
NOTHING = AwsOptions()
PICTURE = Picture(
    "eu-west-1", "aws", "123456789012", "vpc-1",
    networks=(ip_network("10.0.0.0/16"),),
    interfaces=(
        Interface(
            "eni-1", "subnet-public",
            (PrivateAddress(IPv4Address("10.0.1.10"), primary=True),
             PrivateAddress(IPv4Address("10.0.1.200"))),
        ),
        Interface("eni-2", "subnet-public"),
    ),
    subnets=(
        Subnet("subnet-public", (ip_network("10.0.1.0/24"), ip_network("2001:db8:1::/64"))),
        Subnet("subnet-a", (ip_network("10.0.2.0/24"), ip_network("2001:db8:2::/64"))),
        Subnet("subnet-b", (ip_network("10.0.3.0/24"),)),
    ),
    tables=(
        RouteTable("rtb-main", main=True),
        RouteTable("rtb-private", subnets=("subnet-a", "subnet-b")),
    ),
    addresses=(
        ElasticIp(
            "eipalloc-1", IPv4Address("203.0.113.7"), "eipassoc-1", "eni-1",
            IPv4Address("10.0.1.200"),
        ),
        ElasticIp("eipalloc-2", IPv4Address("203.0.113.8")),
    ),
)  # fmt: skip


def service(listen: str, *servers: str) -> VirtualService:
    real = tuple(RealServer(Endpoint.parse(server)) for server in servers)
    return VirtualService("web", parse_listener(listen), servers=real)


WEB = service("tcp/10.0.1.200:80", "10.0.2.55:80", "10.0.3.56:80")


def found(*services: VirtualService, **options: Any) -> Surroundings:  # noqa: ANN401 - any option
    return find(AwsOptions(**options), services or (WEB,), PICTURE, "eni-1")


def unclear(*services: VirtualService, **options: Any) -> str:  # noqa: ANN401 - any option
    with pytest.raises(UsageError) as caught:
        find(AwsOptions(**options), services or (WEB,), PICTURE, "eni-1")
    return f"{caught.value.message}\n{caught.value.hint}"


def nic(eni: str, *addresses: str) -> Nic:
    return Nic(f"02:{eni}", eni, "subnet-public", tuple(map(ip_address, addresses)))


def test_all_is_found_without_a_word() -> None:
    surroundings = found()

    assert surroundings.layout is Layout.DUAL_SUBNET
    assert surroundings.director.id == "eni-1"
    assert surroundings.subnet.id == "subnet-public"
    assert surroundings.vips == (VIP,)
    assert [subnet.id for subnet in surroundings.server_subnets] == ["subnet-a", "subnet-b"]
    assert surroundings.clients == (ip_network("0.0.0.0/0"),)
    assert surroundings.elastic_ip is PICTURE.addresses[0]
    assert surroundings.peer is None


def test_a_table_that_two_subnets_share_is_told_once() -> None:
    uses = found().tables(PICTURE)

    assert [(use.table.id, use.implicit) for use in uses] == [("rtb-private", False)]


def test_servers_beside_the_director_are_a_single_subnet() -> None:
    surroundings = found(service("tcp/10.0.1.200:80", "10.0.1.55:80"))

    assert surroundings.layout is Layout.SINGLE_SUBNET
    assert [use.table.id for use in surroundings.tables(PICTURE)] == ["rtb-main"]


def test_named_subnets_clients_elastic_ip_and_peer_hold() -> None:
    clients = (ip_network("198.51.100.0/24"),)

    surroundings = found(
        real_server_subnets=("subnet-b",),
        clients=clients,
        eip_allocation="eipalloc-2",
        peer_eni="eni-2",
    )

    assert [subnet.id for subnet in surroundings.server_subnets] == ["subnet-b"]
    assert surroundings.clients == clients
    assert surroundings.elastic_ip is PICTURE.addresses[1]
    assert surroundings.peer is PICTURE.interfaces[1]


def test_ipv6_clients_need_a_service_and_a_subnet_of_it() -> None:
    both = (WEB, service("tcp/[2001:db8:1::200]:80", "[2001:db8:2::55]:80"))
    everybody = (ip_network("0.0.0.0/0"), ip_network("::/0"))

    assert found(*both).clients == everybody
    assert found(*both, real_server_subnets=("subnet-b",)).clients == everybody[:1]


def test_the_named_vip_wins_over_those_of_the_services() -> None:
    marked = service("fwmark/7")

    assert vips_of(AwsOptions(vip=VIP), [marked]) == (VIP,)
    assert vips_of(NOTHING, [WEB, WEB, marked]) == (VIP,)
    assert vips_of(NOTHING, [marked]) == ()


def test_an_elastic_ip_as_vip_is_explained() -> None:
    told = unclear(service("tcp/203.0.113.8:80", "10.0.2.55:80"))

    assert "203.0.113.8 is the Elastic IP eipalloc-2" in told
    assert "--eip-allocation eipalloc-2" in told


def test_a_vip_outside_the_directors_subnet_is_explained() -> None:
    told = unclear(service("tcp/10.0.2.200:80", "10.0.2.55:80"))

    assert "the VIP 10.0.2.200 is not in the director's subnet subnet-public" in told
    assert "--eni" in told


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"real_server_subnets": ("subnet-x",)}, ("no subnet subnet-x", "--real-server-subnet")),
        ({"eip_allocation": "eipalloc-9"}, ("no Elastic IP eipalloc-9", "--eip-allocation")),
        ({"peer_eni": "eni-9"}, ("no interface eni-9", "--peer-eni")),
        (
            {"layout": Layout.SINGLE_SUBNET},
            ("in other subnets than the director's", "--layout dual-subnet"),
        ),
    ],
)
def test_what_does_not_exist_or_fit_is_told_with_its_option(
    options: dict[str, Any], words: tuple[str, ...]
) -> None:
    told = unclear(**options)

    assert all(word in told for word in words)


def test_the_layout_is_never_against_what_the_subnets_are() -> None:
    beside = service("tcp/10.0.1.200:80", "10.0.1.55:80")

    assert "--layout single-subnet" in unclear(beside, layout=Layout.DUAL_SUBNET)


def test_servers_here_and_elsewhere_are_no_layout() -> None:
    told = unclear(service("tcp/10.0.1.200:80", "10.0.1.55:80", "10.0.2.55:80"))

    assert "no layout serves both" in told
    assert "--real-server-subnet" in told


def test_a_subnet_of_another_account_hides_its_table() -> None:
    lent = Subnet("subnet-a", (ip_network("10.0.2.0/24"),), owner="210987654321")
    picture = replace(PICTURE, tables=(), subnets=(PICTURE.subnets[0], lent))
    web = service("tcp/10.0.1.200:80", "10.0.2.55:80")

    with pytest.raises(UsageError, match="belongs to the account 210987654321") as caught:
        find(NOTHING, (web,), picture, "eni-1")

    assert "--profile" in (caught.value.hint or "")


def test_servers_outside_the_vpc_are_named() -> None:
    told = unclear(service("tcp/10.0.1.200:80", *(f"192.168.0.{n}:80" for n in range(5))))

    assert "192.168.0.0, 192.168.0.1, 192.168.0.2 and 2 more" in told


def test_without_services_everything_missing_is_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        find(NOTHING, (), PICTURE, "eni-1")

    assert caught.value.message.startswith("2 things are not clear\n")
    assert "--vip" in caught.value.message
    assert "--real-server-subnet" in caught.value.message


def test_an_elastic_ip_is_for_one_vip() -> None:
    both = (WEB, service("tcp/10.0.1.201:80", "10.0.2.55:80"))

    assert "--vip" in unclear(*both, eip_allocation="eipalloc-2")


def test_an_interface_that_is_not_in_the_picture_is_told() -> None:
    with pytest.raises(UsageError, match="no interface eni-9"):
        find(NOTHING, (WEB,), PICTURE, "eni-9")


def test_the_directors_interface_is_named_or_the_instances_own() -> None:
    alone = Instance("i-1", "eu-west-1", (nic("eni-1", "10.0.1.10"),))
    two = replace(alone, nics=(nic("eni-0", "10.0.9.9"), nic("eni-1", "10.0.1.10", str(VIP))))

    assert choose_interface(AwsOptions(eni="eni-7"), (VIP,), None) == "eni-7"
    assert choose_interface(NOTHING, (VIP,), alone) == "eni-1"
    assert choose_interface(NOTHING, (VIP,), two) == "eni-1"


def test_several_interfaces_without_the_vip_are_all_named() -> None:
    two = Instance("i-1", "eu-west-1", (nic("eni-0"), nic("eni-1")))

    with pytest.raises(UsageError) as caught:
        choose_interface(NOTHING, (VIP,), two)

    assert "eni-0 (subnet-public), eni-1 (subnet-public)" in caught.value.message
    assert "--eni" in (caught.value.hint or "")


@pytest.mark.parametrize("instance", [None, Instance("i-1", "eu-west-1")])
def test_no_instance_asks_for_the_interface(instance: Instance | None) -> None:
    with pytest.raises(UsageError, match="the director's network interface is not known"):
        choose_interface(NOTHING, (IPv6Address("2001:db8::1"),), instance)
