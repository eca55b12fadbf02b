"""The nft table ``inet lvsnat`` as a value, and what a configuration puts into it. No I/O here.

The table is one resource, made of the objects that nft(8) itself lists as JSON (a documented form,
libnftables-json(5)): what is loaded, what is read back and what is restored after a failure are
the same text, so ``==`` is the drift test. What the kernel adds is left out: handles, counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import ClassVar, Final

from netaddr import IPSet

from lvsnat.host import tproxy
from lvsnat.host.expressions import (
    FAMILY,
    IP,
    NAME,
    Expressions,
    Object,
    base_chain,
    counter,
    field,
    match,
)
from lvsnat.host.rulewords import Json, words_of
from lvsnat.model.config import MASQUERADE, Config, HostOptions, IPNetwork
from lvsnat.model.endpoint import Family, IPAddress, MarkListener, PortRange, PortsListener
from lvsnat.model.marks import kernel_listeners
from lvsnat.model.proxied import ipvs_services
from lvsnat.model.resource import Key, Stage, Standalone
from lvsnat.model.service import VirtualService

NFT: Final = "nft table"
TABLE_KEY: Final = Key(NFT, f"{FAMILY} {NAME}")

IMDS: Final = (ip_address("169.254.169.254"), ip_address("fd00:ec2::254"))
"""Where the cloud's metadata service answers whoever asks."""

_FORGOTTEN = frozenset({"handle", "index"})
_ORDER = {"table": 0, "set": 1, "map": 1, "chain": 2}


@dataclass(frozen=True, slots=True)
class NftTable(Standalone):
    """The whole table: it is replaced in one transaction, never edited rule by rule."""

    stage: ClassVar[Stage] = Stage.CUTOVER
    """After the services, since its marks send traffic to them; and gone before they go."""
    shared: ClassVar[bool] = False

    objects: tuple[str, ...]
    """The table itself, sets, chains and rules in a fixed order, each as JSON."""

    @classmethod
    def of(cls, listing: Iterable[Object]) -> NftTable:
        """Make the value of what nft lists, or of what it is to load."""
        kept = [_without_numbers(one) for one in listing if "metainfo" not in one]
        kept.sort(key=_place)  # Stable: the order of the rules of a chain has a meaning.
        return cls(tuple(map(_text, kept)))

    @property
    def key(self) -> Key:
        return TABLE_KEY

    def settings(self) -> Mapping[str, str]:
        """The rules of each chain, in nft's words."""
        found: dict[str, list[str]] = {}
        for text in self.objects:
            chain, rule = words_of(json.loads(text))
            found.setdefault(chain, []).extend(rule)
        return {chain: "; ".join(rules) for chain, rules in found.items() if rules}


def table_for(config: Config) -> NftTable | None:
    """The table that a configuration asks for; None while it needs no rule."""
    if not config.services:
        return None
    marks = list(_marks(config))
    chains = [
        list(tproxy.chains(config)),
        _chain("prerouting", "filter", "prerouting", -150, marks),
        # The director's own connections meet IPVS at the hook output, not at prerouting.
        _chain("output", "route", "output", -150, marks),
        _chain("forward", "filter", "forward", 0, list(_imds(config.host))),
        _chain("egress", "nat", "postrouting", 100, list(_egress(config))),
    ]
    objects = [one for chain in chains for one in chain]
    table: Object = {"table": {"family": FAMILY, "name": NAME}}
    return NftTable.of([table, *objects]) if objects else None


def _chain(
    name: str, kind: str, hook: str, priority: int, rules: list[Expressions]
) -> list[Object]:
    """A base chain with its rules; nothing where there are none."""
    return base_chain(name, kind, hook, priority, rules) if rules else []


def _marks(config: Config) -> Iterator[Expressions]:
    # Over all services, so that each keeps its mark while the modes are switched.
    listeners = kernel_listeners(config.services)
    for service in ipvs_services(config):
        listen, known = service.listen, listeners[service.listen]
        if not (isinstance(listen, PortsListener) and isinstance(known, MarkListener)):
            continue
        if tproxy.marks_itself(service, config):
            yield [
                match(field(IP[listen.family], "daddr"), [str(listen.address)]),
                match(field(str(listen.protocol), "dport"), [*map(_ports, listen.ports)]),
                {"mangle": {"key": {"meta": {"key": "mark"}}, "value": known.mark}},
            ]


