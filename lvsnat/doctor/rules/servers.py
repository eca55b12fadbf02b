"""Real servers, and whether their replies come back. No I/O here.

A server that is down, one whose replies go elsewhere and one whose replies this host drops look
alike from the kernel's counters: packets in, none out, connections that do not open. So causes are
ruled out one after the other, the surest first; what this host itself does wrong is found before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from lvsnat.doctor.facts import Facts, Neighbour, Reply
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.rules.case import Case, is_beside, network_of, next_hop
from lvsnat.doctor.rules.causes import (
    bypass,
    closed,
    down,
    gateway,
    no_route,
    same_subnet,
    unreachable,
)
from lvsnat.doctor.rules.services import some
from lvsnat.model.endpoint import IPAddress
from lvsnat.model.status import HealthState, Sync

_FLOOD: Final = 20
"""From so many networks at once it is more likely that nobody is there who goes on."""

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
        yield no_route(case)
        return
    if case.probed is not None and not case.probed.own.came:
        yield down(case, _REPLIES[case.probed.own])
        return
    if case.probed is None:
        hop = next_hop(case)
        if hop is Neighbour.FAILED or (hop is Neighbour.ASKED and case.stuck(trying=True)):
            yield unreachable(case)
            return
        if case.server.health is not None and case.server.health.state is HealthState.DOWN:
            yield down(case, case.server.health.detail or "its check fails")
            return
    elif case.probed.own is Reply.REFUSED:
        yield closed(case)
        return
    elif not case.probed.foreign.came:
        yield gateway(
            case,
            "it answers this host's own address, and does not answer a foreign one (198.18.0.1)",
            "its replies to clients",
        )
        return
    yield from _some_clients(case, case.stuck(trying=True))


def _some_clients(case: Case, stuck: Sequence[IPAddress]) -> Iterator[Finding]:
    beside = [client for client in stuck if is_beside(client, case)]
    if beside:
        yield same_subnet(case, beside)
    others = [client for client in stuck if client not in beside]
    out = case.packets_out() if case.probed is None else []
    if not others:
        yield from _lately(case, out)
        return
    if out and out[0] is not None and out[0] == out[1]:
        yield gateway(case, f"no packet comes back; waiting: {some(others)}", "its replies")
        return
    begun = case.begun()
    networks = list(dict.fromkeys(network_of(client) for client in others if client in begun))
    if 0 < len(networks) <= _FLOOD:
        yield bypass(case, networks)


def _lately(case: Case, out: Sequence[int | None]) -> Iterator[Finding]:
    """Nobody tries now, but somebody has, and nothing has ever come from the server."""
    waited = [one for one in case.stuck(trying=False) if not is_beside(one, case)]
    if waited and out and out[1] == 0:
        yield replace(
            gateway(
                case,
                f"no packet has ever come back; waiting within the last minute: {some(waited)}",
                "its replies",
            ),
            severity=Severity.NOTE,
        )
