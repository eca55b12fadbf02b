"""What each layout asks of a VPC, as resources. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_network

from lvsnat.aws.find import Surroundings
from lvsnat.aws.network import ElasticIp, Interface
from lvsnat.aws.picture import Picture
from lvsnat.aws.resources import (
    NEW_ALLOCATION,
    OFF,
    AwsResource,
    ElasticAddress,
    ElasticMapping,
    GroupRule,
    SecondaryAddress,
    SourceDestCheck,
    TableRoute,
)
from lvsnat.aws.seen import allocated_for, lets_in
from lvsnat.aws.target import Target
from lvsnat.model.aws import AwsOptions, Layout
from lvsnat.model.config import IPNetwork
from lvsnat.model.endpoint import IPAddress, MarkListener, PortRange, Protocol
from lvsnat.model.service import VirtualService

_SCTP = "132"
"""EC2 has no name for it, and shows it by its number."""


@dataclass(frozen=True, slots=True)
class Scene:
    """All that a decision is made of."""

    options: AwsOptions
    services: tuple[VirtualService, ...]
    picture: Picture
    around: Surroundings


def wishes(scene: Scene) -> Iterator[AwsResource]:
    """Everything that is asked for, in the order in which it is best made."""
    around = scene.around
    yield SourceDestCheck(around.director.id, value=OFF)
    for vip in around.vips:
        yield SecondaryAddress(vip, around.director.id)
    if scene.options.security_groups:
        yield from group_rules(scene)
    yield from _elastic(scene)
    if around.layout is Layout.DUAL_SUBNET:
        yield from routes(scene)


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
    own = scene.around.director.primary
    for service in scene.services:
        listen = service.listen
        protocol = Protocol.TCP if isinstance(listen, MarkListener) else listen.protocol
        if isinstance(listen, MarkListener):
            continue
        clients = list(scene.around.clients)
        if service.check is not None and own is not None:
            # Checks come from the director's own address.
            clients.append(ip_network(own))
        for server in service.servers:
            holder = scene.picture.holder(server.endpoint.address)
            if holder is None:
                continue
            port = server.endpoint.port
            ports = listen.ports if port == 0 else (PortRange(port, port),)
            for client in clients:
                if client.version == server.endpoint.address.version:
                    for one in ports:
                        yield from _rule(scene, holder, protocol, one, client)


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