def _imds(host: HostOptions) -> Iterator[Expressions]:
    for address in IMDS if host.block_imds else ():
        where = field(IP[Family.of(address)], "daddr")
        yield [match(where, [str(address)]), counter(), {"drop": None}]


def _egress(config: Config) -> Iterator[Expressions]:
    """Give the real servers' own connections another source, and nothing else.

    What IPVS forwards is left out twice: its replies have the VIP as their source, and what clients
    sent was for a VIP, or a mark, before IPVS gave it a real server for its destination.
    """
    host = config.host
    if host.egress is None:
        return
    by_family: dict[Family, list[IPNetwork]] = {family: [] for family in Family}
    for network in host.egress_networks:
        by_family[Family.of(network.network_address)].append(network)
    yield [match({"fib": {"result": "type", "flags": ["saddr"]}}, ["local"]), {"return": None}]
    for family, networks in by_family.items():
        vips = _vips(config.services, family)
        if networks and vips:
            original: Json = {"ct": {"key": f"{IP[family]} daddr", "dir": "original"}}
            yield [match(original, vips), {"return": None}]
    marks = sorted({s.listen.mark for s in config.services if isinstance(s.listen, MarkListener)})
    if marks:
        yield [match({"meta": {"key": "mark"}}, [*marks]), {"return": None}]
    for family, networks in by_family.items():
        if networks:
            theirs = _networks(networks)
            yield [
                match(field(IP[family], "saddr"), theirs),
                match(field(IP[family], "daddr"), theirs, "!="),
                _translation(host.egress, family),
            ]


def _networks(networks: Iterable[IPNetwork]) -> list[Json]:
    """Merged, since a set of nft refuses what overlaps; one host is an address, as nft lists it."""
    merged = IPSet(map(str, networks)).iter_cidrs()
    return [
        str(one.network)
        if one.size == 1
        else {"prefix": {"addr": str(one.network), "len": one.prefixlen}}
        for one in merged
    ]


def _vips(services: Iterable[VirtualService], family: Family) -> list[Json]:
    addresses: set[IPAddress] = {
        s.listen.address
        for s in services
        if not isinstance(s.listen, MarkListener) and s.listen.family is family
    }
    return [str(address) for address in sorted(addresses, key=int)]


def _translation(egress: IPAddress | str, family: Family) -> Json:
    if egress == MASQUERADE:
        return {"masquerade": None}
    return {"snat": {"family": IP[family], "addr": str(egress)}}


def _ports(ports: PortRange) -> Json:
    return ports.first if ports.first == ports.last else {"range": [ports.first, ports.last]}


def _place(one: Object) -> tuple[int, str]:
    ((kind, body),) = one.items()
    name = body.get("chain", "") if isinstance(body, dict) else ""
    return _ORDER.get(kind, 3), str(name)


def _in_a_set(element: Json) -> tuple[int, str]:
    match element:
        case int(first) | {"range": [int(first), int()]} | [int(first), _]:
            return first, ""
        case _:
            return 0, _text(element)


def _text(value: Json) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _without_numbers(one: Object) -> Object:
    """An object as a person would write it, without what differs from one listing to the next."""
    ((kind, body),) = one.items()
    if isinstance(body, dict):
        body = {key: _plain(value) for key, value in body.items() if key not in _FORGOTTEN}
    return {kind: body}


def _plain(value: Json) -> Json:
    match value:
        case list():
            return [_plain(one) for one in value]
        case {"set": [*elements]}:
            return {"set": sorted(map(_plain, elements), key=_in_a_set)}
        case {"counter": {"packets": int()}}:
            return {"counter": {"packets": 0, "bytes": 0}}
        case {"fib": {"flags": str(flag), "result": result}}:
            return {"fib": {"flags": [flag], "result": result}}
        case dict():
            # Newer versions of nft join the names of flags where older ones list them.
            return _flat(value) or {key: _plain(each) for key, each in value.items()}
        case _:
            return value


def _flat(alternatives: Json) -> list[Json] | None:
    """The names that are joined by ``|``, however deep; None where it joins something else."""
    match alternatives:
        case str(word):
            return [word]
        case {"|": [*operands]} | [*operands]:
            parts = [_flat(one) for one in operands]
            if any(part is None for part in parts):
                return None
            return [word for part in parts for word in part or ()]
        case _:
            return None
