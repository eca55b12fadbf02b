"""Addresses that traffic is sent to: listeners of services, endpoints of real servers.

Text forms, each the inverse of ``str``:

    tcp/192.168.1.50:80             one port; also udp/ and sctp/, IPv6 in brackets
    tcp/192.168.1.50:0              every port (needs persistence)
    tcp/192.168.1.50:8000-8100,9000 several ports, in ranges or one by one
    fwmark/7   fwmark/7/ipv6        whatever netfilter marked with 7
    192.168.2.55:8080               an endpoint: a real server
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Self

from lvsnat.errors import UsageError

IPAddress = IPv4Address | IPv6Address

MAX_PORT = 65535
MAX_MARK = 2**32 - 1


class Protocol(StrEnum):
    """A transport that IPVS balances."""

    TCP = "tcp"
    UDP = "udp"
    SCTP = "sctp"


class Family(IntEnum):
    """An address family, with the kernel's number (include/linux/socket.h)."""

    IPV4 = 2
    IPV6 = 10

    @classmethod
    def of(cls, address: IPAddress) -> Family:
        return cls.IPV4 if address.version == 4 else cls.IPV6  # noqa: PLR2004 - IP version 4

    @property
    def label(self) -> str:
        return self.name.lower()

    @property
    def bits(self) -> int:
        """The length of an address, in bits."""
        return 32 if self is Family.IPV4 else 128


def parse_address(text: str) -> IPAddress:
    """Read an IPv4 or IPv6 address; brackets around IPv6 are allowed."""
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        return ip_address(bare)
    except ValueError:
        raise UsageError(
            f"{text!r} is not an IP address",
            "write an IPv4 address such as 192.168.2.55 or an IPv6 one such as 2001:db8::55;"
            " names are not resolved",
        ) from None


def parse_port(text: str) -> int:
    """Read a port number, 0 to 65535."""
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(MAX_PORT))
    if not digits or int(text) > MAX_PORT:
        raise UsageError(f"{text!r} is not a port", "a port is a number from 0 to 65535")
    return int(text)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address and a port."""

    address: IPAddress
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``192.168.2.55:80`` or ``[2001:db8::55]:80``."""
        host, port = _host_and_port(text)
        return cls(parse_address(host), parse_port(port))

    @property
    def family(self) -> Family:
        return Family.of(self.address)

    def __str__(self) -> str:
        if self.address.version == 4:  # noqa: PLR2004 - IP version 4
            return f"{self.address}:{self.port}"
        return f"[{self.address}]:{self.port}"


def _host_and_port(text: str) -> tuple[str, str]:
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):
        raise UsageError(
            f"{text!r} is not an address and a port",
            "write it as 192.168.2.55:80 or [2001:db8::55]:80",
        )
    return host, port


@dataclass(frozen=True, slots=True, order=True)
class PortRange:
    """The ports from the first to the last, both included."""

    first: int
    last: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``8000-8100``, or ``9000`` for a range of one port."""
        low, dash, high = text.partition("-")
        first = parse_port(low)
        last = parse_port(high) if dash else first
        if first == 0:
            raise UsageError(
                f"{text!r}: port 0 stands for every port, not for one among several",
                "write tcp/192.168.1.50:1-65535 for every port, or name the ports",
            )
        if first > last:
            raise UsageError(f"{text!r} runs backwards", f"write {last}-{first}")
        return cls(first, last)

    def overlaps(self, other: PortRange) -> bool:
        return self.first <= other.last and other.first <= self.last

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


@dataclass(frozen=True, slots=True)
class AddressListener:
    """A service on one address, protocol and port; port 0 means every port."""

    protocol: Protocol
    endpoint: Endpoint

    @property
    def address(self) -> IPAddress:
        return self.endpoint.address

    @property
    def family(self) -> Family:
        return self.endpoint.family

    @property
    def ports(self) -> tuple[PortRange, ...]:
        """What it takes, in the form of a listener of several ports."""
        port = self.endpoint.port
        return (PortRange(port or 1, port or MAX_PORT),)

    def __str__(self) -> str:
        return f"{self.protocol}/{self.endpoint}"


@dataclass(frozen=True, slots=True)
class PortsListener:
    """A service on several ports of one address and protocol.

    IPVS has no such thing: netfilter marks the packets, and the service takes the mark (`marks`).
    """

    protocol: Protocol
    address: IPAddress
    ports: tuple[PortRange, ...]
    """Sorted, and apart from each other by a port at least, so that ``==`` is sameness."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "ports", _merged(self.ports))

    @property
    def family(self) -> Family:
        return Family.of(self.address)

    def __str__(self) -> str:
        address = self.address if self.family is Family.IPV4 else f"[{self.address}]"
        return f"{self.protocol}/{address}:{','.join(map(str, self.ports))}"


