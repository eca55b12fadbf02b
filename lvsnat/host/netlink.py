"""The addresses of this host, by rtnetlink. Its routing is in routing.py.

pyroute2 is imported when the first question is asked, so that a plan without addresses does
without.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from functools import cached_property
from ipaddress import ip_address, ip_interface
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self

from lvsnat.errors import UsageError
from lvsnat.host.netlink_errors import errors
from lvsnat.host.placement import AssignedAddress, interface_for
from lvsnat.host.resources import Vip
from lvsnat.model.endpoint import Family, IPAddress

if TYPE_CHECKING:
    from pyroute2 import IPRoute

IFA_F_NODAD = 0x02
"""Use the address at once, without asking the neighbours (linux/if_addr.h)."""
IFA_F_DADFAILED = 0x08
RTN_UNICAST = 1

_MANNER: Final = {
    Family.IPV4: MappingProxyType[str, int]({}),
    Family.IPV6: MappingProxyType(
        {
            # Another director may still answer for the VIP; it must not stop us taking over.
            "flags": IFA_F_NODAD,
            # For ever, but deprecated: what the director itself begins, and what is masqueraded,
            # leaves from an address of its own. A /128 would else win wherever its prefix fits.
            "preferred_lft": 0,
            "valid_lft": 0xFFFFFFFF,
        }
    ),
}
"""How a VIP is added; of IPv4 the first address of a network is the source, and a /32 is none."""


class Addresses:
    """The addresses of the network namespace that this thread is in. Used with ``with``."""

    def __init__(self) -> None:
        self._resources = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()

    def assigned(self) -> Iterator[AssignedAddress]:
        """Every address of every interface."""
        with errors("cannot list the addresses"):
            answers = tuple(self._route.get_addr())
        names = dict(socket.if_nameindex())
        for answer in answers:
            interface = names.get(answer["index"])
            if interface is None:  # It went away in between.
                continue
            # On a point-to-point link the two differ, and the network is the peer's.
            network = answer.get_attr("IFA_ADDRESS")
            local = answer.get_attr("IFA_LOCAL") or network
            yield AssignedAddress(
                interface,
                ip_address(local),
                ip_interface(f"{network or local}/{answer['prefixlen']}").network,
                bool((answer.get_attr("IFA_FLAGS") or answer["flags"]) & IFA_F_DADFAILED),
            )

    def add(self, vip: Vip) -> None:
        """Add an address as a host of its own, so that no route comes with it."""
        interface = vip.interface or self._choose(vip.address)
        family = Family.of(vip.address)
        index = _index(interface)
        with errors(f"on {interface}", done=[errno.EEXIST]):
            self._route.addr(
                "add",
                index=index,
                family=int(family),
                address=str(vip.address),
                prefixlen=family.bits,
                **_MANNER[family],
            )

    def remove(self, vip: Vip) -> None:
        """Take away an address that ``add`` added. Its like with a whole network is not ours."""
        # No list of all addresses is needed, which may be thousands. Without an interface this
        # undoes an addition, before which no interface had the address.
        family = Family.of(vip.address)
        for index, interface in socket.if_nameindex():
            if vip.interface in (None, interface):
                with errors(f"on {interface}", done=[errno.EADDRNOTAVAIL]):
                    self._route.addr(
                        "del",
                        index=index,
                        family=int(family),
                        address=str(vip.address),
                        prefixlen=family.bits,
                    )

    @cached_property
    def _route(self) -> IPRoute:
        from pyroute2 import IPRoute

        return self._resources.enter_context(IPRoute())

    def _choose(self, vip: IPAddress) -> str:
        networks, default_interfaces = self._layout
        return interface_for(vip, networks, default_interfaces.get(Family.of(vip)))

    @cached_property
    def _layout(self) -> tuple[tuple[AssignedAddress, ...], dict[Family, str]]:
        """What choosing needs. Our own additions do not change it, so it is read once."""
        networks = tuple(one for one in self.assigned() if not one.is_host)
        with errors("cannot list the routes"):
            found = {family: self._default_interface(family) for family in Family}
        return networks, {family: name for family, name in found.items() if name}

    def _default_interface(self, family: Family) -> str | None:
        routes = [
            route
            for route in self._route.get_default_routes(family=int(family))
            if route["type"] == RTN_UNICAST
        ]
        if not routes:
            return None
        best = min(routes, key=lambda route: route.get_attr("RTA_PRIORITY") or 0)
        index = best.get_attr("RTA_OIF") or _first_hop(best.get_attr("RTA_MULTIPATH"))
        return dict(socket.if_nameindex()).get(index)


def _first_hop(multipath: Iterable[Any] | None) -> int:
    return next((hop["oif"] for hop in multipath or ()), 0)


def _index(interface: str) -> int:
    try:
        return socket.if_nametoindex(interface)
    except OSError:
        known = ", ".join(name for _, name in socket.if_nameindex())
        raise UsageError(
            f"there is no interface {interface!r}",
            f'set "vip_interface" under [host] to one of {known}, or leave it out',
        ) from None
