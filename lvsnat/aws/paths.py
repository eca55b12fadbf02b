"""Who reaches whom through what: the way of a packet to the clients, from each subnet. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lvsnat.aws.network import Subnet
from lvsnat.aws.picture import ways_of
from lvsnat.aws.wishes import Scene


@dataclass(frozen=True, slots=True)
class Path:
    """How packets from a subnet to some network leave."""

    source: str
    """``director`` or ``real servers``."""
    subnet: str
    table: str
    main: bool
    """The subnet has no table of its own and uses the VPC's main one."""
    destination: str
    through: str
    state: str
    """``active`` or ``blackhole``."""


def paths_of(scene: Scene) -> Iterator[Path]:
    """The ways of the director's subnet to the clients, and of the real servers' back."""
    yield from _ways(scene, "director", scene.around.subnet)
    for subnet in scene.around.server_subnets:
        yield from _ways(scene, "real servers", subnet)


def _ways(scene: Scene, source: str, subnet: Subnet) -> Iterator[Path]:
    use = scene.picture.table_of(subnet.id)
    if use is None:
        return
    table = use.table.id
    for client in scene.around.clients:
        ways = [*ways_of(use.table.routes, client)]
        if not any(way.network == client for way in ways):
            yield Path(source, subnet.id, table, use.implicit, str(client), "no route", "missing")
        for way in ways:
            through = str(way.route.target)
            if through == scene.around.director.id:
                through = f"{through} (the director)"
            yield Path(
                source,
                subnet.id,
                table,
                use.implicit,
                str(way.network),
                through,
                str(way.route.state),
            )
