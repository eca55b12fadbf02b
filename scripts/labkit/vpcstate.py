"""What EC2 says of a VPC, as far as it steers packets: read by describe calls, and nothing else.

This is the lab's own reading of EC2: it shares no code with `lvsnat aws`, whose decisions it tries.
Prefix lists and route tables of gateways are not read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labkit.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mypy_boto3_ec2 import EC2Client

LOCAL = "local"
# Of a route; the first that is there. A route to an instance is shown with its interface, too.
TARGETS = ("NetworkInterfaceId", "GatewayId", "NatGatewayId", "VpcPeeringConnectionId")
OTHER_TARGET = "another target"
PROPAGATED = "EnableVgwRoutePropagation"


@dataclass(frozen=True, slots=True)
class Nic:
    """An interface of an instance; it is a host of the lab, under its `Name`."""

    id: str
    name: str
    mac: str
    subnet: str
    addresses: tuple[str, ...]
    """All of them, the primary one first."""
    checked: bool = True
    """Whether the source/destination check is on."""


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet, with one network of each family that it has."""

    id: str
    networks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """A line of a route table; the target is an id, or LOCAL."""

    destination: str
    target: str
    blackhole: bool = False
    propagated: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A route table and the subnets that are associated with it by themselves."""

    id: str
    main: bool
    subnets: tuple[str, ...]
    routes: tuple[Route, ...]


@dataclass(frozen=True, slots=True)
class Peering:
    """A peering connection and the IPv4 network at its other end."""

    id: str
    network: str


@dataclass(frozen=True, slots=True)
class VpcState:
    """A VPC at one moment."""

    nics: tuple[Nic, ...]
    subnets: tuple[Subnet, ...]
    tables: tuple[Table, ...]
    elastic: tuple[tuple[str, str], ...] = ()
    """Each Elastic IP that is mapped, and the private address that it stands for."""
    gateway: str = ""
    """The internet gateway that is attached."""
    nats: tuple[str, ...] = ()
    peerings: tuple[Peering, ...] = ()

    def table_of(self, subnet: str) -> Table:
        """Give the table that a subnet uses: its own, or else the main one."""
        own = (table for table in self.tables if subnet in table.subnets)
        main = (table for table in self.tables if table.main)
        return next(own, None) or next(main)

    def nic(self, identity: str) -> Nic | None:
        """Give an interface of an instance."""
        return next((nic for nic in self.nics if nic.id == identity), None)


def read(api: EC2Client, vpc: str) -> VpcState:
    """Describe a VPC, with a boto3 client of EC2."""
    own: Any = [{"Name": "vpc-id", "Values": [vpc]}]
    attached: Any = [{"Name": "attachment.vpc-id", "Values": [vpc]}]
    nics = _nics(api.describe_network_interfaces(Filters=own)["NetworkInterfaces"])
    subnets = api.describe_subnets(Filters=own)["Subnets"]
    tables = api.describe_route_tables(Filters=own)["RouteTables"]
    gateways = api.describe_internet_gateways(Filters=attached)["InternetGateways"]
    nats = api.describe_nat_gateways(Filters=own)["NatGateways"]
    peerings = api.describe_vpc_peering_connections()["VpcPeeringConnections"]
    return VpcState(
        nics=nics,
        subnets=tuple(map(_subnet, subnets)),
        tables=tuple(map(_table, tables)),
        elastic=_elastic(api.describe_addresses()["Addresses"], nics),
        gateway=next((one["InternetGatewayId"] for one in gateways), ""),
        nats=tuple(nat["NatGatewayId"] for nat in nats if nat["State"] == "available"),
        peerings=tuple(_peerings(peerings, vpc)),
    )


def _nics(raw: Iterable[Mapping[str, Any]]) -> tuple[Nic, ...]:
    """Keep those of instances: others, as that of a NAT gateway, are AWS's own."""
    return tuple(_nic(one) for one in raw if one.get("Attachment", {}).get("InstanceId"))


def _nic(raw: Mapping[str, Any]) -> Nic:
    private = sorted(raw["PrivateIpAddresses"], key=lambda one: not one["Primary"])
    names = [tag["Value"] for tag in raw.get("TagSet", []) if tag["Key"] == "Name"]
    return Nic(
        id=raw["NetworkInterfaceId"],
        name=names[0] if names else raw["NetworkInterfaceId"],
        mac=raw["MacAddress"],
        subnet=raw["SubnetId"],
        addresses=(
            *(one["PrivateIpAddress"] for one in private),
            *(one["Ipv6Address"] for one in raw.get("Ipv6Addresses", [])),
        ),
        checked=raw["SourceDestCheck"],
    )


def _subnet(raw: Mapping[str, Any]) -> Subnet:
    ipv6 = [
        one["Ipv6CidrBlock"]
        for one in raw.get("Ipv6CidrBlockAssociationSet", [])
        if one["Ipv6CidrBlockState"]["State"] == "associated"
    ]
    return Subnet(raw["SubnetId"], (raw["CidrBlock"], *ipv6))


def _table(raw: Mapping[str, Any]) -> Table:
    links = raw["Associations"]
    return Table(
        id=raw["RouteTableId"],
        main=any(link.get("Main", False) for link in links),
        subnets=tuple(link["SubnetId"] for link in links if "SubnetId" in link),
        routes=tuple(_route(one) for one in raw["Routes"] if "DestinationPrefixListId" not in one),
    )


def _route(raw: Mapping[str, Any]) -> Route:
    return Route(
        destination=raw.get("DestinationCidrBlock") or raw["DestinationIpv6CidrBlock"],
        target=next((raw[name] for name in TARGETS if raw.get(name)), OTHER_TARGET),
        blackhole=raw["State"] == "blackhole",
        propagated=raw.get("Origin") == PROPAGATED,
    )


def _elastic(raw: Iterable[Mapping[str, Any]], nics: Iterable[Nic]) -> tuple[tuple[str, str], ...]:
    known = {nic.id: nic for nic in nics}
    pairs = []
    for one in raw:
        nic = known.get(one.get("NetworkInterfaceId", ""))
        if nic is None:
            continue
        if one["PrivateIpAddress"] not in nic.addresses:
            msg = f"{one['PublicIp']} stands for {one['PrivateIpAddress']}, not of {nic.id}"
            raise LabError(msg, hint="EC2 lets nobody do that: the server is wrong")
        pairs.append((one["PublicIp"], one["PrivateIpAddress"]))
    return tuple(pairs)


def _peerings(raw: Iterable[Mapping[str, Any]], vpc: str) -> Iterable[Peering]:
    for one in raw:
        ends = {one[end]["VpcId"]: one[end] for end in ("RequesterVpcInfo", "AccepterVpcInfo")}
        if vpc in ends and one["Status"]["Code"] == "active":
            other = next(end for name, end in ends.items() if name != vpc)
            yield Peering(one["VpcPeeringConnectionId"], other["CidrBlock"])
