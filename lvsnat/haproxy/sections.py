"""The sections of haproxy.cfg that a configuration asks for, as lines, without servers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from lvsnat.config.render import service_inline
from lvsnat.haproxy import checks, schedulers
from lvsnat.haproxy.words import INDENT, SORRY, bracketed, local, server_address, span, tproxy
from lvsnat.model.config import Config, IPNetwork
from lvsnat.model.endpoint import Endpoint, Family, IPAddress, MarkListener, PortRange
from lvsnat.model.service import ProxyProtocol, VirtualService

SERVICE_MARK: Final = "# service "
"""Begins the line that says what the sections after it were made of."""
TABLE_SIZE: Final = "200k"
"""Clients that a persistent service remembers; the oldest is forgotten for one more."""

RUNTIME_SOCKET: Final = "runtime.sock"
PEERS_SOCKET: Final = "peers.sock"
SERVER_STATES: Final = "haproxy.servers"
"""Beside the directory of the sockets, which root may be held from writing to."""
PEERS: Final = "lvsnat"
LOADS_STATES: Final = "load-server-state-from-file global"

_TCP_SECONDS, _FIN_SECONDS = 900, 120
"""IPVS's own, where the configuration says nothing (ip_vs_proto_tcp.c)."""
_NETWORKS_A_LINE = 30
"""A line of HAProxy's has 64 words at most."""


def instance_lines(config: Config, run: Path) -> tuple[str, ...]:
    """The sections that are of no one service; ``run`` is the directory of the sockets."""
    options, timeouts = config.haproxy, config.ipvs.timeouts
    idle = span(timeouts.tcp or _TCP_SECONDS)
    closing = span(timeouts.tcp_fin or _FIN_SECONDS)
    return (
        *_section(
            "global",
            "log stdout format raw local0 info",
            # Their directory, of HAProxy and the group of root, is what keeps others out.
            f"stats socket {run / RUNTIME_SOCKET} mode 666 level admin",
            "stats timeout 30s",
            # Which servers are down, told to the next process (carryover.py).
            f"server-state-file {run.with_name(SERVER_STATES)}",
            f"localpeer {PEERS}",
            f"maxconn {options.maxconn}",
            f"hard-stop-after {span(options.hard_stop_after)}",
        ),
        *_section(
            "defaults lvsnat",
            "mode tcp",
            "log global",
            "option tcplog",
            "option dontlognull",
            # As many lines as connections would cost more than the connections.
            "option dontlog-normal",
            "option redispatch",
            "retries 2",
            f"timeout connect {span(options.connect_timeout)}",
            f"timeout client {idle}",
            f"timeout server {idle}",
            f"timeout client-fin {closing}",
            f"timeout server-fin {closing}",
            f"timeout queue {span(options.queue_timeout)}",
            LOADS_STATES,
        ),
        # So that a process that is replaced tells the next one which client has which server.
        *_section(
            f"peers {PEERS}",
            f"bind unix@{run / PEERS_SOCKET} mode 600",
            f"server {PEERS}",
        ),
    )


def service_lines(
    config: Config, service: VirtualService, sides: Mapping[Endpoint, int]
) -> tuple[str, ...]:
    """A service's frontend and its two backends, behind the line that says what it is.

    ``sides`` has the side ports of a switch, of all services.
    """
    return (
        SERVICE_MARK + service_inline(replace(service, servers=())),
        *_section(f"frontend {service.name}", *_frontend(config, service, sides)),
        *_section(f"backend {tproxy(service.name)}", *_tproxy(service)),
        *_section(f"backend {local(service.name)}", *_local(service)),
    )


def _section(head: str, *lines: str) -> tuple[str, ...]:
    return (head, *(INDENT + line for line in lines))


def _frontend(
    config: Config, service: VirtualService, sides: Mapping[Endpoint, int]
) -> Iterator[str]:
    options = service.proxy
    aside = _aside(service, sides)
    yield from _binds(service)
    for side in _runs(aside):
        yield f"bind {_place(service)}:{side}"
    yield from _protocol(service)
    if options.protocol is ProxyProtocol.HTTP:
        yield "option httplog"
    if options.maxconn is not None:
        yield f"maxconn {options.maxconn}"
    if options.client_timeout is not None:
        yield f"timeout client {span(options.client_timeout)}"
    if options.forward_for:
        yield "option forwardfor"
    yield from schedulers.listening_lines(service)
    if any(server.endpoint.port == 0 for server in service.servers):
        yield from _original_ports(aside)
    yield from map(str.strip, options.frontend_lines)
    for networks in _in_portions(_local_clients(config, service)):
        yield f"use_backend {local(service.name)} if {{ src {' '.join(networks)} }}"
    yield f"default_backend {tproxy(service.name)}"


