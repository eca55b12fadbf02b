"""VPCs as people have them, built through the API: what a test of ``lvsnat aws`` starts from.

``dual_subnet``     director and its peer in a public subnet, real servers in two private ones that
                    share a table with a NAT gateway, one more subnet on the main table
``single_subnet``   director and real servers in one public subnet
``add_ipv6``        IPv6 for either
``add_tables``      many more subnets and tables, for the tests of scale

Everything has a ``Name`` tag, and there is an endpoint of the EC2 API. Addresses: the director is
10.0.1.10, its peer 10.0.1.11, the VIP 10.0.1.200 (on nobody yet); real servers are 10.0.2.55 and
10.0.3.56, or 10.0.1.55 and 10.0.1.56.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, Final

from aws.call import ACCOUNT
from moto.ec2.models import EC2Backend, ec2_backends

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.literals import ResourceTypeType
    from mypy_boto3_ec2.type_defs import TagSpecificationTypeDef

REGION: Final = "eu-west-1"
VIP: Final = "10.0.1.200"
PUBLIC: Final = "203.0.113.7"
IMAGE: Final = "ami-12c6146b"
"""Of any name: there are no images here."""


def saved(region: str = REGION) -> EC2Backend:
    """All that EC2 has in a region, for ``restore``."""
    return deepcopy(ec2_backends[ACCOUNT][region])


def restore(saved: EC2Backend, region: str = REGION) -> None:
    """Have EC2 be as it was; the same ``saved`` serves again."""
    ec2_backends[ACCOUNT][region] = deepcopy(saved)


@dataclass(frozen=True)
class Machine:
    instance: str
    eni: str
    address: str


@dataclass(frozen=True)
class Vpc:
    """The ids of what was built."""

    id: str
    gateway: str
    main_table: str
    public_subnet: str
    public_table: str
    director: Machine
    peer: Machine
    servers: tuple[Machine, ...]
    group: str
    """The security group of both directors."""
    server_group: str
    allocation: str
    """An Elastic IP that is free."""
    public_ip: str
    private_subnets: tuple[str, ...] = ()
    private_table: str = ""
    other_subnet: str = ""
    """A subnet without an association, so on the main table."""
    nat: str = ""


class Builder:
    """Makes and names things in one VPC."""

    def __init__(self, api: EC2Client) -> None:
        self.api = api
        self.vpc = api.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=named("vpc", "lab"))[
            "Vpc"
        ]["VpcId"]

    def gateway(self) -> str:
        made = self.api.create_internet_gateway(TagSpecifications=named("internet-gateway", "igw"))
        gateway = made["InternetGateway"]["InternetGatewayId"]
        self.api.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc)
        return gateway

    def subnet(self, cidr: str, name: str, zone: str = "a") -> str:
        made = self.api.create_subnet(
            VpcId=self.vpc,
            CidrBlock=cidr,
            AvailabilityZone=f"{self.api.meta.region_name}{zone}",
            TagSpecifications=named("subnet", name),
        )
        return made["Subnet"]["SubnetId"]

    def table(self, name: str, *subnets: str) -> str:
        made = self.api.create_route_table(
            VpcId=self.vpc, TagSpecifications=named("route-table", name)
        )
        table = made["RouteTable"]["RouteTableId"]
        for subnet in subnets:
            self.api.associate_route_table(RouteTableId=table, SubnetId=subnet)
        return table

    def group(self, name: str) -> str:
        made = self.api.create_security_group(
            GroupName=name, Description=name, VpcId=self.vpc,
            TagSpecifications=named("security-group", name),
        )  # fmt: skip
        return made["GroupId"]

    def machine(self, subnet: str, address: str, group: str, name: str) -> Machine:
        made = self.api.run_instances(
            ImageId=IMAGE, InstanceType="t3.small", MinCount=1, MaxCount=1,
            SubnetId=subnet, PrivateIpAddress=address,
            SecurityGroupIds=[group], TagSpecifications=named("instance", name),
            MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        )["Instances"][0]  # fmt: skip
        eni = made["NetworkInterfaces"][0]["NetworkInterfaceId"]
        self.api.create_tags(Resources=[eni], Tags=[{"Key": "Name", "Value": name}])
        return Machine(made["InstanceId"], eni, address)

    def nat(self, subnet: str) -> str:
        allocation = self.api.allocate_address(Domain="vpc")["AllocationId"]
        made = self.api.create_nat_gateway(SubnetId=subnet, AllocationId=allocation)
        return made["NatGateway"]["NatGatewayId"]

    def endpoint(self) -> str:
        """How directors without a public address reach the EC2 API."""
        made = self.api.create_vpc_endpoint(
            VpcId=self.vpc,
            ServiceName=f"com.amazonaws.{self.api.meta.region_name}.ec2",
            VpcEndpointType="Interface",
        )
        return made["VpcEndpoint"]["VpcEndpointId"]

    def main_table(self) -> str:
        found = self.api.describe_route_tables(
            Filters=[
                {"Name": "vpc-id", "Values": [self.vpc]},
                {"Name": "association.main", "Values": ["true"]},
            ]
        )
        return found["RouteTables"][0]["RouteTableId"]


def dual_subnet(api: EC2Client) -> Vpc:
    """Director outside, real servers inside; the private table leads to a NAT gateway."""
    build = Builder(api)
    gateway = build.gateway()
    public = build.subnet("10.0.1.0/24", "public")
    private = (
        build.subnet("10.0.2.0/24", "private-a"),
        build.subnet("10.0.3.0/24", "private-b", "b"),
    )
    other = build.subnet("10.0.4.0/24", "other")
    public_table = build.table("public", public)
    private_table = build.table("private", *private)
    nat = build.nat(public)
    everything = "0.0.0.0/0"
    api.create_route(RouteTableId=public_table, DestinationCidrBlock=everything, GatewayId=gateway)
    api.create_route(RouteTableId=private_table, DestinationCidrBlock=everything, NatGatewayId=nat)
    build.endpoint()
    group, server_group = build.group("directors"), build.group("servers")
    elastic = api.allocate_address(
        Domain="vpc", Address=PUBLIC, TagSpecifications=named("elastic-ip", "web")
    )
    return Vpc(
        build.vpc,
        gateway,
        build.main_table(),
        public,
        public_table,
        build.machine(public, "10.0.1.10", group, "director"),
        build.machine(public, "10.0.1.11", group, "peer"),
        (
            build.machine(private[0], "10.0.2.55", server_group, "server-a"),
            build.machine(private[1], "10.0.3.56", server_group, "server-b"),
        ),
        group,
        server_group,
        elastic["AllocationId"],
        elastic["PublicIp"],
        private,
        private_table,
        other,
        nat,
    )


def single_subnet(api: EC2Client) -> Vpc:
    """Director and real servers side by side, with one table."""
    build = Builder(api)
    gateway = build.gateway()
    public = build.subnet("10.0.1.0/24", "shared")
    table = build.table("shared", public)
    api.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    build.endpoint()
    group, server_group = build.group("directors"), build.group("servers")
    elastic = api.allocate_address(
        Domain="vpc", Address=PUBLIC, TagSpecifications=named("elastic-ip", "web")
    )
    return Vpc(
        build.vpc,
        gateway,
        build.main_table(),
        public,
        table,
        build.machine(public, "10.0.1.10", group, "director"),
        build.machine(public, "10.0.1.11", group, "peer"),
        (
            build.machine(public, "10.0.1.55", server_group, "server-a"),
            build.machine(public, "10.0.1.56", server_group, "server-b"),
        ),
        group,
        server_group,
        elastic["AllocationId"],
        elastic["PublicIp"],
    )


def add_ipv6(api: EC2Client, vpc: Vpc) -> dict[str, str]:
    """Give the VPC and each of its subnets IPv6; returns the network of each subnet."""
    api.associate_vpc_cidr_block(VpcId=vpc.id, AmazonProvidedIpv6CidrBlock=True)
    [found] = api.describe_vpcs(VpcIds=[vpc.id])["Vpcs"]
    whole = ip_network(found["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"])
    subnets = dict.fromkeys((vpc.public_subnet, *vpc.private_subnets))
    networks = {
        subnet: str(network)
        for subnet, network in zip(subnets, whole.subnets(new_prefix=64), strict=False)
    }
    for subnet, network in networks.items():
        api.associate_subnet_cidr_block(SubnetId=subnet, Ipv6CidrBlock=network)
    return networks


def add_tables(vpc: Vpc, tables: int, subnets: int, region: str = REGION) -> tuple[str, ...]:
    """Put many subnets, each with a table and a default route of its own, and lonely tables.

    Straight into moto's store: a thousand calls would say nothing about the program. Returns the
    subnets.
    """
    backend = ec2_backends[ACCOUNT][region]
    made = []
    for number in range(tables):
        table = backend.create_route_table(vpc.id)
        backend.create_route(table.id, "0.0.0.0/0", nat_gateway_id=vpc.nat)
        if number < subnets:
            cidr = f"10.0.{16 + number // 16}.{number % 16 * 16}/28"
            subnet = backend.create_subnet(vpc.id, cidr, availability_zone=f"{region}a")
            backend.associate_route_table(table.id, subnet_id=subnet.id)
            made.append(subnet.id)
    return tuple(made)


def propagate(table: str, cidr: str, gateway: str, region: str = REGION) -> None:
    """Let a virtual private gateway propagate a route into a table, which moto cannot."""
    model: Any = ec2_backends[ACCOUNT][region].route_tables[table]
    known = getattr(model, "propagated", ())
    model.propagated = (*known, (cidr, gateway, "EnableVgwRoutePropagation"))


def idle_after(eni: str, seconds: int, region: str = REGION) -> None:
    """Let security groups forget idle TCP connections of an interface, which moto does not know."""
    model: Any = ec2_backends[ACCOUNT][region].enis[eni]
    model.tcp_idle = seconds


def lend(table: str, owner: str, region: str = REGION) -> None:
    """Let a route table belong to another account, as in a VPC that is shared."""
    model: Any = ec2_backends[ACCOUNT][region].route_tables[table]
    model.lent_by = owner


def named(kind: ResourceTypeType, name: str) -> list[TagSpecificationTypeDef]:
    return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}]}]
