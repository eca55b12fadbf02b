"""Real servers, and whether their replies come back. No I/O here.

A server that is down, one whose replies go elsewhere and one whose replies this host drops look
alike from the kernel's counters: packets in, none out, connections that do not open. So causes are
ruled out one after the other, the surest first; what this host itself does wrong is found before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from lvsnat.doctor.facts import Facts, Neighbour, Probed, Reply
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.rules.case import Case, is_beside, network_of, next_hop
from lvsnat.doctor.rules.causes import (
    astray,
    bypass,
    closed,
    down,
    gateway,
    no_route,
    same_subnet,
    unreachable,
)
from lvsnat.doctor.rules.services import some
from lvsnat.host.transparency import EXAMPLE
from lvsnat.model.endpoint import IPAddress
from lvsnat.model.oneway import Evidence, is_one_way
from lvsnat.model.status import HealthState, Sync

_FLOOD: Final = 20
"""From so many networks at once it is more likely that nobody is there who goes on."""

_REFUSED: Final = 3
"""So many refused connections are no longer one client's affair."""

_REPLIES = {
    Reply.SILENT: "it does not answer this host's own address either",
    Reply.UNREACHABLE: "the network says that nobody is there",
}


def findings(facts: Facts) -> Iterator[Finding]:
    if facts.status is None or facts.host is None:
        return
    for service in facts.status.services:
        if service.sync is Sync.UNMANAGED:
            continue
        for server in service.servers:
            yield from _cause(Case(facts, facts.host, service, server))


def _cause(case: Case) -> Iterator[Finding]:
    """The one thing that is wrong with a server; after that, with some of its clients."""
    way = case.host.ways.get(case.endpoint.address)
    if way is not None and way.kind is None:
        found: Finding | None = no_route(case)
    else:
        found = _unasked(case) if case.probed is None else _asked(case, case.probed)
    if found is not None:
        yield found
    else:
        yield from _some_clients(case, case.stuck(trying=True))


def _unasked(case: Case) -> Finding | None:
    """What is wrong with it by what others have found out."""
    hop = next_hop(case)
    if hop is Neighbour.FAILED or (hop is Neighbour.ASKED and case.stuck(trying=True)):
        return unreachable(case)
    if case.server.health is not None and case.server.health.state is HealthState.DOWN:
        return down(case, case.server.health.detail or "its check fails")
    if (refused := case.refused()) >= _REFUSED:
        return closed(
            case,
            f"{refused} connections were refused or reset within {case.seconds:.0f} seconds, none"
            " has opened",
            "'lvsnat doctor --probe' makes sure; ",
        )
    return None


def _asked(case: Case, probed: Probed) -> Finding | None:
    """What is wrong with it by its own answers."""
    if not probed.own.came:
        return down(case, _REPLIES[probed.own])
    if probed.own is Reply.REFUSED:
        return closed(case, "the machine answers, and refuses the connection")
    if not probed.foreign.came and case.meets_strangers:
        return gateway(
            case,
            "it answers this host's own address, and does not answer a foreign one"
            f" ({EXAMPLE[case.endpoint.family]})",
            "its replies to clients",
        )
    if probed.diverted is not None and not probed.diverted.came:
        return astray(case)
    return None


def _some_clients(case: Case, stuck: Sequence[IPAddress]) -> Iterator[Finding]:
    beside = [client for client in stuck if is_beside(client, case)]
    if beside:
        yield same_subnet(case, beside)
    others = [client for client in stuck if client not in beside]
    out = case.returned() if case.probed is None or not case.meets_strangers else []
    if not others:
        yield from _lately(case, out)
        return
    begun = case.begun()
    if is_one_way(Evidence(_since(out), len(others))):
        # What waits since before may be the remains of a cure; so may counters that lag.
        if case.counts and any(client in begun for client in others):
            yield gateway(case, f"no packet comes back; waiting: {some(others)}", "its replies")
        else:
            yield from _lately(case, out)
        return
    networks = list(dict.fromkeys(network_of(client) for client in others if client in begun))
    if 0 < len(networks) <= _FLOOD:
        yield bypass(case, networks)


def _since(out: Sequence[int | None]) -> int | None:
    """What has come between the two looks."""
    if not out or out[0] is None or out[1] is None:
        return None
    return out[1] - out[0]


def _lately(case: Case, out: Sequence[int | None]) -> Iterator[Finding]:
    """Nobody tries now, but somebody has, and nothing has ever come from the server."""
    waited = [one for one in case.stuck(trying=False) if not is_beside(one, case)]
    if out and is_one_way(Evidence(out[1], len(waited))):
        seen = f"no packet has ever come back; waiting, a minute ago at most: {some(waited)}"
        known = gateway(case, seen, "its replies")
        yield replace(
            known,
            severity=Severity.NOTE,
            why=f"{known.why}; after a cure this goes away by itself: run it again",
        )
