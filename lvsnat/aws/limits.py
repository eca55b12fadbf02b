"""What AWS limits: addresses of an interface, routes of a table, an Elastic IP's place. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lvsnat.aws.network import Interface, Origin, RouteTable
from lvsnat.aws.wishes import Scene, routes
from lvsnat.model.endpoint import Family

ROUTES_A_TABLE: Final = 50
"""Of each family, without the propagated ones, as long as the quota is not raised.

https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
"""
_ZONE = re.compile(r"(.+[0-9])[a-z]")


@dataclass(frozen=True, slots=True)
class Room:
    """How many addresses of one family an interface would have, and may have."""

    family: str
    needed: int
    most: int
    type: str


@dataclass(frozen=True, slots=True)
class Full:
    """How many routes of one family a table would have."""

    table: str
    family: str
    needed: int


def rooms(scene: Scene, interface: Interface) -> Iterator[Room]:
    """The addresses of a director once it has the VIPs; nothing where its type is not known."""
    details = scene.picture.details
    machine = None if details is None else details.machine(interface.instance)
    if machine is None:
        return
    vips = [vip for vip in scene.around.vips if not interface.holds(vip)]
    for family, has, most in (
        (Family.IPV4, len(interface.addresses), machine.addresses),
        (Family.IPV6, len(interface.ipv6), machine.addresses6),
    ):
        more = sum(Family.of(vip) is family for vip in vips)
        if most is not None and more:
            yield Room(_name(family), has + more, most, machine.type)


def full_tables(scene: Scene) -> Iterator[Full]:
    """The tables that would have more routes than the quota that AWS begins with."""
    for use in scene.around.tables(scene.picture):
        for family in Family:
            new = sum(
                one.table == use.table.id
                and Family.of(one.destination.network_address) is family
                and use.table.static_at(one.destination) is None
                for one in routes(scene)
            )
            needed = _routes(use.table, family) + new
            if new and needed > ROUTES_A_TABLE:
                yield Full(use.table.id, _name(family), needed)


def border_group(zone: str) -> str:
    """The network border group of a zone: that of ``eu-west-1a`` is ``eu-west-1``.

    Local zones have one of their own, ``us-west-2-lax-1``. Wavelength zones are groups themselves.
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-regions-availability-zones.html
    """
    found = _ZONE.fullmatch(zone)
    return found[1] if found else zone


def _routes(table: RouteTable, family: Family) -> int:
    return sum(
        route.origin is not Origin.PROPAGATED
        and any(Family.of(one.network_address) is family for one in route.networks)
        for route in table.routes
    )


def _name(family: Family) -> str:
    return "IPv4" if family is Family.IPV4 else "IPv6"
