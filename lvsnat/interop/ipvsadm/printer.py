"""Services and servers to text: byte for byte what ``ipvsadm -Sn`` writes, and what it forgets.

Beyond ipvsadm's own save this has thresholds, timeouts and marks of 2**31 and more, all in the form
that ``ipvsadm -R`` reads. What others made in the kernel (direct routing, tunnels) is written too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address

from lvsnat.interop.ipvsadm.order import in_ipvsadms_order, servers_in_ipvsadms_order
from lvsnat.ipvs.resources import (
    Forwarding,
    IpvsServer,
    IpvsService,
    ServiceFlag,
    flag_words,
)
from lvsnat.model.config import Timeouts
from lvsnat.model.endpoint import AddressListener, Endpoint, Family, KernelListener, Protocol
from lvsnat.model.resource import Key, Resource

NO_TIMEOUTS = Timeouts()

_PROTOCOLS = {Protocol.TCP: "-t", Protocol.UDP: "-u", Protocol.SCTP: "--sctp-service"}
_SCHEDULER_FLAGS = int(ServiceFlag.SCHEDULER_1 | ServiceFlag.SCHEDULER_2 | ServiceFlag.SCHEDULER_3)
_TUNNEL_TYPES = ("ipip", "gue", "gre")
_CHECKSUMS = ("--tun-nocsum", "--tun-csum", "--tun-remcsum")


def render(
    resources: Iterable[Resource],
    timeouts: Timeouts = NO_TIMEOUTS,
    *,
    thresholds: bool = True,
) -> str:
    """Write the services and servers among the resources, in ipvsadm's order."""
    services: list[IpvsService] = []
    servers: dict[Key, list[IpvsServer]] = {}
    for resource in resources:
        if isinstance(resource, IpvsService):
            services.append(resource)
        elif isinstance(resource, IpvsServer):
            servers.setdefault(resource.owner, []).append(resource)
    lines: list[str] = []
    for service in in_ipvsadms_order(services):
        where = _listener(service.listen)
        lines.append(" ".join(("-A", where, *_settings(service))))
        for server in servers_in_ipvsadms_order(servers.get(service.key, [])):
            limits = _limits(server) if thresholds else ()
            lines.append(" ".join(("-a", where, *_server(server), *limits)))
    if timeouts.given():
        # A 0 leaves a timeout as it is.
        lines.append(f"--set {timeouts.tcp or 0} {timeouts.tcp_fin or 0} {timeouts.udp or 0}")
    return "".join(f"{line}\n" for line in lines)


def _listener(listen: KernelListener) -> str:
    if isinstance(listen, AddressListener):
        return f"{_PROTOCOLS[listen.protocol]} {_endpoint(listen.endpoint)}"
    return f"-f {listen.mark}{' -6' if listen.family is Family.IPV6 else ''}"


def _settings(service: IpvsService) -> Iterator[str]:
    yield f"-s {service.scheduler}"
    if service.persistent:
        yield f"-p {service.timeout}"
        if service.prefix is not None:
            yield f"-M {_netmask(service)}"
    if service.engine is not None:
        yield f"--pe {service.engine}"
    if service.flags & ServiceFlag.ONE_PACKET:
        yield "-o"
    if flags := service.flags & _SCHEDULER_FLAGS:
        yield f"-b {','.join(flag_words(service.scheduler, flags))}"


def _netmask(service: IpvsService) -> str:
    prefix = service.prefix
    if isinstance(prefix, int) and service.listen.family is Family.IPV4:
        return str(IPv4Address((0xFFFFFFFF << (32 - prefix)) & 0xFFFFFFFF))
    return str(prefix)


def _server(server: IpvsServer) -> Iterator[str]:
    yield f"-r {_endpoint(server.endpoint)}"
    match server.forwarding:
        case Forwarding.MASQUERADING:
            yield f"-m -w {server.weight}"
        case Forwarding.TUNNELLING:
            yield f"-i -w {server.weight}"
            yield from _tunnel(*server.tunnel)
        case _:
            yield f"-g -w {server.weight}"


def _tunnel(kind: int, port: int, flags: int) -> Iterator[str]:
    if kind >= len(_TUNNEL_TYPES):
        return
    word = _TUNNEL_TYPES[kind]
    yield f"--tun-type {word}"
    if word == "gue":
        yield f"--tun-port {port}"
    if word != "ipip" and flags < len(_CHECKSUMS):
        yield _CHECKSUMS[flags]


def _limits(server: IpvsServer) -> Iterator[str]:
    if server.upper:
        yield f"-x {server.upper}"
    if server.lower:
        yield f"-y {server.lower}"


def _endpoint(endpoint: Endpoint) -> str:
    address = endpoint.address
    if isinstance(address, IPv6Address):
        return f"[{_ipv6(address)}]:{endpoint.port}"
    return str(endpoint)


def _ipv6(address: IPv6Address) -> str:
    """Write as the C library does: an embedded IPv4 address keeps its dots."""
    value = int(address)
    high, low = value >> 32, value & 0xFFFFFFFF
    if high == 0xFFFF or (high == 0 and low > 0xFFFF):  # noqa: PLR2004 - mapped, compatible
        return f"::{'ffff:' if high else ''}{IPv4Address(low)}"
    return str(address)
