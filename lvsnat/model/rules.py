"""What makes a configuration wrong although each value can be read. Pure: values in, sentences out.

Every rule gives its reason and what to do instead. Paths are those of lvsnat.toml, with indexes
that begin at 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from lvsnat.errors import UsageError
from lvsnat.model.config import Config, HostOptions
from lvsnat.model.endpoint import (
    AddressListener,
    IPAddress,
    Listener,
    MarkListener,
    Protocol,
    parse_address,
)
from lvsnat.model.service import (
    MAX_WEIGHT,
    Persistence,
    PersistenceEngine,
    RealServer,
    VirtualService,
)

Path = tuple[str | int, ...]

MAX_PERSISTENCE_SECONDS = 31 * 24 * 60 * 60
"""31 days: the longest that ipvsadm(8) accepts."""
MAX_THRESHOLD = 2**31 - 1
"""The largest that ipvsadm(8) accepts."""
NAME_PATTERN = "[A-Za-z0-9][A-Za-z0-9._-]{0,62}"
INTERFACE_PATTERN = r"(?!\.{1,2}$)[^\s/:]{1,15}"
"""What the kernel accepts (dev_valid_name, IFNAMSIZ)."""

_BROADCAST = IPv4Address("255.255.255.255")
_NAME = re.compile(NAME_PATTERN)
_INTERFACE = re.compile(INTERFACE_PATTERN)


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule."""

    path: Path
    """The key that is wrong, as ``("service", 2, "servers", 0, "weight")``."""
    message: str
    hint: str | None
    also: tuple[Path, ...] = ()
    """The other keys that the rule looked at."""


def violations(config: Config) -> Iterator[Violation]:
    """Yield everything that is wrong, in the order of the configuration."""
    yield from _host(config.host)
    vips = _vips(config)
    names: dict[str, int] = {}
    listeners: dict[Listener, int] = {}
    for index, service in enumerate(config.services):
        path: Path = ("service", index)
        yield from _name(path, service.name)
        first = names.setdefault(service.name, index)
        if first != index:
            yield Violation(
                (*path, "name"),
                f"the name {service.name!r} is taken by service[{first}]",
                "give each service a name of its own: commands find it by that name",
                (("service", first, "name"),),
            )
        yield from _listen(path, service)
        first = listeners.setdefault(service.listen, index)
        if first != index:
            yield Violation(
                (*path, "listen"),
                f"{service.listen} is already the listener of service[{first}]"
                f" ({config.services[first].name})",
                "one listener is one service: move the servers there, or listen elsewhere",
                (("service", first, "listen"),),
            )
        yield from _flags(path, service)
        if service.persistence is not None:
            yield from _persistence(path, service.persistence, service.listen)
        yield from _servers(path, service, vips)


def _host(host: HostOptions) -> Iterator[Violation]:
    name = host.vip_interface
    if name is not None and _INTERFACE.fullmatch(name) is None:
        yield Violation(
            ("host", "vip_interface"),
            f"{name!r} is not the name of an interface",
            "write a name as 'ip link' shows it, such as eth0: at most 15 characters, no space,"
            " '/' or ':'",
        )


def _name(path: Path, name: str) -> Iterator[Violation]:
    if _NAME.fullmatch(name) is None:
        yield Violation(
            (*path, "name"),
            f"{name!r} is not a name for a service",
            "use letters, digits, '.', '_' and '-': at most 63, the first a letter or a digit",
        )
    elif _is_address(name):
        yield Violation(
            (*path, "name"),
            f"{name!r} is an address, not a name",
            "choose a name such as 'web', so that a command's argument is never ambiguous",
        )


def _is_address(name: str) -> bool:
    try:
        parse_address(name)
    except UsageError:
        return False
    return True


def _listen(path: Path, service: VirtualService) -> Iterator[Violation]:
    listen = service.listen
    if isinstance(listen, MarkListener):
        return
    where = (*path, "listen")
    address = listen.endpoint.address
    if address.is_unspecified:
        yield Violation(
            where,
            f"{address} stands for every address, and IPVS has no wildcard",
            "name the VIP; for many addresses mark the packets and listen on fwmark/7",
        )
    else:
        yield from _unicast(where, address)
    if listen.endpoint.port == 0 and service.persistence is None:
        yield Violation(
            where,
            "port 0 (every port) needs persistence",
            "add persistence = 300, so that a client's connections to several ports reach one"
            " server",
            ((*path, "persistence"),),
        )


def _unicast(where: Path, address: IPAddress) -> Iterator[Violation]:
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


def _flags(path: Path, service: VirtualService) -> Iterator[Violation]:
    for flag in sorted(service.flags):
        if flag.scheduler is not service.scheduler:
            yield Violation(
                (*path, "flags"),
                f"{flag} is a flag of the scheduler {flag.scheduler},"
                f" and this service uses {service.scheduler}",
                f'set scheduler = "{flag.scheduler}", or remove the flag',
                ((*path, "scheduler"),),
            )


