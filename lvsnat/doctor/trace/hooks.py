"""What the chains of others at a hook of netfilter do with one packet. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from lvsnat.doctor.trace.step import Verdict
from lvsnat.host import firewall
from lvsnat.host.conditions import Packet
from lvsnat.host.firewall import Chain, Chains, Fate, fate

FILTERS: Final = ("filter", "route")
ALL: Final = (*FILTERS, "nat")
IPVS_AT_INPUT: Final = 99
"""The priority at which IPVS takes what is for a service (ip_vs_core.c): others do not see it."""
IPVS_AT_FORWARD: Final = 100
"""The priority at which IPVS gives a reply the VIP as its source."""
_UNREAD: Final = "the firewall's rules could not be read"
_DOES: Final = {
    firewall.Verdict.DROP: "drops it",
    firewall.Verdict.TRANSLATE: "gives it another source",
    firewall.Verdict.ELSEWHERE: "sends it to another destination",
}
_NONE: Final = "no rules of others"
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Passage:
    """How a packet comes through a hook."""

    verdict: Verdict
    seen: str
    chain: Chain | None = None
    """The one that stops it."""
    does: firewall.Verdict = firewall.Verdict.ACCEPT
    """What that one does."""


def through(
    chains: Chains | None,
    hook: str,
    packet: Packet,
    kinds: tuple[str, ...] = FILTERS,
    until: int | None = None,
) -> Passage:
    """Follow a packet through the chains at a hook, by priority; those behind ``until`` not."""
    if chains is None:
        return Passage(Verdict.UNKNOWN, _UNREAD)
    met = sorted(
        (
            one
            for one in chains.values()
            if one.hook == hook
            and one.kind in kinds
            and one.sees(packet.family)
            and (until is None or one.priority < until)
        ),
        key=lambda one: one.priority,
    )
    doubtful: Passage | None = None
    for chain in met:
        found = fate(chain, chains, packet)
        if found.verdict in _DOES and not found.doubtful:
            return Passage(Verdict.FAILS, _stops(chain, found), chain, found.verdict)
        doubtful = doubtful or _doubt(chain, found)
    return doubtful or Passage(Verdict.OK, _passed(met))


def both(first: Passage, second: Passage) -> Passage:
    """One hook after the other: the first that stops the packet, then what is in doubt."""
    for verdict in (Verdict.FAILS, Verdict.UNKNOWN, Verdict.DEPENDS):
        for one in (first, second):
            if one.verdict is verdict:
                return one
    return Passage(Verdict.OK, "; ".join(dict.fromkeys((first.seen, second.seen))))


def past_nat(passage: Passage, chains: Chains | None, packet: Packet) -> Passage:
    """Name the rules at postrouting that would hide the sender of a new connection.

    Netfilter asks them for the first packet of a connection that it tracks; this is none.
    """
    if chains is None or passage.verdict is not Verdict.OK:
        return passage
    named = [
        f"passes {chain}: {_rule(found.by)}, which leaves it alone"
        for chain in chains.values()
        if chain.hook == "postrouting"
        and chain.kind == "nat"
        and chain.sees(packet.family)
        and (found := fate(chain, chains, replace(packet, state="new"))).by is not None
        and found.verdict is firewall.Verdict.TRANSLATE
    ]
    seen = [] if passage.seen == _NONE and named else [passage.seen]
    return replace(passage, seen="; ".join([*seen, *named]))


def _stops(chain: Chain, found: Fate) -> str:
    by = "by its policy" if found.by is None else f"by the rule '{_rule(found.by)}'"
    where = str(chain) if found.by is None else found.by.chain
    return f"the nft chain {where} {_DOES[found.verdict]} {by}"


def _doubt(chain: Chain, found: Fate) -> Passage | None:
    """What a rule that cannot be read for sure may do, other than the chain does without it."""
    others = [one for one in found.doubts if one.verdict is not found.verdict]
    if not others:
        return None
    rule = others[0]
    if found.verdict in _DOES:
        seen = f"{_stops(chain, found)}, unless '{_rule(rule)}' lets it pass"
    else:
        seen = f"the nft chain {rule.chain} {_DOES[rule.verdict]} if '{_rule(rule)}' is for it"
    return Passage(Verdict.DEPENDS, seen, chain, found.verdict)


def _rule(rule: firewall.Rule) -> str:
    return str(rule).removeprefix(f"{rule.chain}: ")


def _passed(met: list[Chain]) -> str:
    names = [*_names(met)]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"passes {', '.join(names[:_SHOWN])}{more}" if names else _NONE


def _names(met: list[Chain]) -> Iterator[str]:
    for chain in met:
        if chain.rules or chain.policy == "drop":
            yield str(chain)
