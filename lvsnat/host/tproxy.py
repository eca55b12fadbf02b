"""The chains of our nft table that haproxy-tproxy and a switch of modes need. No I/O here.

``divert`` gives the replies to HAProxy's connections, which are addressed to the clients, a mark;
routing takes what is marked to HAProxy. ``switch`` sends new connections, and only their first
packet is asked, from a service's port to its side port; ``keepct`` keeps connection tracking
loaded, without which those connections were reset when ``switch`` is emptied.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from lvsnat.host.expressions import IP, Expressions, Object, base_chain, counter, field, match
from lvsnat.host.rulewords import Json
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Endpoint, Family, IPAddress, parse_address
from lvsnat.model.proxied import is_proxied, side_ports
from lvsnat.model.service import VirtualService

DIVERT: Final = "divert"
KEEPCT: Final = "keepct"
SWITCH: Final = "switch"

_TCP: Final = match({"meta": {"key": "l4proto"}}, ["tcp"])
_MARK: Final[Json] = {"meta": {"key": "mark"}}
_FIRST_PACKET: Final = match({"&": [field("tcp", "flags"), ["fin", "syn", "rst", "ack"]]}, ["syn"])
"""Packets of connections that IPVS holds must pass: to connection tracking they look new."""


def diverted_families(config: Config) -> tuple[Family, ...]:
    """The families in which replies to HAProxy must be caught now."""
    if not config.phase.diverts:
        return ()
    found = {service.listen.family for service in config.services if is_proxied(service)}
    return tuple(sorted(found))


def marks_itself(service: VirtualService, config: Config) -> bool:
    """Whether new connections of a service of several ports are to be marked for IPVS now.

    While they are steered they are not: IPVS takes what has its mark, at any port. Connections that
    it holds already it knows without the mark.
    """
    return not (config.phase.steers and is_proxied(service))


def chains(config: Config) -> Iterator[Object]:
    """The chains for the present phase."""
    if not diverted_families(config):
        return
    yield from base_chain(DIVERT, "filter", "prerouting", -150, _divert(config.haproxy.mark))
    if config.phase.settles:
        keeping: Expressions = [match({"ct": {"key": "state"}}, ["new"], "in"), counter()]
        yield from base_chain(KEEPCT, "filter", "forward", 0, [keeping])
        # Empty, the chain stays: connections that were redirected live as long as it is there.
        steering = list(_steering(config)) if config.phase.steers else []
        yield from base_chain(SWITCH, "nat", "prerouting", -100, steering)


def _divert(mark: int) -> list[Expressions]:
    """Two rules: with ``wildcard`` in the second, half-open and closing sockets are overlooked."""
    return [
        [_TCP, match({"socket": {"key": "wildcard"}}, [1]), {"return": None}],
        [
            _TCP,
            match({"socket": {"key": "transparent"}}, [1]),
            counter(),
            {"mangle": {"key": _MARK, "value": {"|": [_MARK, mark]}}},
            {"accept": None},
        ],
    ]


def _steering(config: Config) -> Iterator[Expressions]:
    """One rule for each VIP, however many ports it has."""
    by_vip: dict[IPAddress, list[tuple[int, int]]] = {}
    for place, side in side_ports(config).items():
        by_vip.setdefault(place.address, []).append((place.port, side))
    for vip in sorted(by_vip, key=lambda one: (one.version, int(one))):
        ports = sorted(by_vip[vip])
        ip = IP[Family.of(vip)]
        dport = field("tcp", "dport")
        target: Json = ports[0][1]
        if len(ports) > 1:
            pairs: list[Json] = [[port, side] for port, side in ports]
            target = {"map": {"key": dport, "data": {"set": pairs}}}
        yield [
            match(field(ip, "daddr"), [str(vip)]),
            match(dport, [port for port, _ in ports]),
            _FIRST_PACKET,
            counter(),
            {"dnat": {"family": ip, "addr": str(vip), "port": target}},
        ]


def mark_of(objects: tuple[str, ...]) -> int | None:
    """The bits that a table's chain ``divert`` sets; None where it has no such rule."""
    for expressions in _rules(objects, DIVERT):
        for one in expressions:
            match one:
                case {"mangle": {"value": {"|": [_, int(mark)]}}}:
                    return mark
                case _:
                    pass
    return None


def meets_ipvs(objects: tuple[str, ...]) -> bool:
    """Whether a table is of a phase in which IPVS and HAProxy may have the same connections."""
    return any(json.loads(one).get("chain", {}).get("name") == SWITCH for one in objects)


def steered_to(objects: tuple[str, ...]) -> tuple[Endpoint, ...]:
    """The side ports that a table sends new connections to."""
    return tuple(
        Endpoint(parse_address(address), port)
        for expressions in _rules(objects, SWITCH)
        for address, ports in _targets(expressions)
        for port in ports
    )


def _targets(expressions: Expressions) -> Iterator[tuple[str, list[int]]]:
    for one in expressions:
        match one:
            case {"dnat": {"addr": str(address), "port": int(port)}}:
                yield address, [port]
            case {"dnat": {"addr": str(address), "port": {"map": {"data": {"set": [*pairs]}}}}}:
                yield (
                    address,
                    [
                        pair[1]
                        for pair in pairs
                        if isinstance(pair, list) and isinstance(pair[1], int)
                    ],
                )
            case _:
                pass


def _rules(objects: tuple[str, ...], chain: str) -> Iterator[Expressions]:
    for text in objects:
        match json.loads(text):
            case {"rule": {"chain": str(name), "expr": [*expressions]}} if name == chain:
                yield expressions
            case _:
                pass
