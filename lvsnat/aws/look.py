"""Describe one VPC: few calls, each page as large as EC2 allows. Reads only.

The number of calls grows with pages alone, not with subnets, tables or servers, except for one call
for each prefix list that a route leads to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from typing import TYPE_CHECKING, Final

from lvsnat.aws import reading
from lvsnat.aws.client import Ec2
from lvsnat.aws.network import ElasticIp, Interface, PrefixList, RouteTable, SecurityGroup, Subnet
from lvsnat.aws.picture import Picture
from lvsnat.aws.refusals import AwsError

if TYPE_CHECKING:
    from mypy_boto3_ec2 import type_defs as ec2

TABLES_A_PAGE: Final = 100
OTHERS_A_PAGE: Final = 1000
"""The most that EC2 takes for MaxResults, by the API reference of each call."""
FILTER_VALUES: Final = 200
"""The most values that EC2 takes in one request's filters."""


def look(ec2: Ec2, eni: str) -> Picture:
    """See the VPC of an interface. Raises AwsError."""
    home = director_interface(ec2, eni)
    vpc = home["VpcId"]
    found = describe_vpc(ec2, vpc)
    raw_tables = _raw_tables(ec2, [_filter("vpc-id", vpc)])
    lists = prefix_lists(ec2, raw_tables)
    return Picture(
        region=ec2.region,
        partition=ec2.partition,
        account=home.get("OwnerId", ""),
        vpc=vpc,
        networks=reading.networks_of(found),
        internet_gateway=internet_gateway(ec2, vpc),
        interfaces=interfaces(ec2, vpc),
        subnets=subnets(ec2, vpc),
        tables=tuple(reading.route_table(raw, lists) for raw in raw_tables),
        addresses=elastic_ips(ec2),
        groups=security_groups(ec2, vpc),
        name=reading.name_of(found.get("Tags", [])),
        prefix_lists=tuple(lists.values()),
    )


def director_interface(ec2: Ec2, eni: str) -> ec2.NetworkInterfaceTypeDef:
    """The description of one interface. Raises AwsError where it is gone."""
    with ec2.asking("DescribeNetworkInterfaces", eni):
        answer = ec2.api.describe_network_interfaces(NetworkInterfaceIds=[eni])
    for found in answer["NetworkInterfaces"]:
        return found
    raise AwsError(
        f"the interface {eni} does not exist in {ec2.region}",
        "'lvsnat aws show' lists the interfaces; --eni names one",
        reason="InvalidNetworkInterfaceID.NotFound",
    )


def describe_vpc(ec2: Ec2, vpc: str) -> ec2.VpcTypeDef:
    with ec2.asking("DescribeVpcs", vpc):
        return ec2.api.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]


def interfaces(ec2: Ec2, vpc: str) -> tuple[Interface, ...]:
    pages = ec2.api.get_paginator("describe_network_interfaces").paginate(
        Filters=[_filter("vpc-id", vpc)], PaginationConfig={"PageSize": OTHERS_A_PAGE}
    )
    with ec2.asking("DescribeNetworkInterfaces", vpc):
        return tuple(reading.interface(raw) for page in pages for raw in page["NetworkInterfaces"])


def interfaces_by_id(ec2: Ec2, enis: Iterable[str]) -> tuple[Interface, ...]:
    """Some interfaces, in one call: to see whether a change has arrived."""
    wanted = list(enis)
    with ec2.asking("DescribeNetworkInterfaces", ", ".join(wanted)):
        answer = ec2.api.describe_network_interfaces(NetworkInterfaceIds=wanted)
    return tuple(map(reading.interface, answer["NetworkInterfaces"]))


def subnets(ec2: Ec2, vpc: str) -> tuple[Subnet, ...]:
    pages = ec2.api.get_paginator("describe_subnets").paginate(
        Filters=[_filter("vpc-id", vpc)], PaginationConfig={"PageSize": OTHERS_A_PAGE}
    )
    with ec2.asking("DescribeSubnets", vpc):
        return tuple(reading.subnet(raw) for page in pages for raw in page["Subnets"])


def tables_by_id(
    ec2: Ec2, tables: Iterable[str], lists: Mapping[str, PrefixList] | None = None
) -> tuple[RouteTable, ...]:
    """Some route tables, a page at a time: to see whether a change has arrived."""
    wanted = list(tables)
    return tuple(
        reading.route_table(raw, lists or {})
        for first in range(0, len(wanted), FILTER_VALUES)
        for raw in _raw_tables(
            ec2, [_filter("route-table-id", *wanted[first : first + FILTER_VALUES])]
        )
    )


def _raw_tables(ec2: Ec2, filters: list[ec2.FilterTypeDef]) -> list[ec2.RouteTableTypeDef]:
    pages = ec2.api.get_paginator("describe_route_tables").paginate(
        Filters=filters, PaginationConfig={"PageSize": TABLES_A_PAGE}
    )
    with ec2.asking("DescribeRouteTables", ", ".join(filters[0].get("Values", [])[:3])):
        return [raw for page in pages for raw in page["RouteTables"]]


def elastic_ips(ec2: Ec2) -> tuple[ElasticIp, ...]:
    """All of the region's: DescribeAddresses has no pages."""
    with ec2.asking("DescribeAddresses"):
        return tuple(reading.elastic_ips(ec2.api.describe_addresses()["Addresses"]))


def security_groups(ec2: Ec2, vpc: str) -> tuple[SecurityGroup, ...]:
    pages = ec2.api.get_paginator("describe_security_groups").paginate(
        Filters=[_filter("vpc-id", vpc)], PaginationConfig={"PageSize": OTHERS_A_PAGE}
    )
    with ec2.asking("DescribeSecurityGroups", vpc):
        return tuple(
            reading.security_group(raw) for page in pages for raw in page["SecurityGroups"]
        )


def internet_gateway(ec2: Ec2, vpc: str) -> str | None:
    with ec2.asking("DescribeInternetGateways", vpc):
        found = ec2.api.describe_internet_gateways(Filters=[_filter("attachment.vpc-id", vpc)])
    return next((one.get("InternetGatewayId") for one in found["InternetGateways"]), None)


def prefix_lists(ec2: Ec2, tables: Iterable[ec2.RouteTableTypeDef]) -> dict[str, PrefixList]:
    """The prefix lists that routes lead to, with their networks where they may be read."""
    names = sorted(
        {
            route["DestinationPrefixListId"]
            for table in tables
            for route in table.get("Routes", [])
            if route.get("DestinationPrefixListId")
        }
    )
    return {name: _prefix_list(ec2, name) for name in names}


def _prefix_list(ec2: Ec2, name: str) -> PrefixList:
    pages = ec2.api.get_paginator("get_managed_prefix_list_entries").paginate(PrefixListId=name)
    try:
        with ec2.asking("GetManagedPrefixListEntries", name):
            networks = [one["Cidr"] for page in pages for one in page["Entries"] if "Cidr" in one]
    except AwsError as error:
        # Without them the rest of the picture is still true: who looks at the list is told so.
        if error.denied or error.gone:
            return PrefixList(name, readable=False)
        raise
    return PrefixList(name, tuple(ip_network(cidr) for cidr in networks))


def _filter(name: str, *values: str) -> ec2.FilterTypeDef:
    return {"Name": name, "Values": list(values)}
