"""Clients whose replies a route table leads past the director, by the longest prefix. No I/O here.

Inside a VPC it is the most specific route that counts: a default route to the director does not
help who is behind a peering, a VPN, or in another subnet.
https://docs.aws.amazon.com/vpc/latest/userguide/route-tables-priority.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final

from lvsnat.aws.bypass import Bypass, past, unreadable
from lvsnat.aws.network import Route, RouteTable
from lvsnat.aws.picture import best_route
from lvsnat.aws.target import Target, TargetKind
from lvsnat.aws.wishes import Scene
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code
from lvsnat.doctor.rules.services import some
from lvsnat.doctor.vpc_words import WHY
from lvsnat.model.config import IPNetwork
from lvsnat.model.endpoint import IPAddress

_NONE: Final = "no route"


@dataclass(frozen=True, slots=True)
class _Way:
    """How a table leads the replies to some clients."""

    table: str
    network: IPNetwork | None
    """None: no route takes them."""
    target: str
    local: bool


def findings(scene: Scene, clients: Collection[IPAddress]) -> Iterator[Finding]:
    """Who is connected and gets no reply; then networks from which none would."""
    if scene.standby:
        return
    astray: dict[_Way, list[IPAddress]] = {}
    strangers = sorted(filter(lambda one: _is_stranger(scene, one), clients), key=int)
    for use in scene.around.tables(scene.picture):
        for client in strangers:
            if (way := _astray(scene, use.table, client)) is not None:
                astray.setdefault(way, []).append(client)
    for way, lost in astray.items():
        yield _connected(scene, way, lost)
    told = {(way.table, way.network) for way in astray}
    for one in past(scene):
        if (one.table, one.way.network) not in told:
            yield _possible(scene, one)
    yield from _unreadable(scene)


def _is_stranger(scene: Scene, client: IPAddress) -> bool:
    """Not the director itself; nor a neighbour of a real server, which asks no route table."""
    beside = any(subnet.holds(client) for subnet in scene.around.server_subnets)
    return not beside and not scene.around.director.holds(client)


def _astray(scene: Scene, table: RouteTable, client: IPAddress) -> _Way | None:
    """The way of the replies, unless it is the director's, or a wished route that is wrong."""
    route = best_route(table.routes, ip_network(client))
    if route is not None and route.target == Target(scene.around.director.id):
        return None
    network = None if route is None else _matching(route, client)
    wished = [one.prefixlen for one in scene.around.clients if client in one]
    if wished and (network is None or network.prefixlen <= max(wished)):
        return None  # ROUTE_MISSING, ROUTE_OTHER and their like tell of that one.
    if route is None or network is None:
        return _Way(table.id, None, _NONE, local=False)
    return _Way(table.id, network, str(route.target), route.target.kind is TargetKind.LOCAL)


def _matching(route: Route, client: IPAddress) -> IPNetwork:
    return max((one for one in route.networks if client in one), key=lambda one: one.prefixlen)


def _connected(scene: Scene, way: _Way, clients: list[IPAddress]) -> Finding:
    place = f"the replies to {some(clients)} "
    if way.local:
        subnets = [(one, scene.picture.subnet_of(one)) for one in clients]
        networks = [n for one, home in subnets if home for n in home.networks if one in n]
    else:
        networks = [ip_network(one) for one in clients] if way.network is None else [way.network]
    return Finding(
        Code.CLIENT_LOCAL if way.local else Code.CLIENT_BYPASS,
        Severity.BROKEN,
        f"{way.table} {way.network or 'clients'}",
        place + (f"have {_NONE}" if way.network is None else f"take the route to {way.target}"),
        f"the director, {scene.around.director.id}",
        WHY[Code.CLIENT_LOCAL if way.local else Code.CLIENT_BYPASS],
        _naming(scene, networks),
        servers=_served(scene, way.table),
    )


def _possible(scene: Scene, one: Bypass) -> Finding:
    named = bool(scene.options.clients)
    return Finding(
        Code.CLIENT_BYPASS,
        Severity.BROKEN if named else Severity.NOTE,
        f"{one.table} {one.way.network}",
        f"the replies to clients there take the route to {one.way.route.target}",
        f"the director, {scene.around.director.id}" + ("" if named else ", if there are clients"),
        WHY[Code.CLIENT_BYPASS],
        ("" if named else "if clients come from there: ") + _naming(scene, [one.way.network]),
        servers=_served(scene, one.table),
    )


def _unreadable(scene: Scene) -> Iterator[Finding]:
    for use in scene.around.tables(scene.picture):
        for one in unreadable(use.table, Target(scene.around.director.id)):
            yield Finding(
                Code.CLIENT_BYPASS,
                Severity.RISK if scene.options.clients else Severity.NOTE,
                use.table.id,
                one.message,
                "networks that can be read",
                WHY[Code.CLIENT_BYPASS],
                one.hint,
                servers=_served(scene, use.table.id),
            )


def _naming(scene: Scene, networks: Collection[IPNetwork]) -> str:
    """How these clients get routes of their own: whoever names some must name all."""
    named = [*dict.fromkeys(map(str, (*scene.around.clients, *networks)))]
    words = ", ".join(f'"{one}"' for one in named)
    return f"clients = [{words}] in [aws] of the configuration, then 'lvsnat aws apply'"


def _served(scene: Scene, table: str) -> tuple[tuple[str, str], ...]:
    """The servers whose replies this table leads, each with its service."""
    subnets = scene.picture.sharers(table)
    return tuple(
        (service.name, str(server.endpoint))
        for service in scene.services
        for server in service.servers
        if any(subnet.holds(server.endpoint.address) for subnet in subnets)
    )
