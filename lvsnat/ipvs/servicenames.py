"""Whose a connection is: the service of the configuration behind a line of the kernel. Pure.

The line has the address that the client wrote to, and no name. An address and port belong to one
service. A packet that came in by its firewall mark has an address that perhaps no service lists:
then the real server tells, unless several marks share it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv6Address

from lvsnat.ipvs.connections import (
    MARK,
    NO_PORT,
    PROTOCOL,
    SERVER,
    VIRTUAL,
    VIRTUAL_PORT,
    Fields,
    hexadecimal,
)
from lvsnat.model.endpoint import (
    AddressListener,
    Family,
    KernelListener,
    Listener,
    MarkListener,
    PortRange,
    PortsListener,
)
from lvsnat.model.marks import kernel_listeners
from lvsnat.model.service import VirtualService

_CACHED = 16384


class ServiceNames:
    """Looks up names by the kernel's own text."""

    def __init__(self, services: Iterable[VirtualService]) -> None:
        services = tuple(services)
        self._ports: dict[tuple[str, str, str], str] = {}
        self._ranges: dict[tuple[str, str], list[tuple[PortRange, str]]] = {}
        self._marks: dict[str, str] = {}
        self._servers: dict[str, set[str]] = {}
        known = kernel_listeners(services)
        for service in services:
            self._add(service, known)
        self._look_up = lru_cache(maxsize=_CACHED)(self._find)

    def of(self, fields: Fields) -> str | None:
        """The service's name; None if the configuration has none for this."""
        return self._look_up(
            fields[PROTOCOL], fields[VIRTUAL], fields[VIRTUAL_PORT], fields[SERVER]
        )

    def _add(self, service: VirtualService, known: Mapping[Listener, KernelListener]) -> None:
        listen, taken = service.listen, known[service.listen]
        if isinstance(taken, MarkListener):
            self._marks[mark_text(taken)] = service.name
        match listen:
            case AddressListener(protocol, to):
                place = (protocol.upper(), hexadecimal(to.address), f"{to.port:04X}")
                self._ports[place] = service.name
            case PortsListener(protocol, host, ports):
                ranges = self._ranges.setdefault((protocol.upper(), hexadecimal(host)), [])
                ranges += [(one, service.name) for one in ports]
            case MarkListener():
                for server in service.servers:
                    names = self._servers.setdefault(hexadecimal(server.endpoint.address), set())
                    names.add(service.name)

    def _find(self, protocol: str, virtual: str, port: str, server: str) -> str | None:
        if protocol == MARK:
            return self._marks.get(virtual)
        if name := self._ports.get((protocol, virtual, port)):
            return name
        for ports, name in self._ranges.get((protocol, virtual), ()):
            if ports.first <= int(port, 16) <= ports.last:
                return name
        if name := self._ports.get((protocol, virtual, NO_PORT)):
            return name
        # A mark's connections keep the client's port: the server's address is all that tells.
        names = self._servers.get(server, set())
        return next(iter(names)) if len(names) == 1 else None


def mark_text(listen: MarkListener) -> str:
    """What a template of a firewall mark has in place of the virtual address."""
    if listen.family is Family.IPV4:
        return f"{listen.mark:08X}"
    return hexadecimal(IPv6Address(listen.mark << 96))
