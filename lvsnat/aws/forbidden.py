"""What no way back can be made of: refused before anything is changed, with what helps. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from lvsnat.aws.codes import Code
from lvsnat.aws.limits import border_group, rooms
from lvsnat.aws.network import Origin
from lvsnat.aws.picture import TableUse
from lvsnat.aws.remarks import Remark, few, names_of
from lvsnat.aws.resources import ElasticMapping, TableRoute
from lvsnat.aws.seen import mapping_of
from lvsnat.aws.target import TargetKind
from lvsnat.aws.wishes import Scene, mapped_vip, private_vips, routes, wishes
from lvsnat.model.aws import Layout
from lvsnat.model.config import IPNetwork

LOOP_HINT = (
    "give the director a subnet of its own, a /28 in the same zone is enough, with its own route"
    " table (dual-subnet); or keep one subnet (single-subnet) and let each real server send its"
    " replies to the VIP: 'lvsnat gateway set VIP --reply-only tcp/PORT' there"
)


def refusals(scene: Scene) -> Iterator[Remark]:
    """Every reason not to do what is asked."""
    yield from _interface(scene)
    if scene.standby:
        return
    yield from _vips(scene)
    yield from _elastic(scene)
    yield from _room(scene)
    if scene.around.layout is Layout.DUAL_SUBNET:
        yield from looping(scene)
        for use in scene.around.tables(scene.picture):
            yield from _table(scene, use)
        for client in scene.around.clients:
            yield from impossible(scene, client)
        for route in routes(scene):
            yield from _route(scene, route)


def _interface(scene: Scene) -> Iterator[Remark]:
    director = scene.around.director
    if director.managed:
        yield Remark(
            Code.ENI_MANAGED,
            f"{director.id} is kept by a service of AWS, which lets nobody change it",
            "name the director's own interface: --eni",
        )
    elif not director.attached:
        yield Remark(
            Code.ENI_UNATTACHED,
            f"{director.id} is attached to no instance, so a route to it leads nowhere",
            "attach it to the director, or name the interface that the director has: --eni",
        )


def _vips(scene: Scene) -> Iterator[Remark]:
    for vip in scene.around.vips:
        holder = scene.picture.holder(vip)
        if holder is not None and holder.id != scene.around.director.id:
            instance = f" of {holder.instance}" if holder.instance else ""
            yield Remark(
                Code.VIP_ELSEWHERE,
                f"the VIP {vip} is on {holder.id}{instance}",
                "if that is the other director, this is the standby: 'lvsnat aws apply --standby'"
                " makes it ready, and 'lvsnat aws takeover' makes it the active one (peer_eni in"
                " [aws]); otherwise choose a free address",
            )


def _room(scene: Scene) -> Iterator[Remark]:
    """EC2 knows how many addresses an interface of a type of instance may have."""
    for found in rooms(scene, scene.around.director):
        if found.needed > found.most:
            yield Remark(
                Code.QUOTA,
                f"{scene.around.director.id} would have {found.needed} {found.family} addresses,"
                f" and one of a {found.type} has {found.most} at most",
                "remove a secondary address from it, or take a larger type of instance",
            )


def _elastic(scene: Scene) -> Iterator[Remark]:
    options = scene.options
    if options.eip_allocation is None and not options.allocate_eip:
        return
    if scene.picture.internet_gateway is None:
        yield Remark(
            Code.IGW,
            f"{scene.picture.vpc} has no internet gateway, so an Elastic IP cannot work",
            "attach an internet gateway to the VPC, or leave the Elastic IP out",
        )
    chosen = scene.around.elastic_ip if options.eip_allocation else None
    group = border_group(scene.around.director.zone)
    if chosen is not None and chosen.border_group and group and chosen.border_group != group:
        yield Remark(
            Code.EIP_BORDER,
            f"{chosen.allocation} belongs to the network border group {chosen.border_group}, and"
            f" the director's zone to {group}: EC2 does not map it there",
            f"allocate one there: 'aws ec2 allocate-address --network-border-group {group}'",
        )
    if mapped_vip(scene) is None:
        found = private_vips(scene.around.vips)
        yield Remark(
            Code.EIP_UNCLEAR,
            f"an Elastic IP stands for one IPv4 address, and there are {len(found)} VIPs"
            f"{': ' * bool(found)}{few(found)}",
            "name the one that it is for: --vip",
        )


def looping(scene: Scene) -> Iterator[Remark]:
    """Tables that would lead what the director sends out back to itself."""
    own = scene.picture.table_of(scene.around.subnet.id)
    if own is None:
        return
    for use in scene.around.tables(scene.picture):
        if use.table.id != own.table.id:
            continue
        main = ", the VPC's main table," if own.implicit and use.implicit else ""
        yield Remark(
            Code.SAME_TABLE_LOOP,
            f"the director's subnet {scene.around.subnet.id} and the real servers' subnets use the"
            f" same route table {use.table.id}{main} so the replies that the director sends out"
            " would come back to it",
            f"associate a route table of its own with each side; or {LOOP_HINT}",
        )


def _table(scene: Scene, use: TableUse) -> Iterator[Remark]:
    owner = use.table.owner
    if owner and scene.picture.account and owner != scene.picture.account:
        yield Remark(
            Code.FOREIGN_TABLE,
            f"{use.table.id} belongs to the account {owner}, not to {scene.picture.account}",
            "the owner of the shared VPC must make the routes: give them the lines that begin with"
            f" {use.table.id} of 'lvsnat aws plan'",
        )


def impossible(scene: Scene, client: IPNetwork) -> Iterator[Remark]:
    """Why no route can serve these clients.

    Those inside the VPC can be served where a whole subnet is theirs alone.
    """
    picture, servers = scene.picture, scene.around.server_subnets
    if client.version == 6 and not any(one.has_ipv6 for one in servers):  # noqa: PLR2004 - IP version
        yield Remark(
            Code.NO_IPV6,
            f"{client} is IPv6, and the real servers' subnets ({names_of(servers)}) are not",
            "give these subnets an IPv6 network, or leave this client out",
        )
    if not any(_within(client, network) for network in picture.networks):
        return
    if any(overlaps(client, network) for one in servers for network in one.networks):
        yield Remark(
            Code.CLIENT_SAME_SUBNET,
            f"clients of {client} are in a real server's own subnet: it answers them directly, and"
            " no route table sees that",
            "leave this client out; or let each real server send these replies to the VIP:"
            " 'lvsnat gateway set VIP --reply-only tcp/PORT --local-clients' there",
        )
    elif not any(client in one.networks for one in picture.subnets):
        inside = [n for one in picture.subnets for n in one.networks if overlaps(client, n)]
        yield Remark(
            Code.CLIENT_LOCAL,
            f"{client} is inside {picture.vpc}, where a route must be for exactly one subnet",
            f"name whole subnets, one --client for each: {few(inside) or 'there is none here'}",
        )


def _route(scene: Scene, wanted: TableRoute) -> Iterator[Remark]:
    table = scene.picture.table(wanted.table)
    if table is None:
        return
    for route in table.at(wanted.destination):
        if route.origin is Origin.ADVERTISED:
            yield Remark(
                Code.ROUTE_SERVER,
                f"{wanted.describe()} is made by VPC Route Server, which would put it back",
                "let Route Server lead it to the director, or take this network out of it",
            )
        elif route.static and route.target.kind is TargetKind.UNKNOWN:
            yield Remark(
                Code.TARGET_UNKNOWN,
                f"{wanted.describe()} leads to {route.target}, which lvsnat could not put back",
                "remove this route yourself, and run the command again",
            )


def displaced(scene: Scene) -> Iterator[ElasticMapping]:
    """Each mapping of an Elastic IP, as it is, that would end for a wished one."""
    for wanted in wishes(scene):
        if isinstance(wanted, ElasticMapping):
            now = mapping_of(scene.picture.elastic_ip(wanted.allocation))
            ends = now is not None and now.interface is not None and now != wanted
            if now is not None and ends and wanted.interface is not None:
                yield now


def _within(inner: IPNetwork, outer: IPNetwork) -> bool:
    return (
        inner.version == outer.version
        and overlaps(inner, outer)
        and (inner.prefixlen >= outer.prefixlen)
    )


def overlaps(one: IPNetwork, other: IPNetwork) -> bool:
    if one.version != other.version:
        return False
    shorter, longer = sorted((one, other), key=lambda network: network.prefixlen)
    return longer.network_address in shorter
