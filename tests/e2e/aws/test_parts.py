"""Each part of a way back is needed: where one is missing, requests hang, and it is named.

Every test finds the way back made, and leaves it so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import pytest
from aws.server import Ec2Server
from aws.vpcs import VIP, Vpc, dual_subnet, single_subnet
from e2e import warm
from e2e.aws.cloud import (
    HANGS,
    LVS_NAT,
    PATIENCE,
    Cloud,
    cloud,
    serve,
    set_ways_back,
    unset_ways_back,
)
from e2e.doctor.ailing import hanging
from labkit.host import Host

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

EVERYTHING = "0.0.0.0/0"
PARTNERS = "10.8.0.0/16"
OUTSIDE = 7000
"""A port on the internet that real servers connect to."""


def peered(api: EC2Client) -> Vpc:
    """A VPC that another one is peered with; no route leads there yet."""
    ids = dual_subnet(api)
    other = api.create_vpc(CidrBlock=PARTNERS)["Vpc"]["VpcId"]
    made = api.create_vpc_peering_connection(VpcId=ids.id, PeerVpcId=other)
    peering = made["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    api.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
    return ids


@pytest.fixture(scope="module")
def made(request: pytest.FixtureRequest, moto: Ec2Server) -> Iterator[Cloud]:
    """One layout after the other: what both are to start with is an empty account."""
    with cloud(moto, {"dual": peered, "single": single_subnet}[request.param]) as one:
        serve(one, LVS_NAT)
        if request.param == "single":
            set_ways_back(one)
        file = one.director.home / "lvsnat.toml"
        options = f'eip_allocation = "{one.ids.allocation}"\nsecurity_groups = true\n'
        file.write_text(f"{file.read_text()}\n[aws]\n{options}")
        one.make()
        yield one


in_dual = pytest.mark.parametrize("made", ["dual"], indirect=True)
in_single = pytest.mark.parametrize("made", ["single"], indirect=True)


class Part(NamedTuple):
    """How to take one away; what ``aws verify`` calls that, and why packets are lost, if told."""

    take: Callable[[Cloud], object]
    code: str
    drop: str
    mend: Callable[[Cloud], object] = Cloud.make


def check_on(cloud: Cloud) -> None:
    cloud.api.modify_network_interface_attribute(
        NetworkInterfaceId=cloud.ids.director.eni, SourceDestCheck={"Value": True}
    )


def no_elastic_ip(cloud: Cloud) -> None:
    [found] = cloud.api.describe_addresses(AllocationIds=[cloud.ids.allocation])["Addresses"]
    cloud.api.disassociate_address(AssociationId=found["AssociationId"])


def no_vip(cloud: Cloud) -> None:
    cloud.api.unassign_private_ip_addresses(
        NetworkInterfaceId=cloud.ids.director.eni, PrivateIpAddresses=[VIP]
    )


def no_route(cloud: Cloud) -> None:
    cloud.api.delete_route(RouteTableId=cloud.ids.private_table, DestinationCidrBlock=EVERYTHING)


def route_to_the_nat_gateway(cloud: Cloud) -> None:
    cloud.api.replace_route(
        RouteTableId=cloud.ids.private_table,
        DestinationCidrBlock=EVERYTHING,
        NatGatewayId=cloud.ids.nat,
    )


def no_way_out(cloud: Cloud) -> None:
    cloud.api.delete_route(RouteTableId=cloud.ids.public_table, DestinationCidrBlock=EVERYTHING)


def way_out(cloud: Cloud) -> None:
    cloud.api.create_route(
        RouteTableId=cloud.ids.public_table,
        DestinationCidrBlock=EVERYTHING,
        GatewayId=cloud.ids.gateway,
    )
    cloud.sync()


ANYWHERE = [
    Part(check_on, "SRC_DST_CHECK", "source_check"),
    Part(no_elastic_ip, "EIP_MAP", "unmapped"),
]
PARTS = [
    *ANYWHERE,
    Part(no_vip, "VIP_NOT_ON_ENI", "unmapped"),
    Part(no_route, "ROUTE_MISSING", ""),
    Part(route_to_the_nat_gateway, "ROUTE_OTHER", ""),
    Part(no_way_out, "LB_EGRESS", "", way_out),
]


def name(part: Part) -> str:
    return part.take.__name__


@pytest.mark.parametrize("made", ["dual", "single"], indirect=True)
def test_with_all_parts_requests_are_answered(made: Cloud) -> None:
    assert made.answer().client == made.client.address
    assert made.failing() == set()


@in_dual
@pytest.mark.parametrize("part", PARTS, ids=name)
def test_with_a_subnet_each_no_part_may_be_missing(made: Cloud, part: Part) -> None:
    one_part_missing(made, part)


@in_single
@pytest.mark.parametrize("part", ANYWHERE, ids=name)
def test_in_one_subnet_no_part_may_be_missing(made: Cloud, part: Part) -> None:
    one_part_missing(made, part)


def one_part_missing(cloud: Cloud, part: Part) -> None:
    part.take(cloud)
    cloud.sync()

    assert cloud.hangs()
    assert part.code in cloud.failing()
    assert not part.drop or cloud.net.drops()[part.drop]

    part.mend(cloud)
    assert cloud.answer().client == cloud.client.address


def diagnosed(cloud: Cloud, asker: Host | None = None, address: str = "") -> list[str]:
    """The codes that the doctor finds on the director, while somebody tries; each once."""
    with hanging(asker or cloud.client, address or cloud.ids.public_ip):
        words, surroundings = ("--seconds", "2", "-o", "json"), cloud.surroundings["director"]
        done = warm.run(cloud.director, "doctor", *words, check=False, **surroundings)
    assert done.stdout, done.stderr
    document = json.loads(done.stdout)
    assert document["unread"] == []
    return list(dict.fromkeys(one["code"] for one in document["findings"]))


def named_alone(cloud: Cloud, breaks: Callable[[Cloud], object], code: str) -> None:
    """While packets do not come back the doctor names the cause alone, until it is put right."""
    breaks(cloud)
    cloud.sync()
    assert diagnosed(cloud) == [code]

    cloud.lvsnat("aws", "apply", "--yes")
    cloud.sync()
    assert cloud.answer().client == cloud.client.address


@in_dual
def test_the_doctor_names_the_cause_in_the_vpc_and_no_effect_of_it(made: Cloud) -> None:
    assert diagnosed(made) == []
    named_alone(made, check_on, "SRC_DST_CHECK")
    named_alone(made, route_to_the_nat_gateway, "ROUTE_OTHER")

    to_partners(made, made.ids.public_table)
    to_partners(made, made.ids.private_table)
    assert diagnosed(made, made.net.hosts["partner"], VIP) == ["CLIENT_BYPASS"]
    forget_partners(made)
    assert diagnosed(made) == []


@in_single
def test_the_doctor_tells_the_vpc_from_the_servers_in_one_subnet(made: Cloud) -> None:
    named_alone(made, check_on, "SRC_DST_CHECK")

    unset_ways_back(made)
    assert diagnosed(made) == ["RS_GATEWAY"]
    set_ways_back(made)
    assert diagnosed(made) == []


@in_single
def test_in_one_subnet_a_server_that_answers_by_itself_is_not_heard(made: Cloud) -> None:
    unset_ways_back(made)
    assert made.hangs()

    set_ways_back(made)
    assert made.answer().client == made.client.address


def to_partners(cloud: Cloud, table: str) -> None:
    [found] = cloud.api.describe_vpc_peering_connections()["VpcPeeringConnections"]
    cloud.api.create_route(
        RouteTableId=table,
        DestinationCidrBlock=PARTNERS,
        VpcPeeringConnectionId=found["VpcPeeringConnectionId"],
    )
    cloud.sync()


@in_dual
def test_a_more_specific_route_keeps_those_clients_from_their_answers(made: Cloud) -> None:
    partner = made.net.hosts["partner"]
    to_partners(made, made.ids.public_table)
    assert made.answer(partner, VIP).client == partner.address

    to_partners(made, made.ids.private_table)
    assert made.hangs(partner, VIP)
    assert made.answer().client == made.client.address
    assert "CLIENT_BYPASS" in made.failing()

    forget_partners(made)


def forget_partners(cloud: Cloud) -> None:
    for table in (cloud.ids.private_table, cloud.ids.public_table):
        cloud.api.delete_route(RouteTableId=table, DestinationCidrBlock=PARTNERS)
    cloud.sync()


def seen_outside(cloud: Cloud, timeout: float = PATIENCE) -> str:
    """Connect from a real server to the internet: who it seems to be there, or nothing."""
    try:
        return cloud.servers[0].ask_tcp(cloud.client.address, OUTSIDE, timeout).client
    except TimeoutError:
        return ""


@in_dual
def test_the_servers_own_connections_need_the_directors_elastic_ip(made: Cloud) -> None:
    outside = made.client.serve_tcp(OUTSIDE)
    file = made.director.home / "lvsnat.toml"
    before = file.read_text()

    route_to_the_nat_gateway(made)
    made.sync()
    by_the_gateway = seen_outside(made)
    made.make()
    by_nobody = seen_outside(made, HANGS)
    dropped = made.net.drops()["unmapped"]
    found = {}
    for egress, timeout in (("masquerade", HANGS), (VIP, PATIENCE)):
        networks = 'egress_networks = ["10.0.2.0/24", "10.0.3.0/24"]'
        file.write_text(f'{before}\n[host]\negress = "{egress}"\n{networks}\n')
        made.lvsnat("apply")
        found[egress] = seen_outside(made, timeout)

    # The primary address, which masquerade takes, has no public one here.
    assert (by_the_gateway, by_nobody) == ("198.51.100.20", "")
    assert found == {"masquerade": "", VIP: made.ids.public_ip}
    assert dropped
    file.write_text(before)
    made.lvsnat("apply")
    outside.stop()
