"""What a director takes from its peer, and what must hold before. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from lvsnat.aws.codes import Code
from lvsnat.aws.forbidden import looping
from lvsnat.aws.network import ElasticIp, Origin
from lvsnat.aws.remarks import Remark, few
from lvsnat.aws.resources import (
    AwsResource,
    ElasticMapping,
    SecondaryAddress,
    TableRoute,
)
from lvsnat.aws.seen import seen
from lvsnat.aws.target import TargetKind
from lvsnat.aws.wishes import Scene, private_vips, routes
from lvsnat.model.aws import Layout
from lvsnat.plan.change import Change, Create, Update

_NAME_IT = "name the other director's interface: --peer-eni, or peer_eni in [aws]"


@dataclass(frozen=True, slots=True)
class Handover:
    """What is to be done so that everything is this director's."""

    scene: Scene
    peers: tuple[str, ...]
    """From whom: one interface, or none where nobody has anything."""
    changes: tuple[Change, ...]
    """VIPs, Elastic IPs, routes."""
    ours: tuple[AwsResource, ...]
    """What is this director's already."""
    problems: tuple[Remark, ...]
    """Why nothing may be taken."""


def handover(scene: Scene, peer: str | None) -> Handover:
    """Decide what to take. ``peer`` is the interface that was named, which may be gone."""
    wanted = [*_wanted(scene)]
    changes: list[Change] = []
    ours: list[AwsResource] = []
    for one in wanted:
        found = seen(scene.picture, one)
        if found == one:
            ours.append(one)
        else:
            changes.append(Create(one) if found is None else Update(found, one))
    owners = tuple(dict.fromkeys(_owners(scene, wanted)))
    problems = (*_prerequisites(scene), *_strangers(scene, changes, owners, peer))
    peers = owners if peer is None else (peer,)
    return Handover(scene, peers, tuple(changes), tuple(ours), problems)


def _wanted(scene: Scene) -> Iterator[AwsResource]:
    director = scene.around.director.id
    for vip in scene.around.vips:
        yield SecondaryAddress(vip, director)
    for elastic, vip in _elastic_ips(scene):
        yield ElasticMapping(elastic.allocation, director, vip, elastic.public)
    if scene.around.layout is Layout.DUAL_SUBNET:
        yield from routes(scene)


def _elastic_ips(scene: Scene) -> Iterator[tuple[ElasticIp, IPv4Address]]:
    """The Elastic IP that was named, or those that stand for the VIPs wherever these are."""
    vips, named = private_vips(scene.around.vips), scene.options.eip_allocation
    if named is not None and scene.around.elastic_ip is not None:
        yield scene.around.elastic_ip, vips[0]
        return
    for vip in vips:
        found = scene.picture.mapped_to(vip)
        if found is not None:
            yield found, vip


def _owners(scene: Scene, wanted: list[AwsResource]) -> Iterator[str]:
    """The other interfaces that are there and have something of it."""
    for one in wanted:
        match seen(scene.picture, one):
            case SecondaryAddress(interface=owner) | ElasticMapping(interface=owner):
                pass
            case TableRoute(target=target) if target.kind is TargetKind.INTERFACE:
                owner = target.id
            case _:
                continue
        if owner and owner != scene.around.director.id and scene.picture.interface(owner):
            yield owner


def _prerequisites(scene: Scene) -> Iterator[Remark]:
    director = scene.around.director
    if not director.attached:
        yield Remark(
            Code.ENI_UNATTACHED,
            f"{director.id} is attached to no instance, so a route to it leads nowhere",
            "attach it to the director, or name the interface that the director has: --eni",
        )
    if director.source_dest_check:
        yield Remark(
            Code.SRC_DST_CHECK,
            f"the source/destination check of {director.id} is on: EC2 drops what it forwards",
            "turn it off: 'aws ec2 modify-network-interface-attribute --no-source-dest-check"
            f" --network-interface-id {director.id}'",
        )
    if scene.around.layout is Layout.DUAL_SUBNET:
        yield from looping(scene)


def _strangers(
    scene: Scene, changes: list[Change], owners: tuple[str, ...], peer: str | None
) -> Iterator[Remark]:
    """What belongs to somebody else than the peer."""
    others = [one for one in owners if one != peer]
    if peer is not None and others:
        yield Remark(
            Code.TARGET_REPLACED,
            f"{few(others)} and not only the peer {peer} has what is to be taken",
            f"'lvsnat aws show' says what; {_NAME_IT}",
        )
    elif len(others) > 1:
        yield Remark(
            Code.TARGET_REPLACED,
            f"several interfaces have what is to be taken: {few(others)}",
            _NAME_IT,
        )
    for change in changes:
        if isinstance(change, Update):
            yield from _address(scene, change)
            yield from _route(change)
        elif isinstance(change, Create) and isinstance(change.resource, TableRoute):
            yield from _advertised(scene, change.resource)


def _address(scene: Scene, change: Update) -> Iterator[Remark]:
    before, after = change.before, change.after
    if isinstance(before, SecondaryAddress):
        holder = scene.picture.interface(before.interface)
        if holder is not None and before.address in (holder.primary, holder.primary_ipv6):
            yield Remark(
                Code.VIP_ELSEWHERE,
                f"{before.address} is the primary address of {before.interface}, which EC2 moves"
                " never",
                "give the services a VIP that is a secondary address",
            )
    if isinstance(after, ElasticMapping) and isinstance(after.private, IPv4Address):
        now = scene.picture.mapped_to(after.private)
        if now is not None and now.allocation != after.allocation:
            yield Remark(
                Code.EIP_MOVES,
                f"another Elastic IP, {now.allocation}, stands for {after.private}",
                f"name it: --eip-allocation {now.allocation}; or free it first",
            )


def _route(change: Update) -> Iterator[Remark]:
    before = change.before
    if isinstance(before, TableRoute) and before.target.kind is not TargetKind.INTERFACE:
        yield Remark(
            Code.ROUTE_OTHER,
            f"{before.describe()} leads to {before.target}, which is no director",
            "'lvsnat aws plan' shows what leading it to a director does, and 'lvsnat aws apply' on"
            " the active one does it",
        )


def _advertised(scene: Scene, wanted: TableRoute) -> Iterator[Remark]:
    table = scene.picture.table(wanted.table)
    made = () if table is None else table.at(wanted.destination)
    if any(one.origin is Origin.ADVERTISED for one in made):
        yield Remark(
            Code.ROUTE_SERVER,
            f"{wanted.describe()} is made by VPC Route Server, which would put it back",
            "let Route Server lead it to the director, or take this network out of it",
        )
