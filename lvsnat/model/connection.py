"""A connection that IPVS or HAProxy balances, and which are asked for. Observations only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from lvsnat.model.carrier import Carrier
from lvsnat.model.endpoint import Endpoint, Family, IPAddress, MarkListener, Protocol

MARK_PROTOCOL: Final = "ip"
"""What the kernel calls the protocol of a firewall mark's template."""
TEMPLATE_STATES: Final = frozenset({"NONE", "ASSURED"})
STATES: Final = (
    "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT", "TIME_WAIT", "CLOSE", "CLOSE_WAIT",
    "LAST_ACK", "LISTEN", "SYNACK", "UDP", "NONE", "ASSURED",
    "INIT1", "INIT", "C-SENT", "C-REPLIED", "C-WAIT", "COOKIE", "C-ECHOED",
    "S-SENT", "S-RECEIVED", "S-ACK-SENT", "REJECTED", "CLOSED",
)  # fmt: skip
"""The kernel's words: of TCP, of UDP, of templates, and of SCTP."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection as its carrier holds it, or one template (see ``template``)."""

    protocol: str
    client: Endpoint
    virtual: Endpoint
    """Where the client's packets are addressed."""
    server: Endpoint
    state: str
    expires: int
    """Seconds until it is forgotten, or HAProxy closes it, if no packet comes."""
    engine: str | None = None
    """The persistence engine that made it."""
    engine_data: str | None = None
    service: str | None = None
    """The service's name in the configuration; the kernel knows no names."""
    carrier: Carrier = Carrier.IPVS

    @property
    def template(self) -> bool:
        """Whether it is persistence's memory of a client, and no connection."""
        return self.client.port == 0 and self.state in TEMPLATE_STATES

    @property
    def listen(self) -> str:
        """``tcp/192.168.1.50:80``; of a firewall mark's template ``fwmark/7``."""
        if self.protocol != MARK_PROTOCOL:
            return f"{self.protocol}/{self.virtual}"
        address = self.virtual.address
        # The kernel writes the mark where an address begins.
        return str(MarkListener(int.from_bytes(address.packed[:4]), Family.of(address)))


class Grouping(StrEnum):
    """What connections are counted by."""

    CLIENT = "client"
    SERVER = "server"
    SERVICE = "service"
    STATE = "state"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which connections are asked for; what is None matters not."""

    service: str | None = None
    """Its name or listener."""
    clients: IPv4Network | IPv6Network | None = None
    server: IPAddress | None = None
    server_port: int | None = None
    state: str | None = None
    protocol: Protocol | None = None

    def takes(self, connection: Connection) -> bool:
        """Whether a connection is one of them, but for its service."""
        server = connection.server
        return (
            (self.clients is None or connection.client.address in self.clients)
            and self.server in (None, server.address)
            and self.server_port in (None, server.port)
            and self.state in (None, connection.state)
            and self.protocol in (None, connection.protocol)
        )


@dataclass(frozen=True, slots=True)
class Tally:
    """How many there are."""

    connections: int = 0
    templates: int = 0

    def plus(self, other: Tally) -> Tally:
        return Tally(self.connections + other.connections, self.templates + other.templates)


@dataclass(frozen=True, slots=True)
class Ranking:
    """Who holds the most."""

    by: Grouping
    groups: tuple[tuple[str, Tally], ...]
    """The name of each and what it holds, most first."""
    total: Tally
    """What all hold, those that are not in ``groups``, too."""
    complete: bool = True
    """Whether ``groups`` has all of them."""
    too_low_by: int = 0
    """At most so much is missing in each number: 0, unless there are too many to count each."""


@dataclass(frozen=True, slots=True)
class TableState:
    """The kernel's connection table as a whole; None where this kernel does not say."""

    connections: int | None = None
    """Templates of persistence included."""
    limit: int | None = None
    """A new connection beyond it is dropped without a word."""
    estimating: bool = True
    """Whether rates and counters move; they stand still where estimation is switched off."""
