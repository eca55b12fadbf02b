"""The firewall mark behind each listener of several ports. Pure.

IPVS balances one port, all ports, or whatever carries a firewall mark. So a listener of several
ports is a mark: a rule of our nft table sets it, and a service of IPVS takes it.

The mark follows from the protocol, the address and the first port, which no two listeners may
share. It stays when other services come and go, and when the list of ports grows or shrinks behind
its first: connections live through that. Only where two would get the same mark does the second, in
the order of these, take the next one.

The marks are the even numbers from 0x4c000002 to 0x4c003ffe ("L" is 0x4c), chosen so that masked
rules of others do not match them: bits 16-23 are Tailscale's, 14 and 15 those of Kubernetes;
wg-quick's 51820 and the small numbers that people write lie far below. Bit 0 stays free for the
mark that transparent proxying is usually given.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from lvsnat.model.endpoint import (
    AddressListener,
    KernelListener,
    Listener,
    MarkListener,
    PortsListener,
)
from lvsnat.model.service import VirtualService

FIRST = 0x4C000002
STEP = 2
SLOTS = 8191


def kernel_listeners(services: Iterable[VirtualService]) -> Mapping[Listener, KernelListener]:
    """What each listener of a valid configuration is to IPVS, in the order given."""
    listeners = [service.listen for service in services]
    taken = {listen.mark for listen in listeners if isinstance(listen, MarkListener)}
    several = sorted((one for one in listeners if isinstance(one, PortsListener)), key=_beginning)
    marks: dict[PortsListener, int] = {}
    for listen in several:
        slot = _slot(listen)
        while (mark := FIRST + STEP * slot) in taken:
            slot = (slot + 1) % SLOTS
        taken.add(mark)
        marks[listen] = mark
    return {listen: _known_to_kernel(listen, marks) for listen in listeners}


def _known_to_kernel(listen: Listener, marks: Mapping[PortsListener, int]) -> KernelListener:
    match listen:
        case AddressListener() | MarkListener():
            return listen
        case PortsListener():
            return MarkListener(marks[listen], listen.family)


def _slot(listen: PortsListener) -> int:
    # Not hash(): it differs from one run to the next.
    digest = hashlib.sha256(_beginning(listen).encode()).digest()
    return int.from_bytes(digest[:8], "big") % SLOTS


def _beginning(listen: PortsListener) -> str:
    return f"{listen.protocol}/{listen.address} {listen.ports[0].first}"
