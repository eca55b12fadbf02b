"""Ways that replies take past the director, and whether it has one to the clients itself. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network

from lvsnat.aws.codes import Code
from lvsnat.aws.network import PrefixList, RouteTable
from lvsnat.aws.picture import Way, ways_of
from lvsnat.aws.remarks import Remark
from lvsnat.aws.target import Target, TargetKind
from lvsnat.aws.wishes import Scene
from lvsnat.model.config import IPNetwork

_INTERNET = IPv4Network("0.0.0.0/0")


@dataclass(frozen=True, slots=True)
class Bypass:
    """A more specific route: the replies to these clients do not come to the director."""

    table: str
    way: Way


def past(scene: Scene) -> Iterator[Bypass]:
    """Every part of the clients whose replies a table leads past the director."""
    director = Target(scene.around.director.id)
    for use in scene.around.tables(scene.picture):
        for client in scene.around.clients:
            for way in ways_of(use.table.routes, client):
                if way.network != client and not client_is_served(scene, way, director):
                    yield Bypass(use.table.id, way)


def bypasses(scene: Scene) -> Iterator[Remark]:
    """The same in words, and prefix lists of which nobody knows."""
    for use in scene.around.tables(scene.picture):
        yield from unreadable(use.table, Target(scene.around.director.id))
    for one in past(scene):
        yield Remark(
            Code.CLIENT_BYPASS,
            f"{one.table} {one.way.network} leads to {one.way.route.target}: clients from there"
            " get no reply through the director",
            f"if there are such clients, name them, too: --client {one.way.network}",
        )


def unreadable(table: RouteTable, director: Target) -> Iterator[Remark]:
    """Routes that may lead clients past the director, and nobody can say whom."""
    for route in table.routes:
        names = route.destination
        elsewhere = route.target != director and route.target.kind is not TargetKind.ENDPOINT
        if isinstance(names, PrefixList) and not names.readable and elsewhere:
            yield Remark(
                Code.CLIENT_BYPASS,
                f"{table.id} {names} leads to {route.target}, and the networks of this prefix list"
                " may not be read",
                "allow ec2:GetManagedPrefixListEntries, or see yourself that no client is in it",
            )


def client_is_served(scene: Scene, way: Way, director: Target) -> bool:
    """Whether a more specific route takes nothing from the director that it should have."""
    kind = way.route.target.kind
    return (
        way.route.target == director
        or way.network in scene.around.clients
        # The VPC itself, and AWS's own services behind an endpoint, are no clients from outside.
        or kind in (TargetKind.LOCAL, TargetKind.ENDPOINT)
    )


def egress(scene: Scene) -> Iterator[Remark]:
    """Whether the director can reach the clients at all."""
    own = scene.picture.table_of(scene.around.subnet.id)
    if own is None:
        return
    director = Target(scene.around.director.id)
    for client in scene.around.clients:
        ways = [*ways_of(own.table.routes, client)]
        useful = [one for one in ways if one.route.target.kind is not TargetKind.LOCAL]
        whole = any(one.network == client for one in ways)
        # Whoever has an Elastic IP means the internet, which a way to a peer does not lead to.
        if not whole and (not useful or _is_public(scene, client)):
            yield Remark(
                Code.LB_EGRESS,
                f"{own.table.id}, which the director's subnet uses, has no route to {client}",
                "lead it to an internet gateway, or to where these clients are",
            )
        elif any(one.network == client and one.route.target == director for one in ways):
            yield Remark(
                Code.SAME_TABLE_LOOP,
                f"{own.table.id} {client} leads to the director, whose own subnet uses this table",
                "lead it to an internet gateway, or to where these clients are",
            )


def _is_public(scene: Scene, client: IPNetwork) -> bool:
    """Whether these are all clients there are, and the VIP is to have an Elastic IP."""
    wanted = scene.options.eip_allocation is not None or scene.options.allocate_eip
    return wanted and client == _INTERNET
