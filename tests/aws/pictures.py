"""VPCs as values, for the tests of what decides: a picture, and what becomes of it by changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Address, ip_network
from typing import Any

from lvsnat.aws.calls import both
from lvsnat.aws.decide import Decision, decide
from lvsnat.aws.find import find
from lvsnat.aws.network import (
    ElasticIp,
    Interface,
    Origin,
    PrivateAddress,
    Route,
    RouteTable,
    Rule,
    SecurityGroup,
    Subnet,
)
from lvsnat.aws.picture import Picture
from lvsnat.aws.resources import (
    ElasticMapping,
    GroupRule,
    SecondaryAddress,
    SourceDestCheck,
    TableRoute,
    UndoTag,
)
from lvsnat.aws.seen import undo_tag
from lvsnat.aws.target import Target
from lvsnat.aws.wishes import Scene
from lvsnat.model.aws import AwsOptions
from lvsnat.model.endpoint import AddressListener, Endpoint, Protocol
from lvsnat.model.service import RealServer, VirtualService
from lvsnat.plan.change import Change

LB, PEER, NAT, IGW = "eni-0000000a", "eni-0000000b", "nat-0000000c", "igw-0000000d"
OUTSIDE, INSIDE, OTHER = "subnet-00000001", "subnet-00000002", "subnet-00000004"
PUBLIC, PRIVATE, MAIN = "rtb-00000001", "rtb-00000002", "rtb-00000003"
EIP = "eipalloc-00000001"
EVERYBODY = ip_network("0.0.0.0/0")
VIP = IPv4Address("10.0.1.200")
LOCAL = Route(ip_network("10.0.0.0/16"), Target("local"), Origin.TABLE)


def leads(cidr: str, target: str, origin: Origin = Origin.STATIC) -> Route:
    return Route(ip_network(cidr), Target(target), origin)


def nic(eni: str, subnet: str, address: str, **more: Any) -> Interface:  # noqa: ANN401 - its fields
    own = (PrivateAddress(IPv4Address(address), primary=True),)
    return Interface(eni, subnet, own, instance=f"i-{eni}", attached=True, **more)


def group(name: str, *inbound: Rule) -> SecurityGroup:
    """A security group as EC2 makes it: it lets everything out."""
    return SecurityGroup(name, inbound=inbound, outbound=(Rule("-1", peer=EVERYBODY),))


def picture(**changed: Any) -> Picture:  # noqa: ANN401 - the fields of a picture
    """A director outside, one real server inside, behind a NAT gateway."""
    base = Picture(
        region="eu-west-1",
        partition="aws",
        account="1",
        vpc="vpc-00000001",
        networks=(ip_network("10.0.0.0/16"),),
        internet_gateway=IGW,
        interfaces=(
            nic(LB, OUTSIDE, "10.0.1.10", groups=("sg-0000000a",)),
            nic(PEER, OUTSIDE, "10.0.1.11", groups=("sg-0000000a",)),
            nic("eni-0000000e", INSIDE, "10.0.2.55", groups=("sg-0000000b",)),
        ),
        subnets=(
            Subnet(OUTSIDE, (ip_network("10.0.1.0/24"),)),
            Subnet(INSIDE, (ip_network("10.0.2.0/24"),)),
            Subnet(OTHER, (ip_network("10.0.4.0/24"),)),
        ),
        tables=(
            RouteTable(PUBLIC, subnets=(OUTSIDE,), routes=(LOCAL, leads("0.0.0.0/0", IGW))),
            RouteTable(PRIVATE, subnets=(INSIDE,), routes=(LOCAL, leads("0.0.0.0/0", NAT))),
            RouteTable(MAIN, main=True, routes=(LOCAL,)),
        ),
        addresses=(ElasticIp(EIP, IPv4Address("203.0.113.7")),),
        groups=(group("sg-0000000a"), group("sg-0000000b")),
    )
    return replace(base, **changed)


def inside(*routes: Route, table: str = PRIVATE, main: bool = False) -> tuple[RouteTable, ...]:
    """The tables, with these routes for the real servers."""
    outside, _, rest = picture().tables
    if main:
        return outside, RouteTable(MAIN, main=True, routes=(LOCAL, *routes))
    return outside, RouteTable(table, subnets=(INSIDE,), routes=(LOCAL, *routes)), rest


WEB = VirtualService(
    "web",
    AddressListener(Protocol.TCP, Endpoint(VIP, 80)),
    servers=(RealServer(Endpoint(IPv4Address("10.0.2.55"), 8080)),),
)


def scene(
    seen: Picture,
    *,
    standby: bool = False,
    **options: Any,  # noqa: ANN401 - the fields of the options
) -> Scene:
    chosen = AwsOptions(**options)
    return Scene(chosen, (WEB,), seen, find(chosen, [WEB], seen, LB), standby=standby)


def decided(seen: Picture, **options: Any) -> Decision:  # noqa: ANN401 - as above
    return decide(scene(seen, **options))


def codes(decision: Decision) -> tuple[set[str], set[str]]:
    return {str(one.code) for one in decision.risks}, {str(one.code) for one in decision.refusals}


def carried_out(seen: Picture, changes: Sequence[Change]) -> Picture:
    """The picture after changes, as EC2 would show it."""
    for change in changes:
        seen = _after(seen, change)
    return seen


def _after(seen: Picture, change: Change) -> Picture:
    before, after = both(change)
    match after or before:
        case SourceDestCheck(interface=eni, value=value):
            return nic_with(seen, eni, source_dest_check=value == "on")
        case SecondaryAddress(address=IPv4Address() as address, interface=eni):
            kept = tuple(one for one in _find(seen, eni).addresses if one.address != address)
            more = () if after is None else (PrivateAddress(address),)
            return nic_with(seen, eni, addresses=(*kept, *more))
        case TableRoute(table=table, destination=destination):
            return _route(seen, table, destination, after)
        case ElasticMapping(allocation=allocation) as mapping:
            mapped = tuple(
                replace(one, interface=mapping.interface, private=mapping.private)
                if one.allocation == allocation
                else one
                for one in seen.addresses
            )
            return replace(seen, addresses=mapped)
        case UndoTag() as tag:
            return _tag(seen, tag, add=after is not None)
        case GroupRule() as rule:
            return _rule(seen, rule, add=after is not None)
        case _:
            raise AssertionError(change)


def _find(seen: Picture, eni: str) -> Interface:
    found = seen.interface(eni)
    assert found is not None
    return found


def nic_with(seen: Picture, eni: str, **fields: Any) -> Picture:  # noqa: ANN401 - its fields
    changed = (replace(one, **fields) if one.id == eni else one for one in seen.interfaces)
    return replace(seen, interfaces=tuple(changed))


def _route(seen: Picture, table: str, destination: object, after: object) -> Picture:
    made = []
    for one in seen.tables:
        routes = [r for r in one.routes if r.destination != destination or not r.static]
        if isinstance(after, TableRoute):
            routes.append(Route(after.destination, after.target))
        made.append(replace(one, routes=tuple(routes)) if one.id == table else one)
    return replace(seen, tables=tuple(made))


def _tag(seen: Picture, tag: UndoTag, *, add: bool) -> Picture:
    key, value = undo_tag(tag)
    made = []
    for one in seen.tables:
        tags = [each for each in one.tags if each[0] != key] + [(key, value)] * add
        made.append(replace(one, tags=tuple(tags)) if one.id == tag.table else one)
    return replace(seen, tables=tuple(made))


def _rule(seen: Picture, rule: GroupRule, *, add: bool) -> Picture:
    exact = Rule(rule.protocol, rule.first, rule.last, rule.network)
    made = []
    for one in seen.groups:
        rules = [each for each in one.inbound if each != exact] + [exact] * add
        made.append(replace(one, inbound=tuple(rules)) if one.id == rule.group else one)
    return replace(seen, groups=tuple(made))


def comparable(seen: Picture) -> Picture:
    """Without the order in which EC2 lists routes."""
    tables = (
        replace(one, routes=tuple(sorted(one.routes, key=repr)), tags=tuple(sorted(one.tags)))
        for one in sorted(seen.tables, key=lambda table: table.id)
    )
    return replace(seen, tables=tuple(tables))