def _persistence(path: Path, persistence: Persistence, listen: Listener) -> Iterator[Violation]:
    where = (*path, "persistence")
    if not 1 <= persistence.timeout <= MAX_PERSISTENCE_SECONDS:
        yield Violation(
            (*where, "timeout"),
            f"{persistence.timeout} is not a persistence timeout"
            f" (1 to {MAX_PERSISTENCE_SECONDS} seconds)",
            "write seconds, or a duration such as '5m'; the kernel's limit is 31 days",
        )
    family, prefix = listen.family, persistence.prefix
    if prefix is not None and not 1 <= prefix <= family.bits:
        label = "IPv4" if family.label == "ipv4" else "IPv6"
        yield Violation(
            (*where, "netmask"),
            f"{prefix} is not a prefix length of {label} (1 to {family.bits})",
            f"{family.bits}, or no netmask, counts each client address by itself",
            ((*path, "listen"),),
        )
    udp = isinstance(listen, MarkListener) or listen.protocol is Protocol.UDP
    if persistence.engine is PersistenceEngine.SIP and not udp:
        yield Violation(
            (*where, "engine"),
            f"the sip engine reads UDP only, and this service listens on {listen}",
            "listen on udp/, or remove the engine",
            ((*path, "listen"),),
        )


_Vips = dict[IPAddress, list[tuple[int, AddressListener]]]


def _vips(config: Config) -> _Vips:
    found: _Vips = {}
    for index, service in enumerate(config.services):
        if isinstance(service.listen, AddressListener):
            entry = (index, service.listen)
            found.setdefault(service.listen.endpoint.address, []).append(entry)
    return found


def _servers(path: Path, service: VirtualService, vips: _Vips) -> Iterator[Violation]:
    seen: dict[object, int] = {}
    for index, server in enumerate(service.servers):
        where = (*path, "servers", index)
        first = seen.setdefault(server.endpoint, index)
        if first != index:
            yield Violation(
                (*where, "address"),
                f"{server.endpoint} is already servers[{first}] of this service",
                "name each server once; a weight gives one server a larger share",
                ((*path, "servers", first, "address"),),
            )
        yield from _address(where, server, service.listen, (*path, "listen"))
        yield from _own_vip(where, server, service.listen, vips)
        yield from _numbers(where, server)


def _address(
    where: Path, server: RealServer, listen: Listener, listen_path: Path
) -> Iterator[Violation]:
    endpoint = server.endpoint
    if endpoint.address.is_unspecified:
        yield Violation(
            (*where, "address"),
            f"{endpoint.address} stands for every address, not for one server",
            "write the address of the real server, such as 192.168.2.55:80",
        )
    else:
        yield from _unicast((*where, "address"), endpoint.address)
    if endpoint.family is not listen.family:
        yield Violation(
            (*where, "address"),
            f"{endpoint} and the listener {listen} are of different families",
            "masquerading keeps the family: make one service for IPv4 and one for IPv6",
            (listen_path,),
        )
    every_port = isinstance(listen, MarkListener) or listen.endpoint.port == 0
    if endpoint.port == 0 and not every_port:
        yield Violation(
            (*where, "address"),
            f"port 0 keeps the client's port, and {listen} has one port",
            "write the port that the server listens on",
            (listen_path,),
        )


def _own_vip(where: Path, server: RealServer, listen: Listener, vips: _Vips) -> Iterator[Violation]:
    endpoint = server.endpoint
    for index, vip in vips.get(endpoint.address, ()):
        same_protocol = isinstance(listen, MarkListener) or listen.protocol is vip.protocol
        if same_protocol and vip.endpoint.port in (0, endpoint.port):
            yield Violation(
                (*where, "address"),
                f"{endpoint} is the director's own listener, of service[{index}]",
                "name the address of a real server: this would send traffic round in a circle",
                (("service", index, "listen"),),
            )
            return


def _numbers(where: Path, server: RealServer) -> Iterator[Violation]:
    if not 0 <= server.weight <= MAX_WEIGHT:
        yield Violation(
            (*where, "weight"),
            f"{server.weight} is not a weight (0 to {MAX_WEIGHT})",
            "weights are shares: 1 and 3 send a quarter and three quarters; 0 takes nothing new",
        )
    for key, value in (("upper", server.upper), ("lower", server.lower)):
        if not 0 <= value <= MAX_THRESHOLD:
            yield Violation(
                (*where, key),
                f"{value} is not a number of connections (0 to {MAX_THRESHOLD})",
                "0 sets no threshold",
            )
    if server.lower > server.upper:
        limit = f"the upper one, {server.upper}" if server.upper else "no upper one (0)"
        yield Violation(
            (*where, "lower"),
            f"the lower threshold {server.lower} needs an upper one above it; there is {limit}",
            "a server that reached 'upper' takes connections again below 'lower'",
            ((*where, "upper"),),
        )
