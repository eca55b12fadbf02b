"""A real server as values: one interface in the director's network, with or without more."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_interface, ip_network

from lvsnat.gateway.seen import MAIN, UNICAST, Ground, OwnAddress, SeenRoute, SeenRule
from lvsnat.gateway.ways import Way
from lvsnat.gateway.wish import GatewayWish, parse_reply_ports
from lvsnat.model.endpoint import Family

DHCP = 16


def own(interface: str, address: str) -> OwnAddress:
    found = ip_interface(address)
    return OwnAddress(interface, found.ip, found.network)


def default(via: str, *, metric: int = 0, dev: str = "eth0", protocol: int = DHCP) -> SeenRoute:
    gateway = ip_address(via)
    way = Way(gateway, dev, protocol)
    return SeenRoute(Family.of(gateway), None, MAIN, metric, UNICAST, way)


def route(network: str, via: str, *, table: int = MAIN, dev: str = "eth0") -> SeenRoute:
    where = ip_network(network)
    gateway = ip_address(via)
    return SeenRoute(Family.of(gateway), where, table, 0, UNICAST, Way(gateway, dev))


def ground(
    routes: Iterable[SeenRoute] = (default("192.168.1.1"),),
    *,
    rules: Iterable[SeenRule] = (),
    addresses: Iterable[OwnAddress] = (own("eth0", "192.168.1.55/24"),),
    settings: dict[str, str] | None = None,
) -> Ground:
    known = {f"net.ipv4.conf.{place}.accept_redirects": "1" for place in ("all", "eth0")}
    return Ground(
        tuple(addresses),
        frozenset({"lo", "eth0", "eth1"}),
        tuple(routes),
        tuple(rules),
        known if settings is None else settings,
    )


def wish(via: str = "192.168.1.50", ports: str = "", **more: object) -> GatewayWish:
    reply_ports = parse_reply_ports(ports) if ports else ()
    return GatewayWish(ip_address(via), reply_ports=reply_ports, **more)  # type: ignore[arg-type]
