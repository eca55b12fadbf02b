"""Look at the way back of this server, once. Never writes; decides nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence

from lvsnat.errors import LvsnatError
from lvsnat.gateway.expand import place_of
from lvsnat.gateway.ground import ground_of
from lvsnat.gateway.kernel import Kernel
from lvsnat.gateway.managers import managers
from lvsnat.gateway.record import Wishes
from lvsnat.gateway.seen import Ground, Reply
from lvsnat.gateway.view import Asked, View
from lvsnat.gateway.wish import GatewayWish
from lvsnat.host.transparency import EXAMPLE
from lvsnat.model.endpoint import Family, IPAddress


def look(wishes: Wishes, clients: Sequence[IPAddress] = ()) -> tuple[View, ...]:
    """Both families, each with its wish if it has one; without clients, one that stands for all."""
    with Kernel() as kernel:
        return tuple(
            _view(kernel, family, wishes.get(family), _of(family, clients))
            for family in Family
            if not clients or _of(family, clients)
        )


def _of(family: Family, clients: Iterable[IPAddress]) -> tuple[IPAddress, ...]:
    return tuple(one for one in clients if Family.of(one) is family)


def _view(
    kernel: Kernel, family: Family, wish: GatewayWish | None, clients: tuple[IPAddress, ...]
) -> View:
    ground = ground_of(kernel, family, wish.table if wish else None)
    clients = clients or (EXAMPLE[family],)
    if wish is None:
        return View(family, ground, asked=_plain(kernel, ground, clients))
    try:
        place = place_of(wish, ground)
    except LvsnatError as error:
        return View(family, ground, wish, problem=error)
    replies = [
        Reply(client, source, port)
        for client in clients
        for source in place.sources
        for port in wish.reply_ports or (None,)
    ]
    return View(
        family,
        ground,
        wish,
        place,
        asked=_answered(kernel, replies),
        neighbour=kernel.neighbour(wish.via, place.interface),
        managers=tuple(managers(place.interface, socket.if_nametoindex(place.interface))),
    )


def _plain(kernel: Kernel, ground: Ground, clients: Iterable[IPAddress]) -> tuple[Asked, ...]:
    own = dict.fromkeys(
        one.address
        for one in ground.addresses
        if not (one.address.is_link_local or one.address.is_loopback)
    )
    return _answered(kernel, [Reply(client, source) for client in clients for source in own])


def _answered(kernel: Kernel, replies: Iterable[Reply]) -> tuple[Asked, ...]:
    return tuple(Asked(one, kernel.ask(one)) for one in replies)
