"""The ways back that a director's configuration asks of its real servers. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lvsnat.errors import UsageError
from lvsnat.gateway.wish import GatewayWish, ReplyPort
from lvsnat.model.endpoint import Family, IPAddress, MarkListener, Protocol
from lvsnat.model.service import VirtualService

_NAME_PORTS = "name the ports that the servers answer from: --reply-only tcp/8080; or --everything"


def directors(services: Iterable[VirtualService]) -> tuple[IPAddress, ...]:
    """The first VIP of each family: what a failover moves to the other director."""
    found: dict[Family, IPAddress] = {}
    for service in services:
        if not isinstance(service.listen, MarkListener):
            found.setdefault(service.listen.family, service.listen.address)
    return tuple(found.values())


def reply_ports(services: Iterable[VirtualService], family: Family) -> tuple[ReplyPort, ...]:
    """The ports that the real servers of a family answer from.

    Raises UsageError for a service whose ports cannot be told, or have no routing rule.
    """
    found: dict[ReplyPort, None] = {}
    for service in services:
        if service.listen.family is family:
            found |= dict.fromkeys(_ports(service))
    return tuple(found)


def wishes(
    services: Sequence[VirtualService], vips: Sequence[IPAddress], *, local_clients: bool
) -> list[GatewayWish]:
    """A way back for the replies of all services, by each of the addresses."""
    found = []
    for via in vips:
        ports = reply_ports(services, Family.of(via))
        if not ports:
            raise UsageError(f"no service of the configuration is behind {via}", _NAME_PORTS)
        found.append(GatewayWish(via, reply_ports=ports, local_clients=local_clients))
    return found


def _ports(service: VirtualService) -> Iterable[ReplyPort]:
    listen = service.listen
    if isinstance(listen, MarkListener):
        raise UsageError(
            f"{service.name}: a firewall mark does not tell the protocol of its service",
            _NAME_PORTS,
        )
    for server in service.servers:
        port = server.endpoint.port
        if listen.protocol is Protocol.SCTP or port == 0:
            what = "SCTP" if listen.protocol is Protocol.SCTP else "every port"
            raise UsageError(f"{service.name}: there is no rule for {what}", _NAME_PORTS)
        yield ReplyPort("tcp" if listen.protocol is Protocol.TCP else "udp", port)
