"""Whether a packet meets a condition, and whether that is known."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from lvsnat.host.conditions import Packet, holds
from lvsnat.host.rulewords import Json

SIX = Packet("new", ip_address("2001:2::1"), ip_address("fd00:1::50"), 80)
VIP, CLIENT = ip_address("192.168.1.50"), ip_address("198.18.0.1")
WEB = Packet("new", CLIENT, VIP, 80, local=True)
DATAGRAM = Packet("new", CLIENT, VIP, 53, protocol="udp")
TOO_BIG = Packet("invalid", CLIENT, VIP, protocol="icmp")


def match(protocol: str, field: str, right: Json, op: str = "==") -> Json:
    left: Json = {"payload": {"protocol": protocol, "field": field}}
    return {"match": {"op": op, "left": left, "right": right}}


def xt(name: str) -> Json:
    return {"xt": {"type": "match", "name": name}}


def fib(value: Json) -> Json:
    left: Json = {"fib": {"result": "type", "flags": ["daddr"]}}
    return {"match": {"op": "==", "left": left, "right": value}}


@pytest.mark.parametrize(
    ("statement", "packet", "expected"),
    [
        (match("tcp", "dport", 80), WEB, True),
        (match("tcp", "dport", 80), DATAGRAM, False),
        (match("udp", "dport", 80, "!="), WEB, False),
        (match("icmpv6", "type", "packet-too-big", "!="), SIX, False),
        (match("ip", "saddr", "10.0.0.1", "!="), SIX, False),
        (match("ip", "saddr", "10.0.0.1", "!="), WEB, True),
        (match("ip", "protocol", "icmp"), TOO_BIG, True),
        (match("ip", "protocol", "icmp"), WEB, False),
        (
            match("icmp", "type", {"set": ["echo-request", "destination-unreachable"]}),
            TOO_BIG,
            True,
        ),
        (match("icmp", "type", "echo-request"), TOO_BIG, False),
        (match("icmp", "code", 4), TOO_BIG, None),
        (match("tcp", "dport", 80), TOO_BIG, False),
        (xt("tcp"), DATAGRAM, False),
        (xt("tcp"), WEB, None),
        (xt("icmp6"), WEB, False),
        (xt("addrtype"), WEB, True),
        (xt("addrtype"), DATAGRAM, None),
        (xt("recent"), WEB, None),
        (xt("conntrack"), TOO_BIG, False),
        (fib("local"), WEB, True),
        (fib("broadcast"), WEB, False),
        (fib("local"), DATAGRAM, None),
    ],
)
def test_a_condition_holds_or_not_or_is_not_known(
    statement: Json, packet: Packet, *, expected: bool | None
) -> None:
    assert holds(statement, packet) is expected
