"""What there is of what is wished for, read off what was described. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from netaddr import IPSet

from lvsnat.aws.network import ElasticIp, Interface, RouteTable, SecurityGroup
from lvsnat.aws.picture import Picture
from lvsnat.aws.resources import (
    OFF,
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
from lvsnat.model.config import IPNetwork

VIP_TAG = "lvsnat:vip"
"""On an Elastic IP that was allocated for a VIP: the VPC and the VIP."""


def vip_tag(vpc: str, vip: object) -> tuple[str, str]:
    """The key and the value of the tag."""
    return VIP_TAG, f"{vpc}/{vip}"


UNDO_TAG = "lvsnat:undo:"
"""Before the network of a route, on its table: where the route led before."""


def undo_tag(tag: UndoTag) -> tuple[str, str]:
    """The key and the value of the tag: ``lvsnat:undo:0.0.0.0/0`` and ``nat-0a1b``."""
    return f"{UNDO_TAG}{tag.destination}", tag.before


def seen(picture: Picture, wanted: AwsResource) -> AwsResource | None:
    """The resource of the same key as it was seen; None if there is none.

    Of a rule of a security group it is enough that others let the same in.
    """
    found: AwsResource | None
    match wanted:
        case SourceDestCheck():
            found = check_of(picture.interface(wanted.interface))
        case SecondaryAddress():
            holder = picture.holder(wanted.address)
            found = None if holder is None else SecondaryAddress(wanted.address, holder.id)
        case ElasticAddress():
            ours = allocated_for(picture.addresses, picture.vpc, wanted)
            found = None if ours is None else wanted
        case ElasticMapping():
            found = mapping_of(picture.elastic_ip(wanted.allocation))
        case UndoTag():
            found = tag_of(picture.table(wanted.table), wanted.destination)
        case TableRoute():
            found = route_of(picture.table(wanted.table), wanted.destination)
        case GroupRule():
            group = picture.group(wanted.group)
            found = wanted if group is not None and lets_in(group, wanted) else None
    return found


def check_of(interface: Interface | None) -> SourceDestCheck | None:
    if interface is None:
        return None
    return SourceDestCheck(interface.id, value=ON if interface.source_dest_check else OFF)


def mapping_of(found: ElasticIp | None) -> ElasticMapping | None:
    if found is None:
        return None
    return ElasticMapping(found.allocation, found.interface, found.private, found.public)


def allocated_for(
    addresses: Iterable[ElasticIp], vpc: str, wanted: ElasticAddress
) -> ElasticIp | None:
    """The Elastic IP whose tag says that it was allocated for a VIP of this VPC."""
    tag = vip_tag(vpc, wanted.vip)
    return next((one for one in addresses if tag in one.tags), None)


def route_of(table: RouteTable | None, destination: IPNetwork) -> TableRoute | None:
    """The static route: ReplaceRoute changes it. A propagated one is none to CreateRoute."""
    route = None if table is None else table.static_at(destination)
    if table is None or route is None:
        return None
    return TableRoute(table.id, destination, route.target)


def tag_of(table: RouteTable | None, destination: IPNetwork) -> UndoTag | None:
    """The undo tag of a table for a network."""
    if table is None:
        return None
    values = dict(table.tags)
    before = values.get(f"{UNDO_TAG}{destination}")
    return None if before is None else UndoTag(table.id, destination, before)


def rule_of(group: SecurityGroup, wanted: GroupRule) -> GroupRule | None:
    """The very rule, as an undo needs it."""
    same = (wanted.protocol, wanted.first, wanted.last, wanted.network)
    found = any((one.protocol, one.first, one.last, one.peer) == same for one in group.inbound)
    return wanted if found else None


def lets_in(group: SecurityGroup, wanted: GroupRule) -> bool:
    """Whether rules, alone or together, let all of a network in."""
    networks = [
        str(one.peer)
        for one in group.inbound
        if not isinstance(one.peer, str) and one.covers(wanted.protocol, wanted.first, wanted.last)
    ]
    return bool(IPSet([str(wanted.network)]).issubset(IPSet(networks)))
