"""The thorough look: network ACLs, endpoints, the directors' instances and their types. Reads only.

What the caller may not look at is left out and named: a policy of before still lets the rest be
seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from lvsnat.aws import reading
from lvsnat.aws.client import Ec2
from lvsnat.aws.look import OTHERS_A_PAGE
from lvsnat.aws.network import Machine, NetworkAcl
from lvsnat.aws.picture import Details
from lvsnat.aws.refusals import AwsError

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import FilterTypeDef, NetworkInfoTypeDef

T = TypeVar("T")


def details(ec2: Ec2, vpc: str, instances: Iterable[str]) -> Details:
    """Look at what verify and plan judge beside the picture. Raises AwsError, but for a denial."""
    unread: list[str] = []

    def ask(operation: str, about: str, look: Callable[[], tuple[T, ...]]) -> tuple[T, ...]:
        try:
            with ec2.asking(operation, about):
                return look()
        except AwsError as error:
            if not error.denied:
                raise
            unread.append(operation)
            return ()

    named = [*dict.fromkeys(instances)]
    acls = ask("DescribeNetworkAcls", vpc, lambda: _acls(ec2, vpc))
    endpoints = ask("DescribeVpcEndpoints", vpc, lambda: _endpoints(ec2, vpc))
    machines = ask("DescribeInstances", ", ".join(named), lambda: _machines(ec2, named))
    types = sorted({one.type for one in machines if one.type})
    sized = ask("DescribeInstanceTypes", ", ".join(types), lambda: _sized(ec2, machines, types))
    return Details(acls, sized or machines, endpoints, tuple(unread))


def _of_vpc(vpc: str) -> list[FilterTypeDef]:
    return [{"Name": "vpc-id", "Values": [vpc]}]


def _acls(ec2: Ec2, vpc: str) -> tuple[NetworkAcl, ...]:
    pages = ec2.api.get_paginator("describe_network_acls").paginate(
        Filters=_of_vpc(vpc), PaginationConfig={"PageSize": OTHERS_A_PAGE}
    )
    return tuple(reading.network_acl(raw) for page in pages for raw in page["NetworkAcls"])


def _endpoints(ec2: Ec2, vpc: str) -> tuple[str, ...]:
    pages = ec2.api.get_paginator("describe_vpc_endpoints").paginate(
        Filters=_of_vpc(vpc), PaginationConfig={"PageSize": OTHERS_A_PAGE}
    )
    # Deleted ones are shown for a while; the API writes states in both cases.
    return tuple(
        raw.get("ServiceName", "")
        for page in pages
        for raw in page["VpcEndpoints"]
        if raw.get("State", "").lower() == "available"
    )


def _machines(ec2: Ec2, instances: list[str]) -> tuple[Machine, ...]:
    if not instances:
        return ()
    answer = ec2.api.describe_instances(InstanceIds=instances)
    found = (raw for one in answer["Reservations"] for raw in one.get("Instances", []))
    return tuple(map(reading.machine, found))


def _sized(ec2: Ec2, machines: tuple[Machine, ...], types: list[str]) -> tuple[Machine, ...]:
    """The machines, with how many addresses an interface of theirs may have."""
    if not types:
        return ()
    # The names come from EC2 itself, which the stubs cannot know.
    answer = ec2.api.describe_instance_types(InstanceTypes=types)  # type: ignore[arg-type]
    network: dict[str, NetworkInfoTypeDef] = {
        raw["InstanceType"]: raw["NetworkInfo"]
        for raw in answer["InstanceTypes"]
        if "InstanceType" in raw and "NetworkInfo" in raw
    }
    return tuple(
        replace(
            one,
            addresses=network[one.type].get("Ipv4AddressesPerInterface"),
            addresses6=network[one.type].get("Ipv6AddressesPerInterface"),
        )
        if one.type in network
        else one
        for one in machines
    )
