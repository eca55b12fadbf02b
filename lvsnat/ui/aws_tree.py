"""A VPC as a tree: subnets with their table and what stands in them; and the ways as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.text import Text
from rich.tree import Tree

from lvsnat.aws.network import Interface, Route, RouteState, Subnet
from lvsnat.aws.paths import Path
from lvsnat.aws.remarks import few
from lvsnat.aws.wishes import Scene
from lvsnat.ui.lines import Part
from lvsnat.ui.tables import Column, Table

_COLUMNS: Final = (
    Column("FROM"),
    Column("SUBNET", 3),
    Column("TABLE", 2),
    Column("TO"),
    Column("THROUGH"),
    Column("STATE", 1),
)


def vpc_tree(scene: Scene) -> Tree:
    """What matters to the way back: the director's subnet and those of the real servers."""
    picture, around = scene.picture, scene.around
    name = f" {picture.name}" if picture.name else ""
    tree = Tree(_text(f"{picture.vpc}{name}", f"{few(picture.networks)}  {picture.region}"))
    tree.add(_text("layout", str(around.layout)))
    tree.add(_text("internet gateway", picture.internet_gateway or "none"))
    for vip in around.vips:
        tree.add(_text(f"VIP {vip}", " ".join(_vip(scene, vip))))
    _subnet(tree, scene, around.subnet, "director")
    for subnet in around.server_subnets:
        if subnet.id != around.subnet.id:
            _subnet(tree, scene, subnet, "real servers")
    return tree


def path_table(paths: Sequence[Path]) -> Table:
    """Who reaches whom through what."""
    rows = [
        (
            Part(one.source),
            Part(one.subnet),
            Part(f"{one.table} (main)" if one.main else one.table),
            Part(one.destination),
            Part(one.through),
            Part(one.state, "" if one.state == RouteState.ACTIVE else "bad"),
        )
        for one in paths
    ]
    return Table(_COLUMNS, rows)


def _vip(scene: Scene, vip: object) -> Iterator[str]:
    address = next(one for one in scene.around.vips if one == vip)
    holder, elastic = scene.picture.holder(address), scene.picture.mapped_to(address)
    yield "on nobody" if holder is None else f"on {holder.id}"
    if elastic is not None:
        yield f"Elastic IP {elastic.public} ({elastic.allocation})"


def _subnet(tree: Tree, scene: Scene, subnet: Subnet, what: str) -> None:
    named = f" {subnet.name}" if subnet.name else ""
    detail = f"{few(subnet.networks)}  {subnet.zone}  {what}"
    branch = tree.add(_text(f"{subnet.id}{named}", detail))
    use = scene.picture.table_of(subnet.id)
    if use is not None:
        kind = "the VPC's main table" if use.implicit else "associated"
        table = branch.add(_text(use.table.id, kind))
        for route in use.table.routes:
            table.add(_route(route))
    for interface in _shown(scene, subnet):
        branch.add(_interface(scene, interface))


def _shown(scene: Scene, subnet: Subnet) -> Iterator[Interface]:
    """The director, its peer and the real servers: a subnet may hold hundreds of others."""
    servers = {one.endpoint.address for service in scene.services for one in service.servers}
    peer = scene.around.peer
    for one in scene.picture.interfaces:
        known = one.id == scene.around.director.id or (peer is not None and one.id == peer.id)
        if one.subnet == subnet.id and (known or any(map(one.holds, servers))):
            yield one


def _interface(scene: Scene, one: Interface) -> Text:
    addresses = few([*(each.address for each in one.addresses), *one.ipv6])
    check = "on" if one.source_dest_check else "off"
    peer = scene.around.peer
    what = "real server"
    if one.id == scene.around.director.id:
        what = "the director"
    elif peer is not None and one.id == peer.id:
        what = "the other director"
    whose = f"  {one.instance}" if one.instance else "  unattached"
    return _text(one.id, f"{addresses}{whose}  {what}  source/dest check {check}")


def _route(route: Route) -> Text:
    text = _text(str(route.destination), f"→ {route.target}")
    if route.state is not RouteState.ACTIVE:
        text.append(f" {route.state}", "bad")
    return text


def _text(name: str, detail: str) -> Text:
    return Text.assemble((name, "title"), f"  {detail}")
