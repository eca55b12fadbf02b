"""What makes a configuration wrong although each value can be read. Pure: values in, sentences out.

Every rule gives its reason and what to do instead. Paths are those of lvsnat.toml, with indexes
that begin at 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lvsnat.errors import UsageError
from lvsnat.model.aws_rules import aws_violations
from lvsnat.model.check_rules import check_violations
from lvsnat.model.config import Config
from lvsnat.model.daemon_rules import daemon_violations
from lvsnat.model.endpoint import (
    AddressListener,
    Endpoint,
    Listener,
    MarkListener,
    PortsListener,
    Protocol,
    parse_address,
)
from lvsnat.model.haproxy_rules import haproxy_violations, service_violations
from lvsnat.model.health import HealthCheck
from lvsnat.model.host_rules import host_violations, timeout_violations
from lvsnat.model.listen_rules import (
    Vips,
    crowd_violations,
    listener_violations,
    unicast_violations,
)
from lvsnat.model.policy_rules import policy_violations
from lvsnat.model.proxy_rules import proxy_violations
from lvsnat.model.service import (
    MAX_WEIGHT,
    Persistence,
    PersistenceEngine,
    RealServer,
    VirtualService,
)
from lvsnat.model.violation import Path, Violation

MAX_PERSISTENCE_SECONDS = 31 * 24 * 60 * 60
"""31 days: the longest that ipvsadm(8) accepts."""
MAX_THRESHOLD = 2**31 - 1
"""The largest that ipvsadm(8) accepts."""
NAME_PATTERN = "[A-Za-z0-9][A-Za-z0-9._-]{0,62}"

_NAME = re.compile(NAME_PATTERN)


def violations(config: Config) -> Iterator[Violation]:
    """Yield everything that is wrong, in the order of the configuration."""
    yield from host_violations(config.host)
    yield from timeout_violations(config.ipvs.timeouts)
    yield from haproxy_violations(config.haproxy)
    if config.aws is not None:
        yield from aws_violations(config.aws)
    yield from daemon_violations(config.daemon)
    yield from crowd_violations(config.services)
    vips = Vips(config.services)
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
        yield from listener_violations(path, service)
        yield from vips.overlap_violations(index, service.listen)
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
        yield from _beyond_ipvs(path, service, vips)
        yield from _servers(path, service, vips)
    yield from proxy_violations(config)


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


def _servers(path: Path, service: VirtualService, vips: Vips) -> Iterator[Violation]:
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
        yield from _address((*where, "address"), server.endpoint, service.listen, path)
        yield from vips.circle_violations((*where, "address"), server.endpoint, service.listen)
        yield from _numbers(where, server)


def _beyond_ipvs(path: Path, service: VirtualService, vips: Vips) -> Iterator[Violation]:
    yield from _checks(path, service)
    yield from policy_violations(path, service.policy)
    yield from _sorry(path, service, vips)
    yield from service_violations(path, service.proxy)


def _checks(path: Path, service: VirtualService) -> Iterator[Violation]:
    below: Path = (*path, "check")
    seen: dict[HealthCheck, int] = {}
    for index, check in enumerate(service.checks):
        where = (*below, index) if service.more_checks else below
        yield from check_violations(where, check, service.listen.family)
        first = seen.setdefault(check, index)
        if first != index:
            yield Violation(
                where,
                f"this is check[{first}] once more",
                "ask each question once",
                ((*below, first), (*where, "type")),
            )
        if check.port is None and check.type.knows("port") and _has_no_port(service):
            yield Violation(
                where,
                f"a server with port 0 has no port of its own, and {service.listen} says none:"
                " it is not known where to ask",
                "write port = 80 into the check, the one that answers it",
                ((*path, "listen"), (*path, "servers"), (*where, "port")),
            )


def _has_no_port(service: VirtualService) -> bool:
    listen = service.listen
    one = isinstance(listen, PortsListener) or (
        isinstance(listen, AddressListener) and listen.endpoint.port != 0
    )
    return not one and any(server.endpoint.port == 0 for server in service.servers)


def _sorry(path: Path, service: VirtualService, vips: Vips) -> Iterator[Violation]:
    sorry, where = service.sorry, (*path, "sorry")
    if sorry is None:
        return
    yield from _address(where, sorry, service.listen, path)
    for index, server in enumerate(service.servers):
        if server.endpoint == sorry:
            yield Violation(
                where,
                f"{sorry} is also servers[{index}] of this service",
                "name another one: the sorry server answers when none of the servers can",
                ((*path, "servers", index, "address"),),
            )
    yield from vips.presence_violations(where, sorry)


def _address(
    where: Path, endpoint: Endpoint, listen: Listener, service_path: Path
) -> Iterator[Violation]:
    listen_path = (*service_path, "listen")
    if endpoint.address.is_unspecified:
        yield Violation(
            where,
            f"{endpoint.address} stands for every address, not for one server",
            "write the address of the real server, such as 192.168.2.55:80",
        )
    else:
        yield from unicast_violations(where, endpoint.address)
    if endpoint.family is not listen.family:
        yield Violation(
            where,
            f"{endpoint} and the listener {listen} are of different families",
            "masquerading keeps the family: make one service for IPv4 and one for IPv6",
            (listen_path,),
        )
    one_port = isinstance(listen, AddressListener) and listen.endpoint.port != 0
    if endpoint.port == 0 and one_port:
        yield Violation(
            where,
            f"port 0 keeps the client's port, and {listen} has one port",
            "write the port that the server listens on",
            (listen_path,),
        )


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
