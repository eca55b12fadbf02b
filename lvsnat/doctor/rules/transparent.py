"""The way of the replies to HAProxy: what this host must do with them, and does not. No I/O here.

The reading of rules and routes is lvsnat.host's: transparency.py, shadows.py and returning.py say
the same before a change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

from lvsnat.doctor.facts import Facts, HostFacts
from lvsnat.doctor.finding import Finding, Fix, Severity
from lvsnat.doctor.names import Code
from lvsnat.doctor.proxyfacts import ProxyFacts
from lvsnat.host.arrivals import stateless
from lvsnat.host.routes import ROUTE, RULE, PolicyRule, routes_for
from lvsnat.host.seen import SeenRoute
from lvsnat.host.shadows import shadows
from lvsnat.host.table import NFT, TABLE_KEY
from lvsnat.host.tproxy import DIVERT
from lvsnat.host.transparency import hidden, lost_reply, servers_of, unmarking
from lvsnat.model.caution import Caution
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Endpoint, Family
from lvsnat.model.resource import Key
from lvsnat.model.status import HostStatus, Sync

LOST: Final = "the kernel forwards the replies to HAProxy's connections, or drops them"
_MISSING: Final = {
    NFT: Code.DIVERT_MISSING,
    RULE: Code.MARK_RULE_MISSING,
    ROUTE: Code.MARK_ROUTE_MISSING,
}


def findings(facts: Facts) -> Iterator[Finding]:
    for thing in () if facts.status is None else facts.status.host:
        if (key := _lacking(thing)) is not None:
            yield _lacks(key, thing)
    if facts.config is None or facts.proxy is None:
        return
    if facts.host is not None and facts.host.listing is not None:
        yield from _firewalls(facts.config, facts.host)
    yield from _shadowed(facts.config, facts.proxy)
    yield from _lost(facts.proxy)


def is_told(thing: HostStatus) -> bool:
    """Whether what is amiss there is told here."""
    return _lacking(thing) is not None


def comes_back(facts: Facts, family: Family) -> bool:
    """Whether the kernel was asked about replies of a family, and hands all of them to HAProxy."""
    returns = () if facts.proxy is None else facts.proxy.returns
    mine = [one for one in returns if Family.of(one.server) is family]
    return bool(mine) and all(one.reaches_haproxy for one in mine)


def _lacking(thing: HostStatus) -> Key | None:
    """The resource that replies cannot come to HAProxy without, and that is not there."""
    kind = next((kind for kind in _MISSING if thing.what.startswith(f"{kind} ")), "")
    name = thing.what.removeprefix(f"{kind} ")
    if kind == NFT:
        seen, wanted = (thing.seen or {}).get(DIVERT), thing.wanted.get(DIVERT)
        return TABLE_KEY if wanted is not None and seen != wanted else None
    return Key(kind, name) if kind and thing.sync is Sync.MISSING else None


def _lacks(key: Key, thing: HostStatus) -> Finding:
    seen = (thing.seen or {}).get(DIVERT, "") if key == TABLE_KEY else ""
    return Finding(
        _MISSING[key.kind],
        Severity.BROKEN,
        thing.what,
        f"the chain {DIVERT} is another one: {seen}" if seen else "not there",
        f"the chain {DIVERT}" if key == TABLE_KEY else "there",
        LOST,
        "'lvsnat apply'",
        Fix((key,)),
    )


def _firewalls(config: Config, host: HostFacts) -> Iterator[Finding]:
    listing, servers = host.listing or (), _known(servers_of(config), host)
    for one in stateless(listing, [server.address for server in servers]):
        yield _of(
            one,
            Code.INPUT_REPLIES,
            "the hook input",
            "lets it pass",
            "HAProxy's connections to the real servers do not open",
        )
    for one in unmarking(listing, host.saved, config.haproxy.mark):
        yield _of(one, Code.REPLY_MARK_LOST, "the mark of the replies", "it stays", LOST)
    for one in hidden(servers, listing, host.ways, host.saved):
        yield _of(
            one,
            Code.MASQUERADED,
            "HAProxy's connections",
            "the client's own address",
            "the real servers do not see their clients",
        )


def _known(servers: Iterable[Endpoint], host: HostFacts) -> list[Endpoint]:
    """Those whose way is known."""
    return [server for server in servers if server.address in host.ways]


def _shadowed(config: Config, proxy: ProxyFacts) -> Iterator[Finding]:
    for ours in routes_for(config):
        if isinstance(ours, PolicyRule) and ours.family in proxy.rules:
            family, rules = ours.family, proxy.rules[ours.family]
            lost = any(
                not one.reaches_haproxy for one in proxy.returns if Family.of(one.server) is family
            )
            for one in shadows(ours, rules, partial(_routes, proxy, family)):
                yield _of(
                    one,
                    Code.MARK_RULE_SHADOWED,
                    "the routing rule for HAProxy",
                    "nothing in its way",
                    LOST if lost else "replies come to HAProxy now, and others may not",
                    severity=Severity.BROKEN if lost else Severity.RISK,
                )


def _routes(proxy: ProxyFacts, family: Family, table: int) -> Iterable[SeenRoute]:
    return proxy.routes.get((family, table), ())


def _lost(proxy: ProxyFacts) -> Iterator[Finding]:
    """One for each cause that the kernel's answers show, with the first server that it meets."""
    told = set()
    for one in proxy.returns:
        caution = lost_reply(one.server, one.interface, one.answer)
        if caution is not None and caution.hint not in told:
            told.add(caution.hint)
            yield _of(
                caution,
                Code.REPLY_LOST,
                "the way of the replies",
                "the kernel hands it to HAProxy",
                LOST,
            )


def _of(
    caution: Caution,
    code: Code,
    subject: str,
    expected: str,
    why: str,
    *,
    severity: Severity = Severity.BROKEN,
) -> Finding:
    return Finding(code, severity, subject, caution.message, expected, why, caution.hint)
