"""What may be listened on, alone and beside other listeners. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address

from lvsnat.model.endpoint import (
    AddressListener,
    Endpoint,
    IPAddress,
    Listener,
    MarkListener,
    PortRange,
    PortsListener,
)
from lvsnat.model.marks import SLOTS
from lvsnat.model.service import VirtualService
from lvsnat.model.violation import Path, Violation

_BROADCAST = IPv4Address("255.255.255.255")

VipListener = AddressListener | PortsListener


class Vips:
    """Every listener that has an address, found without looking at each: there may be thousands."""

    def __init__(self, services: Sequence[VirtualService]) -> None:
        self._on: dict[IPAddress, list[tuple[int, VipListener]]] = {}
        self._plain: dict[Endpoint, list[tuple[int, VipListener]]] = {}
        self._several: dict[IPAddress, list[tuple[int, VipListener]]] = {}
        for index, service in enumerate(services):
            listen = service.listen
            if isinstance(listen, MarkListener):
                continue
            self._on.setdefault(listen.address, []).append((index, listen))
            if isinstance(listen, AddressListener):
                self._plain.setdefault(listen.endpoint, []).append((index, listen))
            else:
                self._several.setdefault(listen.address, []).append((index, listen))

    def overlap_violations(self, index: int, listen: Listener) -> Iterator[Violation]:
        """Refuse a port that an earlier service takes, if either service has several ports.

        Two plain listeners are no conflict: IPVS asks the one with the port before that with all.
        """
        if isinstance(listen, MarkListener):
            return
        others = self._on if isinstance(listen, PortsListener) else self._several
        for other_index, other in others.get(listen.address, ()):
            if other_index >= index or listen == other:
                continue
            if other.protocol is listen.protocol and (shared := _shared(listen.ports, other.ports)):
                yield Violation(
                    ("service", index, "listen"),
                    f"{listen} and {other} of service[{other_index}] both take port {shared}",
                    "give each port to one service: ports in a list are marked before IPVS looks at"
                    " addresses, so the other service would not be asked",
                    (("service", other_index, "listen"),),
                )

    def circle_violations(
        self, where: Path, endpoint: Endpoint, listen: Listener
    ) -> Iterator[Violation]:
        """Refuse a real server that is a listener of the director's own."""
        for index, vip in self._taking(endpoint):
            if isinstance(listen, MarkListener) or listen.protocol is vip.protocol:
                yield Violation(
                    where,
                    f"{endpoint} is the director's own listener, of service[{index}]",
                    "name the address of a real server: this would send traffic round in a circle",
                    (("service", index, "listen"),),
                )
                return

    def presence_violations(self, where: Path, endpoint: Endpoint) -> Iterator[Violation]:
        """Refuse a VIP as an address that is to be somebody else's."""
        for index, vip in self._on.get(endpoint.address, ())[:1]:
            yield Violation(
                where,
                f"{endpoint.address} is a VIP, of the listener {vip} of service[{index}]",
                "name another host: a VIP is the director itself",
                (("service", index, "listen"),),
            )

    def _taking(self, endpoint: Endpoint) -> list[tuple[int, VipListener]]:
        """The listeners that take what is sent to an endpoint, the first service's first."""
        if endpoint.address not in self._on:
            return []
        port = PortRange(endpoint.port, endpoint.port)
        several = self._several.get(endpoint.address, ())
        taking = [one for one in several if _shared([port], one[1].ports)]
        # Port 0 is every port.
        for same in {endpoint, Endpoint(endpoint.address, 0)}:
            taking += self._plain.get(same, ())
        return sorted(taking, key=lambda one: one[0])


def _shared(these: Iterable[PortRange], those: Sequence[PortRange]) -> int:
    """The first port that both have, or 0."""
    both = (max(a.first, b.first) for a in these for b in those if a.overlaps(b))
    return min(both, default=0)


def listener_violations(path: Path, service: VirtualService) -> Iterator[Violation]:
    """Refuse what IPVS cannot listen on."""
    listen = service.listen
    if isinstance(listen, MarkListener):
        return
    where = (*path, "listen")
    if listen.address.is_unspecified:
        yield Violation(
            where,
            f"{listen.address} stands for every address, and IPVS has no wildcard",
            "name the VIP; for many addresses mark the packets and listen on fwmark/7",
        )
    else:
        yield from unicast_violations(where, listen.address)
    every = isinstance(listen, AddressListener) and listen.endpoint.port == 0
    if every and service.persistence is None:
        yield Violation(
            where,
            "port 0 (every port) needs persistence",
            "add persistence = 300, so that a client's connections to several ports reach one"
            " server; or write the ports as 1-65535, which needs none",
            ((*path, "persistence"),),
        )


def unicast_violations(where: Path, address: IPAddress) -> Iterator[Violation]:
    """Refuse an address that is not one host's."""
    if address.is_multicast or address == _BROADCAST:
        kind = "multicast" if address.is_multicast else "broadcast"
        yield Violation(
            where, f"{address} is a {kind} address", "IPVS balances to and from single hosts"
        )
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        yield Violation(
            where,
            f"{address} names an interface, which IPVS cannot express",
            "use a global or unique local address, without '%' and what follows it",
        )


def crowd_violations(services: Sequence[VirtualService]) -> Iterator[Violation]:
    """Refuse more listeners than there are marks for."""
    marked = [i for i, s in enumerate(services) if not isinstance(s.listen, AddressListener)]
    if len(marked) > SLOTS:
        yield Violation(
            ("service", marked[SLOTS], "listen"),
            f"there are {len(marked)} listeners of marks and of several ports",
            f"write at most {SLOTS}: each takes a firewall mark",
        )
