"""Each change as the one call of the EC2 API that makes it. Values only; nothing is called here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lvsnat.aws.resources import (
    ON,
    AwsResource,
    ElasticAddress,
    ElasticMapping,
    GroupRule,
    SecondaryAddress,
    SourceDestCheck,
    TableRoute,
    UndoTag,
)
from lvsnat.aws.seen import undo_tag, vip_tag
from lvsnat.aws.target import TargetKind
from lvsnat.model.endpoint import Family
from lvsnat.plan.change import Change, Create, Delete, Update, subject

_NO_DRY_RUN: Final = frozenset(
    {
        "AssignPrivateIpAddresses",
        "UnassignPrivateIpAddresses",
        "AssignIpv6Addresses",
        "UnassignIpv6Addresses",
    }
)
"""https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssignPrivateIpAddresses.html"""
_DONE_ALREADY: Final[Mapping[str, frozenset[str]]] = {
    "DeleteRoute": frozenset({"InvalidRoute.NotFound"}),
    "DisassociateAddress": frozenset({"InvalidAssociationID.NotFound"}),
    "RevokeSecurityGroupIngress": frozenset({"InvalidPermission.NotFound"}),
}
"""Answers that mean: what was to go is gone."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request."""

    operation: str
    """As EC2 calls it: ``ReplaceRoute``."""
    method: str
    """As boto3 calls it: ``replace_route``."""
    about: str
    """What it changes, in the words of the field."""
    parameters: Mapping[str, Any]

    @property
    def has_dry_run(self) -> bool:
        return self.operation not in _NO_DRY_RUN

    def done_already(self, reason: str) -> bool:
        """Whether an error's code says that there was nothing left to do."""
        return reason in _DONE_ALREADY.get(self.operation, frozenset())


@dataclass(frozen=True, slots=True)
class Place:
    """What a call needs to know beside the change."""

    vpc: str
    associations: Mapping[str, str]
    """Of each allocation that is mapped, the id of its association."""
    allocations: Mapping[str, str]
    """Of each VIP, the allocation that was made for it."""


def call_for(change: Change, place: Place) -> Call:
    """The one request that makes a change."""
    resource = subject(change)
    about = resource.describe()
    gone = isinstance(change, Delete)
    match resource:
        case SourceDestCheck():
            call = _check(resource, about)
        case SecondaryAddress():
            call = _address(resource, about, gone=gone)
        case TableRoute():
            call = _route(change, resource, about)
        case GroupRule():
            call = _rule(resource, about, gone=gone)
        case ElasticMapping():
            call = _mapping(change, resource, about, place)
        case UndoTag():
            call = _tag(resource, about, gone=gone)
        case ElasticAddress():
            call = _release(resource, about, place) if gone else _allocate(resource, about, place)
        case _:
            raise AssertionError(change)  # Nothing else is ever wished for.
    return call


def _allocate(resource: ElasticAddress, about: str, place: Place) -> Call:
    key, value = vip_tag(place.vpc, resource.vip)
    # In the same request: an address without the tag would be found by nobody.
    tags = {
        "ResourceType": "elastic-ip",
        "Tags": [{"Key": key, "Value": value}, {"Key": "Name", "Value": f"lvsnat {resource.vip}"}],
    }
    parameters = {"Domain": "vpc", "TagSpecifications": [tags]}
    return Call("AllocateAddress", "allocate_address", about, parameters)


def _release(resource: ElasticAddress, about: str, place: Place) -> Call:
    allocation = place.allocations[str(resource.vip)]
    return Call("ReleaseAddress", "release_address", about, {"AllocationId": allocation})


def _check(resource: SourceDestCheck, about: str) -> Call:
    return Call(
        "ModifyNetworkInterfaceAttribute",
        "modify_network_interface_attribute",
        about,
        {
            "NetworkInterfaceId": resource.interface,
            "SourceDestCheck": {"Value": resource.value == ON},
        },
    )


