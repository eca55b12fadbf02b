"""Whether the networks that VIPs belong to have come."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from lvsnat.host.netlink import Addresses
from lvsnat.host.placement import awaits
from lvsnat.host.resources import Vip


def missing(vips: Sequence[Vip]) -> list[str]:
    """What must still come before each VIP can be added where it belongs."""
    with Addresses() as addresses:
        assigned = tuple(addresses.assigned())
    interfaces = {name for _, name in socket.if_nameindex()}
    found = (awaits(vip, assigned, interfaces) for vip in vips)
    return list(dict.fromkeys(one for one in found if one is not None))
