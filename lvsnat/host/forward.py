"""Which rules of others would drop what the real servers answer, by reading them. No I/O here.

A reply passes the hook ``forward`` with the real server's address, before IPVS gives it that of the
VIP: priority 0 comes before IPVS's 100. And without ``net.ipv4.vs.conntrack`` connection tracking
saw no beginning of the connection: to it a reply is not ``established``; in TCP it is ``invalid``.

A rule that cannot be read for sure is passed over. So a warning may be one too many; the remedy
that it names ends it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from ipaddress import ip_address, ip_network

from lvsnat.host.rulewords import Json
from lvsnat.model.caution import Caution
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Family, IPAddress

Listing = Iterable[Mapping[str, Json]]

_DEPTH = 16
"""The kernel's own limit of jumps."""
_FAMILIES = {"ip": {Family.IPV4}, "ip6": {Family.IPV6}, "inet": set(Family)}
_DOCKER = "DOCKER-USER"
"""The chain that Docker leaves to the administrator."""
_SHOWN = 3


class _Verdict(Enum):
    ACCEPT = auto()
    DROP = auto()


@dataclass(frozen=True, slots=True)
class _Reply:
    """A packet of a real server, on its way to a client."""

    source: IPAddress
    state: str
    """What connection tracking takes it for."""


@dataclass(slots=True)
class _Chain:
    family: str
    table: str
    name: str
    hook: str | None
    policy: str
    rules: list[Sequence[Json]]


def cautions(listing: Listing, config: Config, *, tracked: bool) -> Iterator[Caution]:
    """Name each chain that drops replies; ``tracked`` is ``net.ipv4.vs.conntrack``."""
    chains = _chains(listing)
    sources = dict.fromkeys(s.endpoint.address for wish in config.services for s in wish.servers)
    state = "established" if tracked else "invalid"
    for chain in chains.values():
        if chain.hook == "forward":
            families = _FAMILIES.get(chain.family, set())
            dropped = [
                source
                for source in sources
                if Family.of(source) in families and _drops(chain, chains, _Reply(source, state))
            ]
            for family in Family:
                mine = [source for source in dropped if Family.of(source) is family]
                if mine:
                    yield _caution(chain, chains, mine)


_Chains = dict[tuple[str, str, str], _Chain]


def _chains(listing: Listing) -> _Chains:
    found: _Chains = {}
    for one in listing:
        match one:
            case {"chain": {"family": str(family), "table": str(table), "name": str(name), **more}}:
                hook, policy = more.get("hook"), more.get("policy", "accept")
                found[family, table, name] = _Chain(
                    family, table, name, str(hook) if hook else None, str(policy), []
                )
            case {
                "rule": {
                    "family": str(family), "table": str(table), "chain": str(name),
                    "expr": [*expressions],
                }
            }:  # fmt: skip
                found[family, table, name].rules.append(expressions)
            case _:
                pass
    return found


def _drops(chain: _Chain, chains: _Chains, reply: _Reply) -> bool:
    verdict = _walk(chain, chains, reply, _DEPTH)
    return verdict is _Verdict.DROP or (verdict is None and chain.policy == "drop")


def _walk(chain: _Chain, chains: _Chains, reply: _Reply, depth: int) -> _Verdict | None:
    """What becomes of a packet in a chain; None where it comes out at the end."""
    for rule in chain.rules if depth else ():
        if not all(_holds(one, reply) for one in rule):
            continue
        for one in rule:
            match one:
                case {"accept": None}:
                    return _Verdict.ACCEPT
                case {"drop": None} | {"reject": _} | {"xt": {"name": "REJECT"}}:
                    return _Verdict.DROP
                case {"return": None}:
                    return None
                case {"jump": {"target": str(name)}} | {"goto": {"target": str(name)}}:
                    target = chains.get((chain.family, chain.table, name))
                    verdict = None
                    if target is not None:
                        verdict = _walk(target, chains, reply, depth - 1)
                    if verdict is not None or (isinstance(one, dict) and "goto" in one):
                        return verdict
                case _:
                    pass
    return None


def _holds(statement: Json, reply: _Reply) -> bool:
    """Whether a rule goes on behind this statement, as far as can be known for sure."""
    match statement:
        case {"match": {"op": str(op), "left": left, "right": right}}:
            known = _matches(left, right, reply)
            return known is not None and known is (op != "!=")
        case {"xt": {"type": "match", "name": "conntrack"}}:
            # nft does not say which states: in iptables it is nearly always the established ones.
            return reply.state == "established"
        case {"xt": {"type": "match"}} | {"limit": _} | {"vmap": _}:
            return False
        case _:
            return True


def _matches(left: Json, right: Json, reply: _Reply) -> bool | None:
    """Whether a packet has a value; None where that depends on more than is known."""
    match left:
        case {"payload": {"protocol": "ip" | "ip6", "field": "saddr"}}:
            return _contains(right, reply.source)
        case {"ct": {"key": "state"}}:
            return reply.state in _elements(right)
        case {"meta": {"key": "nfproto"}}:
            return Family.of(reply.source).label in _elements(right)
        case _:
            return None


def _elements(value: Json) -> Sequence[Json]:
    match value:
        case {"set": [*elements]} | [*elements]:
            return elements
        case _:
            return [value]


def _contains(value: Json, address: IPAddress) -> bool | None:
    found: bool | None = False
    for one in _elements(value):
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


def _caution(chain: _Chain, chains: _Chains, sources: Sequence[IPAddress]) -> Caution:
    some = ", ".join(map(str, sources[:_SHOWN]))
    more = f" and {len(sources) - _SHOWN} more" if len(sources) > _SHOWN else ""
    why = "by its policy" if chain.policy == "drop" else "by a rule"
    return Caution(
        f"the nft chain {chain.family} {chain.table} {chain.name} drops {why} what {some}{more}"
        " send to clients",
        f"let their packets pass: {_remedy(chain, chains, sources)}",
    )


def _remedy(chain: _Chain, chains: _Chains, sources: Sequence[IPAddress]) -> str:
    if chain.name == "FORWARD" and chain.table == "filter":  # iptables made it
        program = "iptables" if chain.family == "ip" else "ip6tables"
        user = (chain.family, chain.table, _DOCKER) in chains
        target = _DOCKER if user else chain.name
        return f"{program} -I {target} -s {','.join(map(str, sources))} -j ACCEPT"
    field = "ip" if Family.of(sources[0]) is Family.IPV4 else "ip6"
    addresses = ", ".join(map(str, sources))
    value = f"{{ {addresses} }}" if len(sources) > 1 else addresses
    return (
        f"nft 'insert rule {chain.family} {chain.table} {chain.name} {field} saddr {value} accept'"
    )
