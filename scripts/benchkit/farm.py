"""A director of 2,000 services with 4 servers each, as values: no kernel has to hold it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

from lvsnat.model.endpoint import AddressListener, Endpoint, Protocol
from lvsnat.model.mode import Mode
from lvsnat.model.service import RealServer, VirtualService
from lvsnat.model.status import (
    Counters,
    DirectorStatus,
    ServerStats,
    ServerStatus,
    ServiceStats,
    ServiceStatus,
    Sync,
)

SERVICES, SERVERS = 2_000, 4
_TOTALS = Counters(123456, 12345678, 1234567, 1234567890, 9876543210)


def _service(number: int) -> ServiceStatus:
    vip, first = IPv4Address("10.0.0.1") + number, IPv4Address("172.16.0.1") + number * SERVERS
    listen = AddressListener(Protocol.TCP, Endpoint(vip, 80))
    made = VirtualService(f"service-{number}", listen)
    servers = tuple(_server(Endpoint(first + one, 8080)) for one in range(SERVERS))
    stats = ServiceStats(_TOTALS)
    return ServiceStatus(listen, Sync.IN_SYNC, made.name, made, made, stats, servers)


def _server(endpoint: Endpoint) -> ServerStatus:
    real = RealServer(endpoint)
    return ServerStatus(endpoint, Sync.IN_SYNC, real, real, ServerStats(12, 34, 5, _TOTALS))


STATUS = DirectorStatus(Mode.LVS_NAT, tuple(map(_service, range(SERVICES))))


def turned(status: DirectorStatus, service: int, server: int) -> DirectorStatus:
    """The same with one connection more at one server, and in no other number."""
    services = [*status.services]
    servers = [*services[service].servers]
    old = servers[server]
    held = old.stats or ServerStats()
    servers[server] = replace(old, stats=replace(held, persistent=held.persistent + 1))
    services[service] = replace(services[service], servers=tuple(servers))
    return replace(status, services=tuple(services))
