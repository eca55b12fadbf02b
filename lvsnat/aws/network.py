"""The parts of a VPC as values, each as EC2 shows it. What they mean together: ``picture``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from lvsnat.aws.target import Target
from lvsnat.model.config import IPNetwork
from lvsnat.model.endpoint import IPAddress

EVERYWHERE: Final = "-1"
"""All protocols, in a rule of a security group."""


class RouteState(StrEnum):
    """Whether packets can take a route."""

    ACTIVE = "active"
    BLACKHOLE = "blackhole"
    """The target is gone, or its instance is not running."""
    FILTERED = "filtered"


class Origin(StrEnum):
    """Who made a route."""

    TABLE = "CreateRouteTable"
    """It came with the table: the local route."""
    STATIC = "CreateRoute"
    PROPAGATED = "EnableVgwRoutePropagation"
    """A virtual private gateway. A static route beside it wins; it cannot be replaced."""
    ADVERTISED = "Advertisement"
    """VPC Route Server: not ours to replace."""
    UNKNOWN = ""


@dataclass(frozen=True, slots=True)
class PrefixList:
    """Networks under one name."""

    id: str
    networks: tuple[IPNetwork, ...] = ()
    readable: bool = True
    """False where its entries may not be read: nobody knows then whom a route to it takes."""

    def __str__(self) -> str:
        return self.id


@dataclass(frozen=True, slots=True)
class Route:
    """One line of a route table."""

    destination: IPNetwork | PrefixList
    target: Target
    origin: Origin = Origin.STATIC
    state: RouteState = RouteState.ACTIVE

    @property
    def networks(self) -> tuple[IPNetwork, ...]:
        """What it leads to; several for a prefix list."""
        if isinstance(self.destination, PrefixList):
            return self.destination.networks
        return (self.destination,)

    @property
    def static(self) -> bool:
        """Whether ReplaceRoute can change it, and CreateRoute would find it there already."""
        return self.origin not in (Origin.PROPAGATED, Origin.ADVERTISED)


@dataclass(frozen=True, slots=True)
class RouteTable:
    """A route table, and who uses it by an association of its own."""

    id: str
    main: bool = False
    """Whether subnets without an association use it."""
    subnets: tuple[str, ...] = ()
    """Those with an explicit association, only."""
    gateways: tuple[str, ...] = ()
    """For an edge table: the gateways whose arriving packets it steers."""
    routes: tuple[Route, ...] = ()
    owner: str = ""
    """The account."""
    name: str = ""
    tags: tuple[tuple[str, str], ...] = ()

    def at(self, destination: IPNetwork) -> Iterator[Route]:
        """Every route for exactly this network: at most one static one, and propagated ones."""
        return (route for route in self.routes if route.destination == destination)

    def static_at(self, destination: IPNetwork) -> Route | None:
        """The route for this network that ReplaceRoute can change; None asks for CreateRoute."""
        return next((route for route in self.at(destination) if route.static), None)


@dataclass(frozen=True, slots=True)
class Subnet:
    id: str
    networks: tuple[IPNetwork, ...]
    """Its IPv4 network, if it has one, before its IPv6 ones."""
    zone: str = ""
    name: str = ""
    owner: str = ""

    def holds(self, address: IPAddress) -> bool:
        return any(address in network for network in self.networks)

    @property
    def has_ipv6(self) -> bool:
        return any(network.version == 6 for network in self.networks)  # noqa: PLR2004 - IP version


@dataclass(frozen=True, slots=True)
class PrivateAddress:
    """An IPv4 address of an interface, and the public one that stands for it."""

    address: IPv4Address
    primary: bool = False
    public: IPv4Address | None = None
    allocation: str | None = None
    """The Elastic IP; None with a public address is one that AWS lent at the start."""


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface (ENI)."""

    id: str
    subnet: str
    addresses: tuple[PrivateAddress, ...] = ()
    ipv6: tuple[IPv6Address, ...] = ()
    source_dest_check: bool = True
    instance: str | None = None
    """Whose it is, once attached."""
    attached: bool = False
    groups: tuple[str, ...] = ()
    mac: str = ""
    zone: str = ""
    owner: str = ""
    managed: bool = False
    """Made and kept by an AWS service (a NAT gateway, a load balancer): not ours to change."""
    name: str = ""
    primary_ipv6: IPv6Address | None = None
    """An IPv6 address that EC2 never takes away from it."""
    tcp_idle: int | None = None
    """Seconds after which security groups forget an idle TCP connection; None: EC2's default."""

    def holds(self, address: IPAddress) -> bool:
        return address in self.ipv6 or any(one.address == address for one in self.addresses)

    @property
    def primary(self) -> IPv4Address | None:
        return next((one.address for one in self.addresses if one.primary), None)


@dataclass(frozen=True, slots=True)
class ElasticIp:
    """A public IPv4 address of the account's own."""

    allocation: str
    public: IPv4Address
    association: str | None = None
    interface: str | None = None
    private: IPv4Address | None = None
    border_group: str = ""
    name: str = ""
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """What a security group lets through, one source or destination at a time."""

    protocol: str
    """``tcp``, ``udp``, ``icmp``, another's number, or EVERYWHERE (all)."""
    first: int = -1
    last: int = -1
    peer: IPNetwork | str = ""
    """A network, or the id of a group or of a prefix list."""

    def covers(self, protocol: str, first: int, last: int) -> bool:
        """Whether it is about all of these ports."""
        if self.protocol == EVERYWHERE:
            return True
        ports = self.first < 0 or (self.first <= first and last <= self.last)
        return self.protocol == protocol and ports


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    id: str
    name: str = ""
    inbound: tuple[Rule, ...] = ()
    outbound: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class AclEntry:
    """One line of a network ACL. The lowest number that fits decides."""

    number: int
    egress: bool
    allow: bool
    network: IPNetwork
    protocol: str = EVERYWHERE
    """The protocol's number, as EC2 shows it, or EVERYWHERE."""
    first: int = 0
    last: int = 65535


@dataclass(frozen=True, slots=True)
class NetworkAcl:
    """What is let in and out of subnets, packet by packet: it knows no connections."""

    id: str
    subnets: tuple[str, ...] = ()
    entries: tuple[AclEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Machine:
    """What matters of an instance: its type, and who may ask its metadata service."""

    instance: str
    type: str = ""
    metadata: bool = True
    """Whether it has a metadata service at all."""
    tokens: bool = True
    """Whether that insists on a token (IMDSv2)."""
    hops: int = 1
    """How far its answers get."""
    addresses: int | None = None
    """The most IPv4 addresses that one interface of this type has; None: not known."""
    addresses6: int | None = None
    """The same for IPv6."""
