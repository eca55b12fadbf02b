"""Whether a packet meets the conditions of a rule that nft lists. No I/O here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from lvsnat.host.rulewords import Json
from lvsnat.model.endpoint import Family, IPAddress

_TOO_BIG = {"icmp": "destination-unreachable", "icmpv6": "packet-too-big"}
_PROTOCOLS = {
    "tcp": "tcp",
    "udp": "udp",
    "sctp": "sctp",
    "icmp": "icmp",
    "icmp6": "icmpv6",
    "ipv6-icmp": "icmpv6",
}
"""The names that nft and iptables have for the protocols that a packet may be of."""


@dataclass(frozen=True, slots=True)
class Packet:
    """What is known of a packet; None is not known."""

    state: str
    """What connection tracking takes it for."""
    source: IPAddress | None = None
    destination: IPAddress | None = None
    port: int | None = None
    """Where it goes, if its protocol is known."""
    redirected: bool = False
    outgoing: str | None = None
    """The interface that it leaves by."""
    protocol: str = "tcp"
    """Of one of whose ports something is known."""
    source_port: int | None = None
    incoming: str | None = None
    """The interface that it came in by."""
    local: bool | None = None
    """Whether this host has its destination."""

    @property
    def family(self) -> Family:
        known = self.source or self.destination
        return Family.IPV4 if known is None else Family.of(known)


def holds(statement: Json, packet: Packet, *, alone: bool = False) -> bool | None:
    """Whether a rule goes on behind this statement; None where that cannot be known for sure."""
    match statement:
        case {"match": {"op": str(op), "left": left, "right": right}}:
            if _is_of_another(left, packet):
                return False  # Also with "!=": nft asks for the protocol itself.
            known = _matches(left, right, packet)
            return None if known is None else known is (op != "!=")
        case {"xt": {"type": "match", "name": str(name)}}:
            return _of_iptables(name, packet, alone=alone)
        case {"limit": _} | {"vmap": _}:
            return None
        case _:
            return True


def _is_of_another(left: Json, packet: Packet) -> bool:
    """Whether a field belongs to a protocol that the packet is not of."""
    match left:
        case {"payload": {"protocol": "ip" | "ip6" as name}}:
            return name != ("ip" if packet.family is Family.IPV4 else "ip6")
        case {"payload": {"protocol": str(name)}} if name in _PROTOCOLS.values():
            return name != packet.protocol and _is_known(packet)
        case _:
            return False


def _of_iptables(name: str, packet: Packet, *, alone: bool) -> bool | None:
    """Of a condition of iptables, nft says no more than the name."""
    match name:
        case "conntrack":  # The states that it asks for are nearly always the established ones.
            if packet.state == "new" and not alone:
                return None
            return packet.state == "established"
        case "addrtype":  # Where destinations are asked, as Docker does, it is this host's own.
            return packet.local
        case _ if _has_protocol(name, packet) is False and name in _PROTOCOLS:
            return False
        case _:
            return None


def _matches(left: Json, right: Json, packet: Packet) -> bool | None:
    """Whether a packet has a value; None where that depends on more than is known."""
    match left:
        case {"payload": {"protocol": str(protocol), "field": str(field)}}:
            return _payload(protocol, field, right, packet)
        case {"ct": {"key": str(key)}}:
            return _ct(key, right, packet)
        case {"meta": {"key": str(key)}}:
            return _meta(key, right, packet)
        case {"fib": {"result": "type", "flags": ["daddr"]}} if packet.local is not None:
            return packet.local is ("local" in elements(right))
        case _:
            return None


def _payload(protocol: str, field: str, right: Json, packet: Packet) -> bool | None:
    match protocol, field:
        case "ip" | "ip6", "saddr":
            return _contains(right, packet.source)
        case "ip" | "ip6", "daddr":
            return _contains(right, packet.destination)
        case "ip" | "ip6", "protocol" | "nexthdr":
            return _has_protocol(right, packet)
        case "icmp" | "icmpv6", _:
            return _too_big(protocol, field, right, packet)
        case _, "dport" | "sport":
            port = packet.port if field == "dport" else packet.source_port
            return _uses(protocol, right, packet, port)
        case _:
            return None


def _too_big(protocol: str, field: str, right: Json, packet: Packet) -> bool | None:
    """ICMP here is always the one of a packet that is too big."""
    if protocol != packet.protocol:
        return False if _is_known(packet) else None
    return _TOO_BIG[protocol] in elements(right) if field == "type" else None


def _ct(key: str, right: Json, packet: Packet) -> bool | None:
    match key:
        case "state":
            return packet.state in elements(right)
        case "status" if "dnat" in elements(right):
            return packet.redirected
        case _:
            return None


def _meta(key: str, right: Json, packet: Packet) -> bool | None:
    match key:
        case "nfproto":
            return packet.family.label in elements(right)
        case "l4proto":
            return _has_protocol(right, packet)
        case "iifname" | "iif" if packet.incoming is None:
            # None of these packets is the host's own.
            return False if elements(right) == ["lo"] else None
        case "iifname" | "iif":
            return _names(right, packet.incoming or "")
        case "oifname" | "oif" if packet.outgoing is not None:
            return _names(right, packet.outgoing)
        case _:
            return None


def _names(value: Json, interface: str) -> bool | None:
    """Whether an interface is among these; ``eth*`` is all that begin so."""
    found: bool | None = False
    for one in elements(value):
        text = str(one)
        if text == interface or (text.endswith("*") and interface.startswith(text[:-1])):
            return True
        if text.startswith("@"):  # A named set: its elements stand elsewhere.
            found = None
    return found


def _has_protocol(value: Json, packet: Packet) -> bool | None:
    asked = {_PROTOCOLS.get(str(one), one) for one in elements(value)}
    return packet.protocol in asked if _is_known(packet) else None


def _uses(protocol: str, right: Json, packet: Packet, port: int | None) -> bool | None:
    if port is None:
        return False if protocol not in (packet.protocol, "th") and _is_known(packet) else None
    return protocol in (packet.protocol, "th") and _has_port(right, port)


def _is_known(packet: Packet) -> bool:
    """Whether its protocol is."""
    ports = packet.port is not None or packet.source_port is not None
    return ports or packet.protocol in _TOO_BIG


def _has_port(value: Json, port: int) -> bool | None:
    found: bool | None = False
    for one in elements(value):
        match one:
            case {"range": [int(first), int(last)]} if first <= port <= last:
                return True
            case int(number) if number == port:
                return True
            case str():  # A named set: its elements stand elsewhere.
                found = None
            case _:
                pass
    return found


def elements(value: Json) -> Sequence[Json]:
    """The values that a rule compares with."""
    match value:
        case {"set": [*several]} | [*several]:
            return several
        case _:
            return [value]


def _contains(value: Json, address: IPAddress | None) -> bool | None:
    if address is None:
        return None
    found: bool | None = False
    for one in elements(value):
        match one:
            case {"prefix": {"addr": str(network), "len": int(length)}}:
                inside = address in ip_network(f"{network}/{length}", strict=False)
            case {"range": [str(first), str(last)]}:
                inside = int(ip_address(first)) <= int(address) <= int(ip_address(last))
            case str(text) if not text.startswith("@"):
                inside = ip_address(text) == address
            case _:  # A named set: its elements stand elsewhere.
                found = None
                continue
        if inside:
            return True
    return found