def _tproxy(service: VirtualService) -> Iterator[str]:
    yield from _protocol(service)
    yield from schedulers.balance_lines(service)
    # This form serves IPv6 as well.
    yield "source 0.0.0.0 usesrc clientip"
    yield from _timeouts(service)
    yield from _persistence(service)
    yield from checks.backend_lines(service)
    yield from _ending(service)


def _persistence(service: VirtualService) -> Iterator[str]:
    """A table of clients; as in IPVS, none is forgotten while it has a connection (track)."""
    wish = service.persistence
    if wish is not None:
        kind = "ip" if service.listen.family is Family.IPV4 else "ipv6"
        kept = f"expire {span(wish.timeout)} peers {PEERS} store conn_cur"
        yield f"stick-table type {kind} size {TABLE_SIZE} {kept}"
        yield f"stick on {_client(service)}"
        yield f"tcp-request content track-sc2 {_client(service)}"


def _local(service: VirtualService) -> Iterator[str]:
    yield from _protocol(service)
    yield from schedulers.balance_lines(service)
    yield from _timeouts(service)
    if service.persistence is not None:
        table = tproxy(service.name)
        yield f"stick on {_client(service)} table {table}"
        yield f"tcp-request content track-sc2 {_client(service)} table {table}"
    yield from checks.tracking_lines(service)
    yield from _ending(service)


def _protocol(service: VirtualService) -> Iterator[str]:
    if service.proxy.protocol is not ProxyProtocol.TCP:
        yield f"mode {service.proxy.protocol}"


def _timeouts(service: VirtualService) -> Iterator[str]:
    if service.proxy.connect_timeout is not None:
        yield f"timeout connect {span(service.proxy.connect_timeout)}"
    if service.proxy.server_timeout is not None:
        yield f"timeout server {span(service.proxy.server_timeout)}"


def _ending(service: VirtualService) -> Iterator[str]:
    """What is the same in both backends; the server of last resort stands behind all others."""
    if service.proxy.cookie is not None:
        yield f"cookie {service.proxy.cookie} insert indirect nocache"
    yield from map(str.strip, service.proxy.backend_lines)
    if service.sorry is not None:
        yield f"server {SORRY} {server_address(service.sorry)} backup"


def _client(service: VirtualService) -> str:
    """What counts as one client."""
    wish, family = service.persistence, service.listen.family
    if wish is None or wish.prefix is None or wish.prefix == family.bits:
        return "src"
    mask = f"{wish.prefix}" if family is Family.IPV4 else f"32,{wish.prefix}"
    return f"src,ipmask({mask})"


def _binds(service: VirtualService) -> Iterator[str]:
    listen = service.listen
    if not isinstance(listen, MarkListener):
        for ports in listen.ports:
            yield f"bind {_place(service)}:{ports}"


def _place(service: VirtualService) -> str:
    return "" if isinstance(service.listen, MarkListener) else bracketed(service.listen.address)


def _aside(service: VirtualService, sides: Mapping[Endpoint, int]) -> Mapping[int, int]:
    """The service's own ports, by their side ports."""
    listen = service.listen
    if not sides or isinstance(listen, MarkListener):
        return {}
    return {
        sides[Endpoint(listen.address, port)]: port
        for ports in listen.ports
        for port in range(ports.first, ports.last + 1)
    }


def _original_ports(aside: Mapping[int, int]) -> Iterator[str]:
    """Give back the port that the client asked for, where a server has the client's port.

    HAProxy asks conntrack for the address before the redirection; this holds where it cannot.
    """
    by_distance: dict[int, list[int]] = {}
    for side, port in aside.items():
        by_distance.setdefault(port - side, []).append(side)
    for distance, sides in sorted(by_distance.items()):
        for run in _runs(sides):
            ports = f"{run.first}:{run.last}"
            yield (
                f"tcp-request connection set-dst-port dst_port,add({distance})"
                f" if {{ dst_port {ports} }}"
            )


def _runs(ports: Iterable[int]) -> list[PortRange]:
    """Neighbouring ports as ranges."""
    runs: list[PortRange] = []
    for port in sorted(ports):
        if runs and runs[-1].last + 1 == port:
            runs[-1] = PortRange(runs[-1].first, port)
        else:
            runs.append(PortRange(port, port))
    return runs


def _local_clients(config: Config, service: VirtualService) -> list[str]:
    """Whose replies would not pass the director: local networks, and the servers themselves."""
    family = service.listen.family
    networks = [
        network
        for network in config.haproxy.local_networks
        if Family.of(network.network_address) is family
    ]
    own: list[IPAddress] = [server.endpoint.address for server in service.servers]
    if service.sorry is not None:
        own.append(service.sorry.address)
    hosts = sorted({address for address in own if not _within(address, networks)}, key=int)
    return [*map(str, networks), *map(str, hosts)]


def _within(address: IPAddress, networks: Iterable[IPNetwork]) -> bool:
    return any(address in network for network in networks)


def _in_portions(words: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(words), _NETWORKS_A_LINE):
        yield words[start : start + _NETWORKS_A_LINE]