def _merged(ranges: Iterable[PortRange]) -> tuple[PortRange, ...]:
    apart: list[PortRange] = []
    for one in sorted(ranges):
        if apart and one.first <= apart[-1].last + 1:
            apart[-1] = PortRange(apart[-1].first, max(apart[-1].last, one.last))
        else:
            apart.append(one)
    return tuple(apart)


@dataclass(frozen=True, slots=True)
class MarkListener:
    """A service for every packet that carries a firewall mark."""

    mark: int
    family: Family = Family.IPV4

    def __str__(self) -> str:
        suffix = "/ipv6" if self.family is Family.IPV6 else ""
        return f"fwmark/{self.mark}{suffix}"


Listener = AddressListener | PortsListener | MarkListener
"""What a configuration can listen on."""
KernelListener = AddressListener | MarkListener
"""What IPVS can listen on."""

LISTENER_HINT = (
    "write it as tcp/192.168.1.50:80, tcp/192.168.1.50:8000-8100,9000, udp/[2001:db8::50]:53,"
    " sctp/... or fwmark/7"
)


def parse_listener(text: str) -> Listener:
    """Read a listener in any of the forms above."""
    kind, slash, rest = text.partition("/")
    if not slash:
        raise UsageError(f"{text!r} is not a listener", _listener_hint(text))
    if kind == "fwmark":
        return _parse_mark(text, rest)
    try:
        protocol = Protocol(kind)
    except ValueError:
        raise UsageError(f"{text!r}: unknown protocol {kind!r}", LISTENER_HINT) from None
    host, ports = _host_and_port(rest)
    if "-" not in ports and "," not in ports:
        return AddressListener(protocol, Endpoint.parse(rest))
    listener = PortsListener(
        protocol, parse_address(host), tuple(map(PortRange.parse, ports.split(",")))
    )
    only = listener.ports[0]
    if len(listener.ports) == 1 and only.first == only.last:  # 80-80: one port has one spelling
        return AddressListener(protocol, Endpoint(listener.address, only.first))
    return listener


def _listener_hint(text: str) -> str:
    try:
        return f"name its protocol, too: tcp/{Endpoint.parse(text)}, or udp/..., sctp/..."
    except UsageError:
        return LISTENER_HINT


def as_written(text: str) -> str:
    """A listener in the one spelling that ``str`` has for it; any other text as it is."""
    try:
        return str(parse_listener(text))
    except UsageError:
        return text


def parse_kernel_listener(text: str) -> KernelListener:
    """Read a listener that IPVS has a form for: one port, every port, or a firewall mark."""
    listener = parse_listener(text)
    if isinstance(listener, PortsListener):
        raise UsageError(f"{text!r}: IPVS itself knows no list of ports", "name one port, or 0")
    return listener


def _parse_mark(text: str, rest: str) -> MarkListener:
    number, slash, family = rest.partition("/")
    families = {"ipv4": Family.IPV4, "ipv6": Family.IPV6} | ({} if slash else {"": Family.IPV4})
    digits = number.isascii() and number.isdigit() and len(number) <= len(str(MAX_MARK))
    if not digits or not 1 <= int(number) <= MAX_MARK or family not in families:
        raise UsageError(
            f"{text!r} is not a firewall mark",
            f"write it as fwmark/7 or fwmark/7/ipv6; a mark is a number from 1 to {MAX_MARK}",
        )
    return MarkListener(int(number), families[family])
