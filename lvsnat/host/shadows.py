"""Which routing rules and routes of others keep marked replies from HAProxy. No I/O here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from lvsnat.host.routes import PolicyRule
from lvsnat.host.seen import TABLES, RuleAction, SeenRoute, SeenRule
from lvsnat.model.caution import Caution

Routes = Callable[[int], Iterable[SeenRoute]]
"""What a routing table holds."""

_ENDS = frozenset({RuleAction.BLACKHOLE, RuleAction.UNREACHABLE, RuleAction.PROHIBIT})
_LOCAL = next(number for number, name in TABLES.items() if name == "local")


def shadows(
    ours: PolicyRule, rules: Iterable[SeenRule], routes: Routes, going: Collection[PolicyRule] = ()
) -> Iterator[Caution]:
    """What speaks against our rule; ``going`` are those of ours that it replaces."""
    family = ours.family.label
    for rule in rules:
        if any(rule.is_ours(one) for one in (ours, *going)) or _leads_back(rule, routes):
            continue
        if rule.action == RuleAction.TO_TABLE and rule.table == ours.table:
            yield Caution(
                f"another routing rule asks table {ours.table}, too: {family} {rule}",
                "what it takes would come to this host: give another number as table under"
                " [haproxy], or remove the rule",
            )
        elif rule.priority <= ours.priority and rule.takes(ours.mark) and _catches(rule, routes):
            yield Caution(
                f"a routing rule stands before that of HAProxy, priority {ours.priority}, and takes"
                f" everything: {family} {rule}",
                _earlier(rule),
            )
        elif rule.mark & rule.mask & ours.mark and not rule.inverted:
            yield Caution(
                f"another routing rule uses the mark {ours.mark:#x}, too: {family} {rule}",
                "give bits that nobody uses as mark under [haproxy], such as mark = 0x10000000",
            )
    for route in routes(ours.table):
        if not route.returns_all:
            yield Caution(
                f"the routing table {ours.table} is somebody else's: it has {family} {route}",
                "give the number of a table that nobody uses as table under [haproxy]",
            )


def tables_asked(ours: PolicyRule, rules: Iterable[SeenRule]) -> set[int]:
    """The tables whose routes ``shadows`` may ask for: never one that only comes after ours."""
    others = (one for one in rules if one.action == RuleAction.TO_TABLE and not one.is_ours(ours))
    asked = {one.table for one in others if one.mask or one.priority <= ours.priority}
    return (asked | {ours.table}) - {_LOCAL}


def _earlier(rule: SeenRule) -> str:
    if rule.priority > 1:
        return f"write priority = {rule.priority - 1} under [haproxy], or remove the rule"
    return "remove the rule: nothing can stand before it"


def _leads_back(rule: SeenRule, routes: Routes) -> bool:
    """Whether a rule does what ours does: nothing is lost by it."""
    if rule.action != RuleAction.TO_TABLE or rule.mask == 0:
        return False
    return any(route.returns_all for route in routes(rule.table))


def _catches(rule: SeenRule, routes: Routes) -> bool:
    """Whether what asks this rule, wherever it goes, asks no other one."""
    if rule.action in _ENDS:
        return True
    if rule.action != RuleAction.TO_TABLE or rule.table == _LOCAL or rule.spares_default:
        return False
    return any(one.destination == "default" and not one.returns_all for one in routes(rule.table))
