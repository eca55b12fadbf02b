"""Whether network ACLs let a service's packets through, and its replies. Pure.

An ACL knows no connections: replies need a rule of their own, for the port that the client chose.
Packets keep the client's address on their way to the real server, so the ACL of that subnet must
name the clients, too. Inside a subnet no ACL is asked.
https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from netaddr import IPSet

from lvsnat.aws.codes import Code
from lvsnat.aws.finding import Finding
from lvsnat.aws.network import EVERYWHERE, AclEntry, NetworkAcl, Subnet
from lvsnat.aws.wishes import Scene
from lvsnat.model.aws import Layout
from lvsnat.model.config import IPNetwork
from lvsnat.model.endpoint import MarkListener, PortRange, Protocol
from lvsnat.model.service import VirtualService

CHOSEN: Final = PortRange(1024, 65535)
"""The ports that clients choose from, as AWS advises to open them."""
_NUMBERS: Final = {Protocol.TCP: "6", Protocol.UDP: "17", Protocol.SCTP: "132"}
THROUGH: Final = "letting all through"


@dataclass(frozen=True, slots=True)
class Packets:
    """Some packets that pass the border of a subnet."""

    subnet: str
    egress: bool
    protocol: Protocol
    ports: PortRange
    """The destination's."""
    network: IPNetwork
    """Whence they come, or where they go."""

    def __str__(self) -> str:
        first, last = self.ports.first, self.ports.last
        ports = str(first) if first == last else f"{first}-{last}"
        way = "to" if self.egress else "from"
        return f"{self.protocol}/{ports} {way} {self.network}"


def acl_findings(scene: Scene) -> Iterator[Finding]:
    """One finding for each subnet whose ACL is known: what of the services it drops."""
    details = scene.picture.details
    if details is None:
        return
    needed: dict[str, list[Packets]] = {}
    for one in dict.fromkeys(_packets(scene)):
        needed.setdefault(one.subnet, []).append(one)
    for subnet, packets in needed.items():
        acl = details.acl_of(subnet)
        if acl is not None:
            yield _finding(acl, subnet, packets)


def _finding(acl: NetworkAcl, subnet: str, packets: Iterable[Packets]) -> Finding:
    dropped = [str(one) for one in packets if not admits(acl.entries, one)]
    shown = ", ".join(dropped[:3]) + (f" and {len(dropped) - 3} more" if len(dropped) > 3 else "")  # noqa: PLR2004 - as much as fits
    remedy = f"allow them in {acl.id}, both ways: it forgets what it has let in"
    return Finding(
        Code.NACL,
        f"{acl.id} of {subnet}",
        not dropped,
        f"dropping {shown}" if dropped else THROUGH,
        THROUGH,
        remedy if dropped else "",
    )


def admits(entries: Iterable[AclEntry], packets: Packets) -> bool:
    """Whether all packets pass, apart from networks inside that a rule denies on purpose."""
    rules = sorted(
        (
            one
            for one in entries
            if one.egress == packets.egress
            and one.protocol in (EVERYWHERE, _NUMBERS[packets.protocol])
            and one.network.version == packets.network.version
        ),
        key=lambda one: one.number,
    )
    first, last = packets.ports.first, packets.ports.last
    edges = {first, *(one.first for one in rules), *(one.last + 1 for one in rules)}
    starts = (port for port in edges if first <= port <= last)
    return all(_admits_port(rules, packets.network, port) for port in starts)


def _admits_port(rules: Iterable[AclEntry], network: IPNetwork, port: int) -> bool:
    left = IPSet([str(network)])
    for rule in rules:
        if not (rule.protocol == EVERYWHERE or rule.first <= port <= rule.last):
            continue
        if not rule.allow and rule.network.prefixlen <= network.prefixlen:
            if IPSet([str(rule.network)]) & left:
                return False
            continue
        left -= IPSet([str(rule.network)])
        if not left:
            return True
    return False


def _packets(scene: Scene) -> Iterator[Packets]:
    for service in scene.services:
        listen = service.listen
        if isinstance(listen, MarkListener) or listen.address not in scene.around.vips:
            continue
        for client in scene.around.clients:
            if client.version == listen.address.version:
                yield from _of_service(scene, service, client)


def _of_service(scene: Scene, service: VirtualService, client: IPNetwork) -> Iterator[Packets]:
    listen = service.listen
    assert not isinstance(listen, MarkListener)  # noqa: S101 - sorted out by the caller
    protocol, home = listen.protocol, scene.around.subnet
    for ports in listen.ports:
        yield Packets(home.id, False, protocol, ports, client)  # noqa: FBT003 - ingress
    yield Packets(home.id, True, protocol, CHOSEN, client)  # noqa: FBT003 - egress
    if scene.standby or scene.around.layout is not Layout.DUAL_SUBNET:
        return
    for server in service.servers:
        there = scene.picture.subnet_of(server.endpoint.address)
        if there is None:
            continue
        port = server.endpoint.port
        for ports in listen.ports if port == 0 else (PortRange(port, port),):
            yield from _between(home, there, protocol, ports, client)


def _between(
    home: Subnet, there: Subnet, protocol: Protocol, ports: PortRange, client: IPNetwork
) -> Iterator[Packets]:
    """From the director to a real server and back: the client's address stays in them."""
    for network in there.networks:
        if network.version == client.version:
            yield Packets(home.id, True, protocol, ports, network)  # noqa: FBT003 - egress
            yield Packets(home.id, False, protocol, CHOSEN, network)  # noqa: FBT003 - ingress
    yield Packets(there.id, False, protocol, ports, client)  # noqa: FBT003 - ingress
    yield Packets(there.id, True, protocol, CHOSEN, client)  # noqa: FBT003 - egress
