"""What EC2 refuses and moto does not: a table of rules, each with its page of AWS.

A rule looks at a call before moto does and raises RefusedError. What moto shows otherwise than EC2
is put right in ``repairs``; what it does otherwise, in ``addresses``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_network
from typing import Any, Final, NamedTuple

from aws.call import Call, RefusedError

_API: Final = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference"
_VPC: Final = "https://docs.aws.amazon.com/vpc/latest/userguide"
TARGETS: Final = (
    "CarrierGatewayId",
    "CoreNetworkArn",
    "EgressOnlyInternetGatewayId",
    "GatewayId",
    "InstanceId",
    "LocalGatewayId",
    "LocalTarget",
    "NatGatewayId",
    "NetworkInterfaceId",
    "OdbNetworkArn",
    "TransitGatewayId",
    "VpcEndpointId",
    "VpcPeeringConnectionId",
)
ROUTES_PER_TABLE: Final = 50
"""https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html, before an increase."""
FILTER_VALUES: Final = 200
NEVER_ROUTED: Final = (ip_network("169.254.168.0/22"), ip_network("fd00:ec2::/32"))
PAGE_LIMITS: Final = {
    "DescribeRouteTables": (5, 100),
    "DescribeSubnets": (5, 1000),
    "DescribeNetworkInterfaces": (5, 1000),
    "DescribeSecurityGroups": (5, 1000),
    "DescribeNetworkAcls": (5, 1000),
    "DescribeVpcEndpoints": (1, 1000),
}
_ROUTE: Final = ("CreateRoute", "ReplaceRoute")
INTERFACE_ATTRIBUTES: Final = (
    "SourceDestCheck.Value",
    "Description.Value",
    "SecurityGroupId.1",
    "Attachment.AttachmentId",
)


class Rule(NamedTuple):
    actions: tuple[str, ...]
    check: Callable[[Call], None]
    source: str


def destination(call: Call) -> str:
    """The network of a route, as EC2 writes it: host bits are cut off."""
    text = call.get("DestinationCidrBlock") or call.get("DestinationIpv6CidrBlock") or ""
    try:
        return str(ip_network(text, strict=False))
    except ValueError:
        raise RefusedError(
            "InvalidParameterValue",
            f"Value ({text}) for parameter destinationCidrBlock is invalid. This is not a valid"
            " CIDR block.",
        ) from None


def routes_at(call: Call) -> Iterator[Any]:
    """The static routes of the table for the call's network."""
    wanted = destination(call)
    for route in call.table().routes:
        if wanted in (route.destination_cidr_block, route.destination_ipv6_cidr_block):
            yield route


def _one_target(call: Call) -> None:
    given = [name for name in TARGETS if call.get(name)]
    if not given:
        raise RefusedError("MissingParameter", "The request must contain exactly one target")
    if len(given) > 1:
        raise RefusedError(
            "InvalidParameterCombination",
            f"The parameters {' and '.join(given)} cannot be used together",
        )


def _known_target(call: Call) -> None:
    if call.get("NetworkInterfaceId"):
        eni = call.eni(call.get("NetworkInterfaceId"))
        if eni.subnet.vpc_id != call.table().vpc_id:
            raise RefusedError(
                "InvalidParameterValue",
                f"route table {call.table().id} and interface {eni.id} belong to different"
                " networks",
            )
    nat = call.get("NatGatewayId")
    if nat and nat not in call.backend.nat_gateways:
        raise RefusedError(
            "InvalidNatGatewayID.NotFound", f"The natGateway ID '{nat}' does not exist"
        )
    name = call.get("InstanceId")
    if name and len(call.backend.get_instance(name).nics) > 1:
        raise RefusedError(
            "InvalidInstanceID", f"There are multiple interfaces attached to instance '{name}'."
        )


def _not_reserved(call: Call) -> None:
    network = ip_network(destination(call))
    for reserved in NEVER_ROUTED:
        if network.version == reserved.version and network.network_address in reserved:
            raise RefusedError("InvalidParameterValue", f"{network} is reserved by AWS")


def _not_there_yet(call: Call) -> None:
    for route in routes_at(call):
        known = route.destination_cidr_block or route.destination_ipv6_cidr_block
        raise RefusedError("RouteAlreadyExists", f"The route identified by {known} already exists.")


def _whole_subnet(call: Call) -> None:
    network = ip_network(destination(call))
    vpc = call.backend.vpcs[call.table().vpc_id]
    local = [ip_network(one["cidr_block"]) for one in vpc.get_cidr_block_association_set()]
    inside = any(
        network.version == one.version and network.subnet_of(one)  # type: ignore[arg-type]
        for one in local
    )
    zones = call.backend.subnets.values()
    subnets = [one.cidr_block for zone in zones for one in zone.values() if one.vpc_id == vpc.id]
    if inside and network not in local and str(network) not in subnets:
        raise RefusedError(
            "InvalidParameterValue",
            f"The destination CIDR block {network} is equal to or more specific than one of this"
            " VPC's CIDR blocks. This route can target only an interface or an instance, and must"
            " be a whole subnet.",
        )


