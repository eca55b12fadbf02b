"""Read what a wish meets on this server. Decides nothing."""

from __future__ import annotations

import socket

from lvsnat.gateway.kernel import Kernel
from lvsnat.gateway.redirects import setting
from lvsnat.gateway.seen import MAIN, Ground, OwnAddress
from lvsnat.host.netlink import Addresses
from lvsnat.host.sysctl import SysctlTree
from lvsnat.model.endpoint import Family

SETTINGS = ("accept_redirects", "secure_redirects", "rp_filter", "forwarding")
"""What of each interface matters to a way back."""


def ground_of(kernel: Kernel, family: Family, table: int | None = None) -> Ground:
    """What a wish meets: addresses, rules, settings, and the routes of main and its own table."""
    with Addresses() as addresses:
        assigned = tuple(
            OwnAddress(one.interface, one.address, one.network)
            for one in addresses.assigned()
            if Family.of(one.address) is family
        )
    interfaces = frozenset(name for _, name in socket.if_nameindex())
    tables = (MAIN,) if table is None else (MAIN, table)
    routes = [route for one in tables for route in kernel.routes(family, one)]
    places = {"all", *interfaces}
    names = [setting(family, place, name) for place in sorted(places) for name in SETTINGS]
    tree = SysctlTree()
    settings = {name: seen.value for name in names if (seen := tree.observe(name)) is not None}
    return Ground(assigned, interfaces, tuple(routes), kernel.rules(family), settings)
