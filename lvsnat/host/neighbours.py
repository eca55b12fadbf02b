"""What this host knows of the hosts on its wires, and whether one of them has a VIP. Never writes.

pyroute2 is imported when the first question is asked.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack
from ipaddress import IPv4Address, ip_address
from select import select
from typing import Final

from lvsnat.host.netlink_errors import errors
from lvsnat.host.placement import LOOPBACK, AssignedAddress
from lvsnat.model.endpoint import IPAddress

INCOMPLETE: Final = 0x01
FAILED: Final = 0x20
ANSWERED: Final = 0x02 | 0x04 | 0x08 | 0x10 | 0x40 | 0x80
"""linux/neighbour.h, NUD_*: an answer has come once, or none is needed."""
_ARP: Final = 0x0806
_ETHERNET: Final = 1
_IP: Final = 0x0800
_REQUEST: Final = 1
_FRAME: Final = struct.Struct("!6s6sHHHBBH6s4s6s4s")
"""An Ethernet frame with ARP for IPv4 in it (RFC 826)."""
_PADDING: Final = 64
_ATTEMPTS: Final = 3
_SECONDS: Final = 0.3


def states() -> dict[IPAddress, int]:
    """The NUD_* state of each neighbour."""
    from pyroute2 import IPRoute

    with errors("cannot list the neighbours"), IPRoute() as kernel:
        found = tuple(kernel.get_neighbours())
    told = ((one.get_attr("NDA_DST"), one["state"]) for one in found)
    return {ip_address(address): state for address, state in told if address is not None}


def elsewhere(
    vips: Iterable[IPAddress], assigned: Iterable[AssignedAddress]
) -> dict[IPAddress, str]:
    """Which VIPs another host answers for, and its link address.

    Asks as a host does before it takes an address (RFC 5227, 2.1.1), which changes nobody's mind.
    IPv4 alone. Raises OSError without the right to.
    """
    networks = [one for one in assigned if not one.is_host and one.interface != LOOPBACK]
    places: dict[str, set[IPv4Address]] = {}
    for vip in vips:
        for one in networks:
            if isinstance(vip, IPv4Address) and vip in one.network:
                places.setdefault(one.interface, set()).add(vip)
    found: dict[IPAddress, str] = {}
    with ExitStack() as open_sockets:
        sockets = {name: open_sockets.enter_context(_listening(name)) for name in places}
        own = {_link(one) for one in sockets.values()}
        for interface, asked in places.items():
            for vip, link in _answers(sockets[interface], asked):
                if link not in own:
                    found[vip] = link.hex(":")
    return found


def _listening(interface: str) -> socket.socket:
    listening = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ARP))
    listening.bind((interface, _ARP))
    return listening


def _link(listening: socket.socket) -> bytes:
    link: bytes = listening.getsockname()[4]
    return link


def _answers(
    wire: socket.socket, vips: Collection[IPv4Address]
) -> Iterator[tuple[IPv4Address, bytes]]:
    """Whoever says in time that it has one of them."""
    if wire.getsockname()[3] != _ETHERNET:
        return
    for _ in range(_ATTEMPTS):
        for vip in vips:
            wire.send(_question(_link(wire), vip))
        end = time.monotonic() + _SECONDS
        while (left := end - time.monotonic()) > 0 and select([wire], [], [], left)[0]:
            frame = wire.recv(_FRAME.size + _PADDING)
            if len(frame) >= _FRAME.size:
                parts = _FRAME.unpack_from(frame)
                sender, link = IPv4Address(parts[9]), parts[8]
                if sender in vips:
                    yield sender, link


def _question(link: bytes, vip: IPv4Address) -> bytes:
    """Who has this address? Asked by nobody."""
    everybody = b"\xff" * len(link)
    words = (everybody, link, _ARP, _ETHERNET, _IP, len(link), len(vip.packed), _REQUEST)
    return _FRAME.pack(*words, link, bytes(4), bytes(len(link)), vip.packed)
