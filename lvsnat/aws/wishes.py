"""What each layout asks of a VPC, as resources. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_network
from typing import Final

from lvsnat.aws.find import Surroundings
from lvsnat.aws.network import ElasticIp, Interface
from lvsnat.aws.picture import Picture
from lvsnat.aws.resources import (
    NEW_ALLOCATION,
    NOTHING,
    OFF,
    AwsResource,
    ElasticAddress,
    ElasticMapping,
    GroupRule,
    SecondaryAddress,
    SourceDestCheck,
    TableRoute,
    UndoTag,
)
from lvsnat.aws.seen import allocated_for, lets_in, route_of, tag_of
from lvsnat.aws.target import Target, TargetKind
from lvsnat.model.aws import AwsOptions, Layout
from lvsnat.model.config import Egress, IPNetwork
from lvsnat.model.endpoint import IPAddress, MarkListener, PortRange, Protocol
from lvsnat.model.health import CheckType
from lvsnat.model.service import RealServer, VirtualService

_ASKED_BY = {
    CheckType.TCP: Protocol.TCP,
    CheckType.HTTP: Protocol.TCP,
    CheckType.HTTPS: Protocol.TCP,
    CheckType.GRPC: Protocol.TCP,
    CheckType.AGENT: Protocol.TCP,
    CheckType.UDP: Protocol.UDP,
    CheckType.DNS: Protocol.UDP,
}
"""By what a check comes to a port; the others come to none."""
_SCTP = "132"
"""EC2 has no name for it, and shows it by its number."""
IPVS_TCP_IDLE: Final = 900
"""Seconds; net/netfilter/ipvs/ip_vs_proto_tcp.c, IP_VS_TCP_S_ESTABLISHED."""
TAGS_A_TABLE: Final = 50
"""https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html, those of AWS not counted."""


@dataclass(frozen=True, slots=True)
class Scene:
    """All that a decision is made of."""

    options: AwsOptions
    services: tuple[VirtualService, ...]
    picture: Picture
    around: Surroundings
    standby: bool = False
    """Only what this director needs to be ready; the other one has VIP, Elastic IP and routes."""
    tcp_idle: int = IPVS_TCP_IDLE
    """Seconds for which IPVS keeps an idle TCP connection."""
    egress: Egress | None = None
    """From where the real servers' own connections leave the director."""


def wishes(scene: Scene) -> Iterator[AwsResource]:
    """Everything that is asked for, in the order in which it is best made."""
    around = scene.around
    yield SourceDestCheck(around.director.id, value=OFF)
    if scene.standby:
        if scene.options.security_groups:
            yield from dict.fromkeys(director_rules(scene))
        return
    for vip in around.vips:
        yield SecondaryAddress(vip, around.director.id)
    if scene.options.security_groups:
        yield from group_rules(scene)
    yield from _elastic(scene)
    if around.layout is Layout.DUAL_SUBNET:
        yield from undo_tags(scene)
        yield from routes(scene)


def undo_tags(scene: Scene) -> Iterator[UndoTag]:
    """Where each route leads that is to change, noted on its table, as long as there is room.

    A note that is there stays where the route leads to an interface: that one is another director,
    and the note says what was before both.
    """
    noted: dict[str, int] = {}
    for wanted in routes(scene):
        table = scene.picture.table(wanted.table)
        now = route_of(table, wanted.destination)
        if table is None or now == wanted:
            continue
        tag = tag_of(table, wanted.destination)
        taken = noted.get(table.id) or sum(not key.startswith("aws:") for key, _ in table.tags)
        if tag is not None and now is not None and now.target.kind is TargetKind.INTERFACE:
            continue
        if tag is None and taken >= TAGS_A_TABLE:
            continue
        noted[table.id] = taken + (tag is None)
        yield UndoTag(table.id, wanted.destination, NOTHING if now is None else str(now.target))


def routes(scene: Scene) -> Iterator[TableRoute]:
    """The way back: the tables of the real servers' subnets lead to the director."""
    director = Target(scene.around.director.id)
    for use in scene.around.tables(scene.picture):
        for client in scene.around.clients:
            yield TableRoute(use.table.id, client, director)


