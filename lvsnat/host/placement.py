"""Decide where an address goes, and whether a change of addresses cuts a session. No I/O here."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address

from lvsnat.host.resources import Vip
from lvsnat.model.endpoint import Family, IPAddress
from lvsnat.plan.change import Change, Create, Delete, Update

LOOPBACK = "lo"


@dataclass(frozen=True, slots=True)
class AssignedAddress:
    """An address that an interface has, and the network that comes with it."""

    interface: str
    address: IPAddress
    network: IPv4Network | IPv6Network
    duplicate: bool = False
    """Whether the kernel does not use it, since a neighbour has it (IPv6)."""

    @property
    def is_host(self) -> bool:
        """Whether it has no network but itself: how lvsnat adds a VIP."""
        return self.network.prefixlen == Family.of(self.address).bits


def interface_for(
    vip: IPAddress, assigned: Iterable[AssignedAddress], default_interface: str | None
) -> str:
    """The interface whose network holds the VIP most narrowly; else the default route's; else lo.

    Clients of a VIP of no local network come by the default route. Without one either, the VIP
    must be reached by routing to this host, and any interface serves.
    """
    holding = [one for one in assigned if not one.is_host and vip in one.network]
    if holding:
        return max(holding, key=lambda one: one.network.prefixlen).interface
    return default_interface or LOOPBACK


def awaits(
    vip: Vip, assigned: Collection[AssignedAddress], interfaces: Collection[str]
) -> str | None:
    """What must come before a VIP can be added where it belongs; None if it is there, or can be.

    Without that, ``interface_for`` would settle for another place.
    """
    if any(vip.address == one.address for one in assigned):
        return None
    if vip.interface is not None:
        return None if vip.interface in interfaces else f"the interface {vip.interface}"
    if any(not one.is_host and vip.address in one.network for one in assigned):
        return None
    return f"a network that holds {vip.address}"


def cuts_session(change: Change, ssh_connection: str) -> bool:
    """Whether a change of addresses cuts the session that ``SSH_CONNECTION`` describes.

    It does if the address that the client connected to goes away, or if the host takes the
    client's own.
    """
    try:
        client, _, server, _ = ssh_connection.split()
        ends = [ip_address(end.partition("%")[0]) for end in (client, server)]
    except ValueError:  # sshd writes UNKNOWN where it has no socket.
        return False
    match change:
        case Create(Vip(address)):
            return address == ends[0]
        case Delete(Vip(address)):
            return address == ends[1]
        case Create() | Delete() | Update():
            return False
