"""What a real server is to do with its replies, as a value. No I/O here.

Text forms of a port that it answers from, each the inverse of ``str``:

    tcp/80
    udp/53
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Final, Literal, Self

from lvsnat.errors import UsageError
from lvsnat.model.endpoint import Family, IPAddress, parse_port

TABLE: Final = 234
"""The routing table that replies ask; far from those of amazon-ec2-net-utils (10000 and more)."""
PRIORITY: Final = 110
"""Asked before the rules of amazon-ec2-net-utils (10000 and more) and before main (32766)."""

MAX_TABLE: Final = 2**32 - 1
RESERVED_TABLES: Final = frozenset({253, 254, 255})
"""default, main, local (linux/rtnetlink.h)."""
MAX_PRIORITY: Final = 32765
"""The last that is asked before main."""

_PROTOCOLS: Final[dict[str, Literal["tcp", "udp"]]] = {"tcp": "tcp", "udp": "udp"}
_BROADCAST: Final = IPv4Address("255.255.255.255")
_PORTS_HINT: Final = "write the ports that this server answers from: tcp/80, or tcp/80,udp/53"


@dataclass(frozen=True, slots=True)
class ReplyPort:
    """A port that this real server answers from: its own, not that of the VIP."""

    protocol: Literal["tcp", "udp"]
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``tcp/80`` or ``udp/53``; anything else is UsageError."""
        protocol, slash, port = text.partition("/")
        known = _PROTOCOLS.get(protocol)
        if not slash or known is None:
            raise UsageError(f"{text!r} is not a protocol and a port", _PORTS_HINT)
        number = parse_port(port)
        if number == 0:
            raise UsageError(
                f"{text!r}: nobody answers from port 0",
                "name each port, or leave --reply-only out to send everything by the director",
            )
        return cls(known, number)

    def __str__(self) -> str:
        return f"{self.protocol}/{self.port}"


def parse_reply_ports(text: str) -> tuple[ReplyPort, ...]:
    """Read ``tcp/80,udp/53``: each port once, in the order given."""
    return tuple(dict.fromkeys(ReplyPort.parse(one.strip()) for one in text.split(",")))


@dataclass(frozen=True, slots=True)
class GatewayWish:
    """The way back through the director, for one address family.

    One that makes no sense is UsageError.
    """

    via: IPAddress
    """The director's address in the servers' network; best its VIP, which a failover moves."""
    interface: str | None = None
    """By which the director is reached; None: found from the network that holds ``via``."""
    sources: tuple[IPAddress, ...] = ()
    """This server's own addresses that it answers from; none: found."""
    reply_ports: tuple[ReplyPort, ...] = ()
    """Only replies from these ports take the way; none: all that this server sends."""
    local_clients: bool = False
    """With ``reply_ports``: replies to clients in the servers' own network take it, too."""
    table: int = TABLE
    priority: int = PRIORITY

    def __post_init__(self) -> None:
        _check_via(self.via, self.interface)
        for source in self.sources:
            if source.version != self.via.version:
                raise UsageError(
                    f"{source} and {self.via} are of different address families",
                    "each family has its own way back: give the command once for each",
                )
        if self.local_clients and not self.reply_ports:
            raise UsageError(
                "clients in the servers' own network need --reply-only",
                "with the director as default gateway, this server still answers its neighbours"
                " directly",
            )
        if not 1 <= self.table <= MAX_TABLE or self.table in RESERVED_TABLES:
            raise UsageError(
                f"{self.table} is no number for a routing table of our own",
                f"take one from 1 to {MAX_TABLE}, but not 253, 254 or 255, the system's own",
            )
        if not 1 <= self.priority <= MAX_PRIORITY:
            raise UsageError(
                f"{self.priority} is no priority for the routing rules",
                f"take one from 1 to {MAX_PRIORITY}: the main table is asked at 32766",
            )

    @property
    def family(self) -> Family:
        return Family.of(self.via)


def _check_via(via: IPAddress, interface: str | None) -> None:
    if via.is_unspecified or via.is_multicast or via.is_loopback or via == _BROADCAST:
        raise UsageError(
            f"{via} is not an address of a director",
            "give its VIP, or its address in this server's network",
        )
    if via.is_link_local and interface is None:
        raise UsageError(
            f"{via} is a link-local address: every interface has such a network",
            "name the interface with --interface, or give a global address of the director",
        )