def _elastic(scene: Scene) -> Iterator[ElasticAddress | ElasticMapping]:
    vip = mapped_vip(scene)
    if vip is None:
        return
    director = scene.around.director.id
    if scene.options.eip_allocation is not None and scene.around.elastic_ip is not None:
        now = scene.picture.mapped_to(vip)
        if now is not None and now.allocation != scene.options.eip_allocation:
            # EC2 would end this mapping by itself; said aloud, it is shown and can be put back.
            yield ElasticMapping(now.allocation, None, None, now.public)
        yield _mapping(scene.around.elastic_ip, director, vip)
    elif scene.options.allocate_eip and _needs_allocation(scene, vip):
        address = ElasticAddress(vip)
        yield address
        found = allocated_for(scene.picture.addresses, scene.picture.vpc, address)
        if found is None:
            yield ElasticMapping(NEW_ALLOCATION, director, vip)
        else:
            yield _mapping(found, director, vip)


def _needs_allocation(scene: Scene, vip: IPv4Address) -> bool:
    mapped = scene.picture.mapped_to(vip)
    ours = allocated_for(scene.picture.addresses, scene.picture.vpc, ElasticAddress(vip))
    return mapped is None or mapped == ours


def _mapping(found: ElasticIp, director: str, vip: IPv4Address) -> ElasticMapping:
    return ElasticMapping(found.allocation, director, vip, found.public)


def mapped_vip(scene: Scene) -> IPv4Address | None:
    """The VIP that an Elastic IP is asked for; None where none is, or where it is not clear."""
    if scene.options.eip_allocation is None and not scene.options.allocate_eip:
        return None
    found = private_vips(scene.around.vips)
    return found[0] if len(found) == 1 else None


def private_vips(vips: Iterable[IPAddress]) -> Sequence[IPv4Address]:
    return [vip for vip in vips if isinstance(vip, IPv4Address)]


def group_rules(scene: Scene) -> Iterator[GroupRule]:
    """Let the clients in: to the director on the services' ports, to the servers on theirs.

    Source addresses pass a director unchanged, so a rule that names the director's group lets no
    client in: rules name networks.
    """
    rules = [*director_rules(scene), *server_rules(scene)]
    yield from dict.fromkeys(rules)


def director_rules(scene: Scene) -> Iterator[GroupRule]:
    for service in scene.services:
        listen = service.listen
        if isinstance(listen, MarkListener) or listen.address not in scene.around.vips:
            continue
        for client in scene.around.clients:
            if client.version == listen.address.version:
                for ports in listen.ports:
                    yield from _rule(scene, scene.around.director, listen.protocol, ports, client)


def server_rules(scene: Scene) -> Iterator[GroupRule]:
    """What must be let in to the real servers: clients, and the director's own checks."""
    for service in scene.services:
        if isinstance(service.listen, MarkListener):
            continue
        for server in service.servers:
            holder = scene.picture.holder(server.endpoint.address)
            if holder is None:
                continue
            for network, protocol, ports in _comers(scene, service, server):
                if network.version == server.endpoint.address.version:
                    yield from _rule(scene, holder, protocol, ports, network)


def _comers(
    scene: Scene, service: VirtualService, server: RealServer
) -> Iterator[tuple[IPNetwork, Protocol, PortRange]]:
    """Who comes to a real server with what."""
    listen = service.listen
    assert not isinstance(listen, MarkListener)  # noqa: S101 - it has no ports to let in
    port = server.endpoint.port
    served = listen.ports if port == 0 else (PortRange(port, port),)
    for client in scene.around.clients:
        for ports in served:
            yield client, listen.protocol, ports
    own = scene.around.director.primary
    for check in service.checks:
        protocol = _ASKED_BY.get(check.type)
        if protocol is not None and own is not None:
            asked = check.port or served[0].first
            yield ip_network(own), protocol, PortRange(asked, asked)


def _rule(
    scene: Scene, interface: Interface, protocol: Protocol, ports: PortRange, client: IPNetwork
) -> Iterator[GroupRule]:
    """A rule in the group that has it already, or else in the interface's first one."""
    name = _SCTP if protocol is Protocol.SCTP else str(protocol)
    rules = [GroupRule(group, name, ports.first, ports.last, client) for group in interface.groups]
    for rule in rules:
        group = scene.picture.group(rule.group)
        if group is not None and lets_in(group, rule):
            yield rule
            return
    yield from rules[:1]
