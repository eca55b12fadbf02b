"""What a configuration is to HAProxy, as resources. No I/O here.

What is not exact in this is told by `cautions`, and what has no honest equivalent is refused by
``lvsnat.model.proxy_rules``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from lvsnat.haproxy import checks, schedulers
from lvsnat.haproxy.cautions import cautions
from lvsnat.haproxy.resources import HaproxyInstance, ProxiedServer, ProxiedService
from lvsnat.haproxy.sections import (
    PEERS_SOCKET,
    RUNTIME_SOCKET,
    SERVER_STATES,
    instance_lines,
    service_lines,
)
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Endpoint, KernelListener, PortsListener
from lvsnat.model.marks import kernel_listeners
from lvsnat.model.proxied import proxied_services, side_ports
from lvsnat.model.resource import Key
from lvsnat.model.service import RealServer, VirtualService

__all__ = [
    "PEERS_SOCKET",
    "RUNTIME_SOCKET",
    "SERVER_STATES",
    "HaproxyResource",
    "cautions",
    "expand",
]

HaproxyResource = HaproxyInstance | ProxiedService | ProxiedServer


def expand(config: Config, run: Path) -> Iterator[HaproxyResource]:
    """What HAProxy is to be in the present phase: the instance, then services and their servers.

    ``run`` is the directory of its sockets. Nothing where HAProxy serves nothing.
    """
    services = proxied_services(config)
    if not services:
        return
    known = kernel_listeners(config.services)
    sides = side_ports(config) if config.phase.side_ports else {}
    yield HaproxyInstance(instance_lines(config, run))
    for service in services:
        yield ProxiedService(
            service.listen, service_lines(config, service, sides), replace(service, servers=())
        )
        yield from _servers(service, known[service.listen])


def _servers(service: VirtualService, known: KernelListener) -> Iterator[ProxiedServer]:
    weights = schedulers.weights(service)
    for server in service.servers:
        seat = Key("server", f"{known} {server.endpoint}")
        yield ProxiedServer(
            service.listen,
            server.endpoint,
            weights[server.endpoint],
            _words(service, server),
            place=seat if isinstance(service.listen, PortsListener) else None,
            wish=server.weight,
        )


def _words(service: VirtualService, server: RealServer) -> tuple[str, ...]:
    words = checks.server_words(service, server) + schedulers.server_words(service, server)
    if service.proxy.cookie is not None:
        words += ("cookie", _cookie(server.endpoint))
    return words


def _cookie(endpoint: Endpoint) -> str:
    """A value that names the server and does not tell clients its address."""
    return hashlib.sha256(str(endpoint).encode()).hexdigest()[:12]