def _room(call: Call) -> None:
    if len(call.table().routes) >= ROUTES_PER_TABLE:
        raise RefusedError(
            "RouteLimitExceeded",
            f"The maximum number of routes ({ROUTES_PER_TABLE}) has been reached.",
        )


def _replaceable(call: Call) -> None:
    if not any(routes_at(call)):
        raise RefusedError(
            "InvalidParameterValue",
            f"There is no route defined for '{destination(call)}' in the route table. Use"
            " CreateRoute instead.",
        )


def _not_local(call: Call) -> None:
    if any(route.local for route in routes_at(call)):
        raise RefusedError(
            "InvalidParameterValue",
            f"cannot remove local route {destination(call)} in route table {call.table().id}",
        )


def _no_association(call: Call) -> None:
    subnet = call.get("SubnetId")
    for table in call.backend.route_tables.values():
        if subnet and subnet in table._associations.values():
            raise RefusedError(
                "Resource.AlreadyAssociated",
                f"the specified association for route table {table.id} conflicts with an existing"
                " association",
            )


def _one_attribute(call: Call) -> None:
    given = [name for name in INTERFACE_ATTRIBUTES if call.get(name)]
    if len(given) != 1:
        raise RefusedError(
            "InvalidParameterCombination", "Fields for multiple attribute types specified"
        )


def _single_interface(call: Call) -> None:
    name = call.get("InstanceId")
    if call.get("SourceDestCheck.Value") and len(call.backend.get_instance(name).nics) > 1:
        raise RefusedError(
            "InvalidInstanceID", f"There are multiple interfaces attached to instance '{name}'."
        )


def _free_ipv6(call: Call) -> None:
    wanted = call.many("Ipv6Addresses")
    for eni in call.backend.enis.values():
        if eni.id != call.get("NetworkInterfaceId") and set(wanted) & set(eni.ipv6_addresses):
            raise RefusedError(
                "InvalidParameterValue",
                f"Some of {wanted} are already assigned to interface {eni.id}: unassign them first",
            )


def _page_size(call: Call) -> None:
    least, most = PAGE_LIMITS[call.action]
    size = call.get("MaxResults")
    if size is not None and not least <= int(size) <= most:
        raise RefusedError(
            "InvalidParameterValue",
            f"Value ( {size} ) for parameter maxResults is invalid. Expecting a value between"
            f" {least} and {most}.",
        )


def _few_filter_values(call: Call) -> None:
    values = [key for key in call.form if key.startswith("Filter.") and ".Value." in key]
    if len(values) > FILTER_VALUES:
        raise RefusedError("FilterLimitExceeded", "The maximum number of filter values is 200.")


RULES: Final = (
    Rule(_ROUTE, _one_target, f"{_API}/API_CreateRoute.html"),
    Rule(_ROUTE, _known_target, f"{_API}/API_CreateRoute.html"),
    Rule(_ROUTE, _not_reserved, f"{_VPC}/subnet-route-tables.html"),
    Rule(("CreateRoute",), _not_there_yet, f"{_API}/errors-overview.html"),
    Rule(("CreateRoute",), _whole_subnet, f"{_VPC}/subnet-route-tables.html"),
    Rule(("CreateRoute",), _room, f"{_VPC}/amazon-vpc-limits.html"),
    Rule(("ReplaceRoute",), _replaceable, f"{_API}/API_ReplaceRoute.html"),
    Rule(("DeleteRoute",), _not_local, f"{_VPC}/subnet-route-tables.html"),
    Rule(("AssociateRouteTable",), _no_association, f"{_API}/API_AssociateRouteTable.html"),
    Rule(
        ("ModifyNetworkInterfaceAttribute",),
        _one_attribute,
        f"{_API}/API_ModifyNetworkInterfaceAttribute.html",
    ),
    Rule(
        ("ModifyInstanceAttribute",),
        _single_interface,
        f"{_API}/API_ModifyInstanceAttribute.html",
    ),
    Rule(("AssignIpv6Addresses",), _free_ipv6, f"{_API}/API_AssignIpv6Addresses.html"),
    Rule(tuple(PAGE_LIMITS), _page_size, f"{_API}/Query-Requests.html#api-pagination"),
    Rule(tuple(PAGE_LIMITS), _few_filter_values, f"{_API}/API_Filter.html"),
)

NO_DRY_RUN: Final = (
    "AssignIpv6Addresses",
    "AssignPrivateIpAddresses",
    "UnassignIpv6Addresses",
    "UnassignPrivateIpAddresses",
)
"""The API reference gives them no such parameter."""


def check(call: Call) -> None:
    """Raise RefusedError where EC2 would refuse."""
    for rule in RULES:
        if call.action in rule.actions:
            rule.check(call)


def check_dry_run(call: Call) -> None:
    """A dry run changes nothing: it says that the caller may, whatever the call would do.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html
    """
    if call.true("DryRun") and call.action not in NO_DRY_RUN:
        raise RefusedError(
            "DryRunOperation",
            "Request would have succeeded, but DryRun flag is set.",
            412,
        )
