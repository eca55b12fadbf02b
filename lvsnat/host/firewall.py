"""What becomes of a packet in the chains that nft lists, by reading their rules. No I/O here.

A condition that cannot be read for sure counts as not met, so a rule that drops may be found where
one before it lets the packet pass. Such a rule is remembered as a doubt.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from lvsnat.host.conditions import Packet, holds
from lvsnat.host.rulewords import Json, rule_words
from lvsnat.model.endpoint import Family

Listing = Iterable[Mapping[str, Json]]

_DEPTH = 16
"""The kernel's own limit of jumps."""
FAMILIES = {
    "ip": {Family.IPV4},
    "ip6": {Family.IPV6},
    "inet": set(Family),
    "netdev": set(Family),
}
"""Which packets the chains of a table see."""


class Verdict(Enum):
    """How a chain ends."""

    ACCEPT = auto()
    DROP = auto()
    TRANSLATE = auto()
    """The packet gets another source."""
    ELSEWHERE = auto()
    """The packet gets another destination."""


@dataclass(slots=True)
class Chain:
    """A chain, with its rules in order."""

    family: str
    table: str
    name: str
    hook: str | None
    policy: str
    kind: str = ""
    priority: int = 0
    rules: list[Sequence[Json]] = field(default_factory=list)

    def sees(self, family: Family) -> bool:
        return family in FAMILIES.get(self.family, set())

    def __str__(self) -> str:
        return f"{self.family} {self.table} {self.name}"


Chains = dict[tuple[str, str, str], Chain]


def chains_of(listing: Listing) -> Chains:
    """The chains that nft lists, by family, table and name."""
    found: Chains = {}
    for one in listing:
        match one:
            case {"chain": {"family": str(family), "table": str(table), "name": str(name), **more}}:
                hook, policy = more.get("hook"), more.get("policy", "accept")
                priority = more.get("prio", 0)
                found[family, table, name] = Chain(
                    family, table, name, str(hook) if hook else None, str(policy),
                    str(more.get("type", "")), priority if isinstance(priority, int) else 0,
                )  # fmt: skip
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


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that says what becomes of a packet."""

    chain: str
    statements: Sequence[Json]
    verdict: Verdict

    def __str__(self) -> str:
        return f"{self.chain}: {rule_words([*self.statements])}"


@dataclass(frozen=True, slots=True)
class Fate:
    """What a chain does with a packet."""

    verdict: Verdict
    doubtful: bool = False
    """Whether a rule that could not be read for sure may let it pass before."""
    by: Rule | None = None
    """The rule that says so; None: the chain's policy."""
    doubts: tuple[Rule, ...] = ()
    """Rules met before that could not be read for sure, with what they would do."""


def fate(chain: Chain, chains: Chains, packet: Packet) -> Fate:
    """What becomes of a packet in a chain at a hook."""
    walk = _Walk(chains, packet)
    verdict = walk.through(chain, _DEPTH)
    if verdict is None:
        verdict = Verdict.DROP if chain.policy == "drop" else Verdict.ACCEPT
    return Fate(verdict, walk.doubtful, walk.by, tuple(walk.doubts))


def drops(chain: Chain, chains: Chains, packet: Packet) -> bool:
    """Whether a chain drops a packet, in doubt it does."""
    return fate(chain, chains, packet).verdict is Verdict.DROP


@dataclass(slots=True)
class _Walk:
    chains: Chains
    packet: Packet
    doubtful: bool = False
    by: Rule | None = None
    doubts: list[Rule] = field(default_factory=list)

    def through(self, chain: Chain, depth: int) -> Verdict | None:
        """What becomes of the packet; None where it comes out at the end."""
        for rule in _rules(chain) if depth else ():
            known = [holds(one, self.packet, alone=_is_alone(rule)) for one in rule]
            if False in known:
                continue
            before = self.by
            ended, verdict = self._verdict(chain, rule, depth)
            if None in known:
                self.by = before
                self.doubtful |= verdict is Verdict.ACCEPT
                self.doubts += [] if verdict is None else [Rule(str(chain), rule, verdict)]
            elif ended:
                return verdict
        return None

    def _verdict(
        self, chain: Chain, rule: Sequence[Json], depth: int
    ) -> tuple[bool, Verdict | None]:
        """Whether a rule ends the chain, and how."""
        for one in rule:
            if (verdict := _said(one)) is not None:
                self.by = Rule(str(chain), rule, verdict)
                return True, verdict
            match one:
                case {"return": None}:
                    return True, None
                case {"jump": {"target": str(name)}} | {"goto": {"target": str(name)}}:
                    target = self.chains.get((chain.family, chain.table, name))
                    verdict = self.through(target, depth - 1) if target is not None else None
                    return verdict is not None or (isinstance(one, dict) and "goto" in one), verdict
                case _:
                    pass
        return False, None


def _said(statement: Json) -> Verdict | None:
    """What a statement that ends a chain by itself does."""
    match statement:
        case {"accept": None}:
            return Verdict.ACCEPT
        case {"drop": None} | {"reject": _} | {"xt": {"name": "REJECT"}}:
            return Verdict.DROP
        case {"masquerade": _} | {"snat": _} | {"xt": {"name": "MASQUERADE" | "SNAT"}}:
            return Verdict.TRANSLATE
        case {"dnat": _} | {"redirect": _} | {"xt": {"name": "DNAT" | "REDIRECT"}}:
            return Verdict.ELSEWHERE
        case _:
            return None


def _rules(chain: Chain) -> Iterator[Sequence[Json]]:
    """The rules of a chain; a map of verdicts is a rule for each of its elements."""
    for rule in chain.rules:
        match rule:
            case [*before, {"vmap": {"key": key, "data": {"set": [*pairs]}}}]:
                for pair in pairs:
                    match pair:
                        case [value, dict() as verdict]:
                            yield [*before, {"match": {"op": "==", "left": key, "right": value}},
                                   verdict]  # fmt: skip
                        case _:
                            pass
            case _:
                yield rule


def _is_alone(rule: Sequence[Json]) -> bool:
    """Whether a rule has one condition only."""
    conditions = [one for one in rule if isinstance(one, dict) and one.keys() & {"match", "xt"}]
    return len(conditions) == 1


def without(listing: Listing, family: str, table: str) -> list[Mapping[str, Json]]:
    """A listing without one table."""
    return [
        one
        for one in listing
        if not any(
            isinstance(body, dict) and body.get("family") == family and body.get("table") == table
            for body in one.values()
        )
    ]
