"""A wish, over what it meets on this server, expanded to rules, routes and settings. No I/O here.

The default route: a new one with a better metric comes before the others, which stay as they are,
or the one that nothing can come before is replaced in one step. So there is no moment without one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from lvsnat.errors import RefusedError, UsageError
from lvsnat.gateway.redirects import redirect_settings
from lvsnat.gateway.resources import (
    DEFAULT,
    EVERY,
    ROUTE,
    DefaultRoute,
    Destination,
    ReplyRule,
    Route,
)
from lvsnat.gateway.seen import FLOOR, MAIN, THROW, UNICAST, Ground, Place, SeenRoute
from lvsnat.gateway.ways import Hop, Way
from lvsnat.gateway.wish import GatewayWish, ReplyPort
from lvsnat.host.resources import Sysctl
from lvsnat.model.config import IPNetwork
from lvsnat.model.endpoint import Family, IPAddress
from lvsnat.model.resource import Key, Resource

METRIC: Final = 50
"""Better than those of DHCP clients and network managers (100 and more)."""
NEXT_RULE: Final = Hop(None, "")
_POINT_TO_POINT: Final = 2
"""In a network of so many addresses, none is its own or the broadcast's (RFC 3021)."""

Made = Mapping[Key, Collection[str]]
"""What lvsnat has set, and to what."""


def place_of(wish: GatewayWish, ground: Ground) -> Place:
    """Find the director. Raises UsageError where it cannot be where the wish says."""
    if wish.interface is not None and wish.interface not in ground.interfaces:
        known = ", ".join(sorted(ground.interfaces - {"lo"}))
        raise UsageError(f"there is no interface {wish.interface!r}", f"there are: {known}")
    if any(one.address == wish.via for one in ground.addresses):
        raise UsageError(
            f"{wish.via} is an address of this host itself",
            "give the director's, on each real server; on the director there is nothing to set",
        )
    here = [one for one in ground.addresses if wish.interface in (None, one.interface)]
    holding = [one for one in here if not one.is_host and wish.via in one.network]
    if not holding:
        raise _nowhere(wish, ground)
    nearest = max(holding, key=lambda one: one.network.prefixlen)
    _refuse_network_itself(wish.via, nearest.network)
    beside = [
        one
        for one in ground.addresses
        if one.interface == nearest.interface and not one.address.is_link_local
    ]
    sources = wish.sources or tuple(dict.fromkeys(one.address for one in beside))
    own = {one.address for one in ground.addresses}
    if not sources or not own.issuperset(sources):
        strange = ", ".join(str(one) for one in sources if one not in own)
        raise UsageError(
            f"{strange or 'nothing'} is an address of this server to answer from",
            f"'ip address show dev {nearest.interface}' shows what it has",
        )
    networks = dict.fromkeys(one.network for one in beside if not one.is_host)
    return Place(nearest.interface, tuple(networks), sources)


def expand(wish: GatewayWish, ground: Ground, made: Made) -> Iterator[Resource]:
    """What a wish asks for. Raises UsageError or RefusedError where that cannot be."""
    place = place_of(wish, ground)
    for name in redirect_settings(wish.family, place.interface):
        if name in ground.settings:
            yield Sysctl(name, value="0")
    if wish.reply_ports:
        yield from _replies(wish, place, ground, made)
    else:
        yield _default(wish, place, ground, made)


def seen_hop(route: SeenRoute) -> Hop:
    """Where a route leads."""
    return NEXT_RULE if route.kind == THROW else route.way.hop


