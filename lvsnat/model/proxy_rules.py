"""What HAProxy has no honest equivalent for, and lines that would undo what lvsnat writes. Pure.

What is merely not exact is no violation: ``lvsnat.haproxy.cautions`` tells it before a switch.
"""

from __future__ import annotations

from collections.abc import Iterator

from lvsnat.model.config import Config
from lvsnat.model.endpoint import MarkListener
from lvsnat.model.mode import Mode
from lvsnat.model.proxied import is_proxied
from lvsnat.model.service import ProxyOptions, VirtualService
from lvsnat.model.violation import Path, Violation

MAX_PORTS = 1000
"""HAProxy opens a socket for each port, and a second one while a switch of modes runs."""
MAX_SERVERS = 4095
"""Those that HAProxy's roundrobin can weigh (configuration manual, balance)."""

_OURS = {
    "bind": "HAProxy listens where 'listen' says: change that, or add another service",
    "server": "name real servers in 'servers', and the one of last resort in 'sorry'",
    "default-server": "say how servers are checked in 'check'",
    "default_backend": "the frontend sends clients to the service's own backends",
    "mode": 'write mode = "http" or "tcp" beside frontend_lines',
    "balance": "say how servers are chosen in 'scheduler'",
    "hash-type": "say how servers are chosen in 'scheduler'",
    "source": "lvsnat decides from which address HAProxy connects: see [haproxy] local_networks",
    "stick-table": "say how clients are kept in 'persistence'",
}
"""Words of lines that lvsnat writes itself; a second one would win, or be refused."""


def proxy_violations(config: Config) -> Iterator[Violation]:
    """Refuse what a configuration asks of HAProxy and HAProxy cannot do.

    What holds for HAProxy alone is judged in both modes, the rest in haproxy-tproxy.
    """
    for index, service in enumerate(config.services):
        path: Path = ("service", index)
        yield from _lines(path, service.proxy)
        if is_proxied(service):
            if config.mode is Mode.HAPROXY_TPROXY:
                yield from _ports(path, service)
                yield from _crowd(path, service)
        elif service.proxy != ProxyOptions():
            yield Violation(
                (*path, "haproxy"),
                f"{service.listen} is never HAProxy's: UDP, SCTP and marks are served by IPVS in"
                " both modes",
                "remove these settings, or listen on tcp/",
                ((*path, "listen"),),
            )


def _lines(path: Path, options: ProxyOptions) -> Iterator[Violation]:
    for key, lines in (
        ("frontend_lines", options.frontend_lines),
        ("backend_lines", options.backend_lines),
    ):
        for index, line in enumerate(lines):
            word = next(iter(line.split()), "")
            if word in _OURS:
                yield Violation(
                    (*path, "haproxy", key, index),
                    f"a line {word!r} is lvsnat's to write",
                    _OURS[word],
                )


def _ports(path: Path, service: VirtualService) -> Iterator[Violation]:
    listen = service.listen
    if isinstance(listen, MarkListener):
        return
    number = sum(ports.last - ports.first + 1 for ports in listen.ports)
    if number > MAX_PORTS:
        yield Violation(
            (*path, "listen"),
            f"{listen} is {number} ports, and HAProxy listens on each by itself",
            f"list the ports that are used, {MAX_PORTS} at most, such as tcp/VIP:8000-8100,9000;"
            ' or stay with mode = "lvs-nat"',
            (("mode",),),
        )


def _crowd(path: Path, service: VirtualService) -> Iterator[Violation]:
    if len(service.servers) > MAX_SERVERS:
        yield Violation(
            (*path, "servers", MAX_SERVERS),
            f"{len(service.servers)} servers are more than HAProxy can weigh ({MAX_SERVERS})",
            'share them among several services, or stay with mode = "lvs-nat"',
            (("mode",),),
        )
