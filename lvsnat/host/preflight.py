"""See before the first change what would fail or cut connections in haproxy-tproxy. Never writes.

The rules that decide are pure: claims.py, shadows.py, arrivals.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from lvsnat.errors import LvsnatError
from lvsnat.host import nft, tproxy
from lvsnat.host.arrivals import closed
from lvsnat.host.claims import claims
from lvsnat.host.expressions import FAMILY, NAME
from lvsnat.host.firewall import without
from lvsnat.host.iptables import saved
from lvsnat.host.routes import PolicyRule
from lvsnat.host.routing import Routing
from lvsnat.host.shadows import shadows
from lvsnat.host.sysctl import SysctlTree
from lvsnat.host.table import NftTable
from lvsnat.model.caution import Caution
from lvsnat.plan.change import Change, Create, Delete, Update, subject

SLOPPY = "net.ipv4.vs.sloppy_tcp"


def check(changes: Sequence[Change], sysctls: SysctlTree) -> None:
    """Raise LvsnatError with everything that speaks against changes of the table and routing."""
    found = [*_table(changes, sysctls), *_rules(changes)]
    if found:
        hints = list(dict.fromkeys(one.hint for one in found))
        raise LvsnatError(
            "\n".join(str(one) for one in found), "; ".join([*hints, "nothing was changed"])
        )


def _table(changes: Sequence[Change], sysctls: SysctlTree) -> Iterator[Caution]:
    for change in changes:
        match change:
            case Create(NftTable() as after):
                yield from _loading(None, after, sysctls)
            case Update(NftTable() as before, NftTable() as after):
                yield from _loading(before, after, sysctls)
            case _:
                pass


def _loading(before: NftTable | None, after: NftTable, sysctls: SysctlTree) -> Iterator[Caution]:
    old = () if before is None else before.objects
    nft.check(after)
    if tproxy.meets_ipvs(after.objects):
        yield from _sloppy(sysctls)
    mark = tproxy.mark_of(after.objects)
    steered = set(tproxy.steered_to(after.objects)) - set(tproxy.steered_to(old))
    if mark == tproxy.mark_of(old) and not steered:
        return
    listing = without(nft.ruleset(), FAMILY, NAME)
    if mark is not None and mark != tproxy.mark_of(old):
        for claim in claims(listing, saved(), mark):
            yield Caution(
                f"the mark {mark:#x} of replies to HAProxy is used by {claim}",
                "give bits that nobody uses as mark under [haproxy], such as mark = 0x10000000",
            )
    yield from closed(listing, sorted(steered, key=str))


def _sloppy(sysctls: SysctlTree) -> Iterator[Caution]:
    seen = sysctls.observe(SLOPPY)
    if seen is not None and seen.value == "1":
        yield Caution(
            f"{SLOPPY} is 1: IPVS would take connections over from HAProxy and reset them",
            f"sysctl -w {SLOPPY}=0",
        )


def _rules(changes: Sequence[Change]) -> Iterator[Caution]:
    coming = [one.resource for one in changes if isinstance(one, Create)]
    rules = [one for one in coming if isinstance(one, PolicyRule)]
    leaving = [subject(one) for one in changes if isinstance(one, Delete)]
    going = [one for one in leaving if isinstance(one, PolicyRule)]
    if not rules:
        return
    with Routing() as routing:
        for rule in rules:
            family = rule.family
            routes = cache(lambda table, family=family: tuple(routing.routes(family, table)))
            yield from shadows(rule, routing.rules(family), routes, going)