def _address(resource: SecondaryAddress, about: str, *, gone: bool) -> Call:
    ipv4 = Family.of(resource.address) is Family.IPV4
    noun, noun_in_snake = (
        ("PrivateIpAddresses", "private_ip_addresses")
        if ipv4
        else ("Ipv6Addresses", "ipv6_addresses")
    )
    verb = "unassign" if gone else "assign"
    return Call(
        f"{verb.capitalize()}{noun}",
        f"{verb}_{noun_in_snake}",
        about,
        {"NetworkInterfaceId": resource.interface, noun: [str(resource.address)]},
    )


def _route(change: Change, resource: TableRoute, about: str) -> Call:
    ipv4 = Family.of(resource.destination.network_address) is Family.IPV4
    destination = "DestinationCidrBlock" if ipv4 else "DestinationIpv6CidrBlock"
    where = {"RouteTableId": resource.table, destination: str(resource.destination)}
    kind = resource.target.kind
    to: dict[str, Any] = {kind.value: resource.target.id}
    if kind is TargetKind.LOCAL:
        to = {kind.value: True}
    match change:
        case Create():
            return Call("CreateRoute", "create_route", about, {**where, **to})
        case Update():
            return Call("ReplaceRoute", "replace_route", about, {**where, **to})
        case Delete():
            return Call("DeleteRoute", "delete_route", about, where)


def _tag(resource: UndoTag, about: str, *, gone: bool) -> Call:
    key, value = undo_tag(resource)
    # With its value: a tag that somebody else gave another one meanwhile stays.
    parameters = {"Resources": [resource.table], "Tags": [{"Key": key, "Value": value}]}
    if gone:
        return Call("DeleteTags", "delete_tags", about, parameters)
    return Call("CreateTags", "create_tags", about, parameters)


def _rule(resource: GroupRule, about: str, *, gone: bool) -> Call:
    ipv4 = Family.of(resource.network.network_address) is Family.IPV4
    networks = (
        {"IpRanges": [{"CidrIp": str(resource.network)}]}
        if ipv4
        else {"Ipv6Ranges": [{"CidrIpv6": str(resource.network)}]}
    )
    permission = {
        "IpProtocol": resource.protocol,
        "FromPort": resource.first,
        "ToPort": resource.last,
        **networks,
    }
    verb = "Revoke" if gone else "Authorize"
    return Call(
        f"{verb}SecurityGroupIngress",
        f"{verb.lower()}_security_group_ingress",
        about,
        {"GroupId": resource.group, "IpPermissions": [permission]},
    )


def _mapping(change: Change, resource: ElasticMapping, about: str, place: Place) -> Call:
    if isinstance(change, Delete) or resource.interface is None:
        association = place.associations[resource.allocation]
        return Call(
            "DisassociateAddress", "disassociate_address", about, {"AssociationId": association}
        )
    moves = isinstance(change, Update) and resource.allocation in place.associations
    return Call(
        "AssociateAddress",
        "associate_address",
        about,
        {
            "AllocationId": resource.allocation,
            "NetworkInterfaceId": resource.interface,
            "PrivateIpAddress": str(resource.private),
            # Without our word for it, one that somebody mapped meanwhile stays where it is.
            "AllowReassociation": moves,
        },
    )


def resolved(change: Change, allocation: str) -> Change:
    """A change of the mapping of a new allocation, once that has its id."""
    after = subject(change)
    if not isinstance(after, ElasticMapping):
        return change
    free = ElasticMapping(allocation, None, None)
    return Update(free, ElasticMapping(allocation, after.interface, after.private, after.public))


def both(change: Change) -> tuple[AwsResource | None, AwsResource | None]:
    """What a change finds and what it leaves behind; None is nothing."""
    before: Any = None
    after: Any = None
    match change:
        case Create(resource):
            after = resource
        case Update(old, new):
            before, after = old, new
        case Delete(resource):
            before = resource
    return before, after
