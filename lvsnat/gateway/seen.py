"""What was read of a server's routing, whoever made it. Values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from lvsnat.gateway.ways import Hop, Way
from lvsnat.gateway.wish import ReplyPort
from lvsnat.model.config import IPNetwork
from lvsnat.model.endpoint import Family, IPAddress

MAIN = 254
TABLES = {253: "default", MAIN: "main", 255: "local"}
"""As ip(8) names them."""
PROTOCOL_NUMBERS = {"tcp": 6, "udp": 17}
"""/etc/protocols."""
_NAMES = {number: name for name, number in PROTOCOL_NUMBERS.items()}
UNICAST, LOCAL, BLACKHOLE, THROW = 1, 2, 6, 9
"""What becomes of packets that take a route (linux/rtnetlink.h, RTN_*)."""
FLOOR = {Family.IPV4: 0, Family.IPV6: 1}
"""The metric that no other can come before: IPv6 takes 0 for 1024."""


@dataclass(frozen=True, slots=True)
class OwnAddress:
    """An address that an interface has, and the network that comes with it."""

    interface: str
    address: IPAddress
    network: IPNetwork

    @property
    def is_host(self) -> bool:
        """Whether it has no network but itself."""
        return self.network.num_addresses == 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where the director is, seen from this server."""

    interface: str
    networks: tuple[IPNetwork, ...]
    """Those of the interface: its neighbours'."""
    sources: tuple[IPAddress, ...]
    """This server's own addresses that it answers from."""


@dataclass(frozen=True, slots=True)
class SeenRoute:
    """A route."""

    family: Family
    network: IPNetwork | None
    """None is everywhere."""
    table: int
    metric: int
    kind: int
    way: Way
    peculiar: tuple[str, ...] = ()
    """What it has that lvsnat could not put back."""

    def __str__(self) -> str:
        where = "default" if self.network is None else str(self.network)
        kind = "throw " if self.kind == THROW else ""
        way = "" if self.kind == THROW else f" {self.way}"
        metric = f" metric {self.metric}" if self.metric else ""
        return f"{kind}{where}{way}{metric}"


@dataclass(frozen=True, slots=True)
class SeenRule:
    """A routing rule."""

    family: Family
    priority: int
    table: int
    """0: it leads to no table."""
    source: IPNetwork | None = None
    protocol: int = 0
    """By its number in /etc/protocols; 0 is every one."""
    ports: tuple[int, int] | None = None
    """The first and the last port of the sender that it is about."""
    further: tuple[str, ...] = ()
    """What else it asks for: an interface, a mark."""

    def takes(self, source: IPAddress) -> bool:
        """Whether it takes everything that is sent from an address."""
        plain = not (self.protocol or self.ports or self.further)
        return plain and (self.source is None or source in self.source)

    def __str__(self) -> str:
        words = [f"{self.priority}: from {self.source or 'all'}"]
        if self.protocol:
            words.append(f"ipproto {_NAMES.get(self.protocol, self.protocol)}")
        if self.ports:
            first, last = self.ports
            words.append(f"sport {first}" if first == last else f"sport {first}-{last}")
        words += self.further
        words.append(f"lookup {TABLES.get(self.table, self.table)}" if self.table else "...")
        return " ".join(words)


@dataclass(frozen=True, slots=True)
class Reply:
    """A packet that this server would send: from a port of its own to a client."""

    client: IPAddress
    source: IPAddress
    port: ReplyPort | None = None
    """None: the kernel is asked of no port."""

    def __str__(self) -> str:
        port = f" {self.port}" if self.port else ""
        return f"{self.source}{port} to {self.client}"


@dataclass(frozen=True, slots=True)
class Answer:
    """The kernel's own answer to where a packet would go."""

    hop: Hop | None
    """None: nowhere, or to this host itself."""
    table: int = 0
    whole: bool = False
    """Whether a default route gave the answer, and no narrower one."""
    redirected: bool = False
    """Whether a router's redirect has changed it."""
    problem: str = ""

    def __str__(self) -> str:
        if self.hop is None:
            return self.problem
        return str(self.hop) if self.hop.via else f"dev {self.hop.interface}, directly"


class NeighbourState(IntEnum):
    """What the kernel knows of a neighbour's link address (linux/neighbour.h, NUD_*)."""

    INCOMPLETE = 0x01
    REACHABLE = 0x02
    STALE = 0x04
    DELAY = 0x08
    PROBE = 0x10
    FAILED = 0x20
    NOARP = 0x40
    PERMANENT = 0x80

    @property
    def label(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The director, as a neighbour."""

    state: NeighbourState
    link: str | None
    """Its link address (MAC)."""

    def __str__(self) -> str:
        return f"{self.link or 'no answer'} ({self.state.label})"


@dataclass(frozen=True, slots=True)
class Manager:
    """A program that looks after an interface and puts its own routes back."""

    name: str
    evidence: str
    """What gave it away: a file."""
    form: str
    """What ``gateway render --format`` calls it."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a wish meets on this server, of one family."""

    addresses: tuple[OwnAddress, ...]
    interfaces: frozenset[str]
    routes: tuple[SeenRoute, ...]
    """Of the main table, and of the wish's own."""
    rules: tuple[SeenRule, ...]
    settings: Mapping[str, str] = field(default_factory=dict)
    """Kernel settings by their names in sysctl(8), as far as this kernel has them."""

    def defaults(self) -> tuple[SeenRoute, ...]:
        """The default routes of the main table."""
        return tuple(one for one in self.routes if one.table == MAIN and one.network is None)
