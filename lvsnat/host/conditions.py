"""Whether a packet meets the conditions of a rule that nft lists. No I/O here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from lvsnat.host.rulewords import Json
from lvsnat.model.endpoint import Family, IPAddress


@dataclass(frozen=True, slots=True)
class Packet:
    """What is known of a packet; None is not known."""

    state: str
    """What connection tracking takes it for."""
    source: IPAddress | None = None
    destination: IPAddress | None = None
    port: int | None = None
    """Where it goes, if it is known to be TCP."""
    redirected: bool = False
    outgoing: str | None = None
    """The interface that it leaves by."""

    @property
    def family(self) -> Family:
        known = self.source or self.destination
        return Family.IPV4 if known is None else Family.of(known)


def holds(statement: Json, packet: Packet, *, alone: bool = False) -> bool | None:
    """Whether a rule goes on behind this statement; None where that cannot be known for sure."""
    match statement:
        case {"match": {"op": str(op), "left": left, "right": right}}:
            known = _matches(left, right, packet)
            return None if known is None else known is (op != "!=")
        case {"xt": {"type": "match", "name": "conntrack"}}:
            # nft does not say which states: in iptables it is nearly always the established ones.
            if packet.state == "new" and not alone:
                return None
            return packet.state == "established"
        case {"xt": {"type": "match"}} | {"limit": _} | {"vmap": _}:
            return None
        case _:
            return True


def _matches(left: Json, right: Json, packet: Packet) -> bool | None:
    """Whether a packet has a value; None where that depends on more than is known."""
    match left:
        case {"payload": {"protocol": "ip" | "ip6", "field": "saddr"}}:
            return _contains(right, packet.source)
        case {"payload": {"protocol": "ip" | "ip6", "field": "daddr"}}:
            return _contains(right, packet.destination)
        case {"payload": {"protocol": str(protocol), "field": "dport"}}:
            return _goes_to(protocol, right, packet)
        case {"ct": {"key": str(key)}}:
            return _ct(key, right, packet)
        case {"meta": {"key": str(key)}}:
            return _meta(key, right, packet)
        case _:
            return None


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
        case "l4proto" if packet.port is not None:
            return "tcp" in elements(right)
        case "iifname" | "iif":
            # None of these packets is the host's own.
            return False if elements(right) == ["lo"] else None
        case "oifname" | "oif" if packet.outgoing is not None:
            return packet.outgoing in elements(right)
        case _:
            return None


def _goes_to(protocol: str, right: Json, packet: Packet) -> bool | None:
    if packet.port is None:
        return None
    return protocol in ("tcp", "th") and _has_port(right, packet.port)


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