def _replies(wish: GatewayWish, place: Place, ground: Ground, made: Made) -> Iterator[Resource]:
    hop = Hop(wish.via, place.interface)
    # Without a route of its own, the default route of this table would take the neighbours, too.
    neighbours = hop if wish.local_clients else NEXT_RULE
    ways = dict.fromkeys(place.networks, neighbours)
    if any(port.protocol == "udp" for port in wish.reply_ports):
        # Its rules are not about addresses, and so about those of other interfaces, too.
        ways = dict.fromkeys(_networks(ground), NEXT_RULE) | ways
    routes = [
        Route(Destination(wish.family, network, wish.table), way) for network, way in ways.items()
    ]
    routes.append(Route(Destination(wish.family, None, wish.table), hop))
    _refuse_strangers(wish.table, routes, ground, made)
    yield from routes
    for port in wish.reply_ports:
        for source in _sources(port, place, wish.family):
            yield ReplyRule(source, port, wish.table, wish.priority)


def _sources(port: ReplyPort, place: Place, family: Family) -> tuple[IPAddress, ...]:
    return place.sources if port.protocol == "tcp" else (EVERY[family],)


def _networks(ground: Ground) -> Iterator[IPNetwork]:
    """Every network that this host has an interface in."""
    for one in ground.addresses:
        if not (one.is_host or one.address.is_link_local or one.address.is_loopback):
            yield one.network


def _refuse_strangers(table: int, routes: list[Route], ground: Ground, made: Made) -> None:
    wanted = {route.key: str(route.hop) for route in routes}
    for one in ground.routes:
        if one.table != table:
            continue
        key = Key(ROUTE, str(Destination(one.family, one.network, table)))
        value = str(seen_hop(one))
        if value != wanted.get(key) and value not in made.get(key, ()):
            raise RefusedError(
                f"the routing table {table} has a route of somebody else: {one}",
                f"'ip route show table {table}' shows all; take another number: --table",
            )


def _default(wish: GatewayWish, place: Place, ground: Ground, made: Made) -> Resource:
    hop, floor = Hop(wish.via, place.interface), FLOOR[wish.family]
    others = [one for one in ground.defaults() if not _is_ours(one, made)]
    best = min(others, key=lambda one: one.metric, default=None)
    replaced = Key(DEFAULT, wish.family.label) in made
    if best is None or best.metric > floor:
        if best is not None and best.kind == UNICAST and best.way.hop == hop:
            metric = best.metric  # A network manager has made it.
        else:
            metric = METRIC if best is None else min(METRIC, best.metric - 1)
        return Route(Destination(wish.family, None, MAIN, metric), hop)
    first = [one for one in others if one.metric == floor]
    if best.way.hop == hop and not replaced:
        return DefaultRoute(wish.family, value=str(best.way))
    strange = [one for one in first if one.peculiar or one.kind != UNICAST]
    if strange or len(first) > 1:
        what = ", ".join(strange[0].peculiar) if strange else f"{len(first)} of one metric"
        raise RefusedError(
            f"lvsnat could not put this default route back as it is: {first[0]} ({what})",
            "--reply-only leaves it alone; or give it a metric of 100, and lvsnat goes before it",
        )
    return DefaultRoute(wish.family, value=str(Way(hop.via, hop.interface)))


def _is_ours(route: SeenRoute, made: Made) -> bool:
    key = Key(ROUTE, str(Destination(route.family, None, MAIN, route.metric)))
    return str(route.way.hop) in made.get(key, ())


def _refuse_network_itself(via: IPAddress, network: IPNetwork) -> None:
    ends = (network.network_address, network.broadcast_address)
    if network.version == 4 and network.num_addresses > _POINT_TO_POINT and via in ends:  # noqa: PLR2004 - IP version 4
        raise UsageError(
            f"{via} is the network {network} or its broadcast, and no director",
            "give the director's VIP, or its address in this network",
        )


def _nowhere(wish: GatewayWish, ground: Ground) -> UsageError:
    networks = ", ".join(
        f"{one.network} ({one.interface})"
        for one in ground.addresses
        if not one.is_host and one.interface != "lo" and not one.address.is_link_local
    )
    where = f"{wish.interface} has no network" if wish.interface else "no network of this host"
    holds = "that holds" if wish.interface else "holds"
    return UsageError(
        f"{where} {holds} {wish.via}",
        f"a next hop must be a neighbour; the networks here: {networks or 'none'}",
    )
