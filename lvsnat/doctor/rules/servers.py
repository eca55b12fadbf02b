"""Real servers, and whether their replies come back. No I/O here.

A server that is down, one whose replies go elsewhere and one whose replies this host drops look
alike from the kernel's counters: packets in, none out, connections that do not open. So causes are
ruled out one after the other, the surest first; what this host itself does wrong is found before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_interface
from typing import Final

from lvsnat.doctor.facts import Facts, HostFacts, Neighbour, Probed, Reply
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code
from lvsnat.doctor.rules.paths import holds
from lvsnat.doctor.rules.services import name_of, some
from lvsnat.model.config import IPNetwork
from lvsnat.model.endpoint import Endpoint, Family, IPAddress
from lvsnat.model.status import (
    DirectorStatus,
    HealthState,
    ServerStatus,
    ServiceStatus,
    Sync,
)

_NEAR: Final = {Family.IPV4: 24, Family.IPV6: 64}
"""Clients of one network of this length are told of together."""
_FLOOD: Final = 20
"""From so many networks at once it is more likely that nobody is there who goes on."""
_EC2 = (
    "; on EC2 also 'lvsnat aws verify': the source/destination check and the route table may send"
    " them elsewhere"
)


@dataclass(frozen=True, slots=True)
class _Case:
    """One real server of a service, with all that is known of it."""

    facts: Facts
    host: HostFacts
    service: ServiceStatus
    server: ServerStatus

    @property
    def endpoint(self) -> Endpoint:
        return self.server.endpoint

    @property
    def probed(self) -> Probed | None:
        probes = self.facts.probes
        return None if probes is None else probes.servers.get(self.endpoint)

    @property
    def scope(self) -> tuple[str, str]:
        return (name_of(self.service), str(self.endpoint))

    @property
    def subject(self) -> str:
        return " ".join(self.scope)

    def stuck(self) -> list[IPAddress]:
        """Clients whose connections were opening at both moments; not this host itself."""
        if self.facts.samples is None:
            return []
        first, second = self.facts.samples
        own = {one.address for one in self.host.assigned or ()}
        found = (
            one.client.address
            for one in first.opening & second.opening
            if one.server == self.endpoint and one.service in (None, self.scope[0])
        )
        return sorted({one for one in found if one not in own}, key=int)

    def silent(self) -> bool:
        """Whether no packet came from it meanwhile; unsure where counters stand still."""
        if self.facts.samples is None or not self.facts.samples[1].status.table.estimating:
            return False
        before, after = (
            _packets_out(one.status, self.service, self.endpoint) for one in self.facts.samples
        )
        return before is not None and before == after


def findings(facts: Facts) -> Iterator[Finding]:
    if facts.status is None or facts.host is None:
        return
    for service in facts.status.services:
        if service.sync is Sync.UNMANAGED:
            continue
        for server in service.servers:
            yield from _cause(_Case(facts, facts.host, service, server))


def _cause(case: _Case) -> Iterator[Finding]:
    """The one thing that is wrong with a server; after that, with some of its clients."""
    way = case.host.ways.get(case.endpoint.address)
    if way is not None and way.kind is None:
        yield _no_route(case)
        return
    if case.probed is not None and not case.probed.own.came:
        yield _down(case, _REPLIES[case.probed.own])
        return
    stuck = case.stuck()
    if case.probed is None:
        if _neighbour(case) is Neighbour.FAILED:
            yield _unreachable(case)
            return
        if case.server.health is not None and case.server.health.state is HealthState.DOWN:
            yield _down(case, case.server.health.detail or "its check fails")
            return
    elif case.probed.own is Reply.REFUSED:
        yield _closed(case)
        return
    elif not case.probed.foreign.came:
        yield _gateway(
            case,
            "it answers this host's own address, and does not answer a foreign one (198.18.0.1)",
            "its replies to clients",
        )
        return
    yield from _some_clients(case, stuck)


_REPLIES = {
    Reply.SILENT: "it does not answer this host's own address either",
    Reply.UNREACHABLE: "the network says that nobody is there",
}


def _some_clients(case: _Case, stuck: Sequence[IPAddress]) -> Iterator[Finding]:
    beside = [client for client in stuck if _is_beside(client, case)]
    if beside:
        yield _same_subnet(case, beside)
    others = [client for client in stuck if client not in beside]
    if not others:
        return
    if case.probed is None and case.silent():
        yield _gateway(case, f"no packet comes back; waiting: {some(others)}", "its replies")
        return
    networks = list(dict.fromkeys(_network(client) for client in others))
    if len(networks) <= _FLOOD:
        yield _bypass(case, networks)


def _neighbour(case: _Case) -> Neighbour:
    """What the kernel knows of the next hop to the server."""
    way = case.host.ways.get(case.endpoint.address)
    known = case.host.neighbours
    if way is not None and way.gateway is not None:
        by_text = {str(address): state for address, state in known.items()}
        return by_text.get(way.gateway, Neighbour.UNKNOWN)
    return known.get(case.endpoint.address, Neighbour.UNKNOWN)


def _is_beside(client: IPAddress, case: _Case) -> bool:
    """Whether client and server are neighbours, so that the server answers it directly."""
    return any(
        holds(one, client) and holds(one, case.endpoint.address) for one in case.host.assigned or ()
    )


def _network(client: IPAddress) -> IPNetwork:
    return ip_interface((client, _NEAR[Family.of(client)])).network


def _packets_out(status: DirectorStatus, service: ServiceStatus, endpoint: Endpoint) -> int | None:
    for one in status.services:
        if one.listen == service.listen:
            for server in one.servers:
                if server.endpoint == endpoint and server.stats is not None:
                    return server.stats.totals.packets_out
    return None


def _director(case: _Case) -> str:
    """This host's address in the server's network."""
    near = (one for one in case.host.assigned or () if holds(one, case.endpoint.address))
    return next((str(one.address) for one in near), "DIRECTOR")


def _no_route(case: _Case) -> Finding:
    return Finding(
        Code.SERVER_NO_ROUTE,
        Severity.BROKEN,
        case.subject,
        "this host has no route to it",
        "a route",
        "what clients send cannot be passed on",
        f"'ip route get {case.endpoint.address}' says what the kernel does: add the route",
        scope=case.scope,
    )


def _unreachable(case: _Case) -> Finding:
    return Finding(
        Code.SERVER_UNREACHABLE,
        Severity.BROKEN,
        case.subject,
        "the next hop to it does not answer the question for its link address",
        "an answer",
        "the machine is off, or its network is not this host's",
        f"'ip neighbour get {case.endpoint.address} dev INTERFACE' and a look at the machine;"
        f" 'lvsnat server disable {' '.join(case.scope)}' keeps clients from it",
        scope=case.scope,
    )


def _down(case: _Case, seen: str) -> Finding:
    out = case.server.seen is None or case.server.seen.weight == 0
    return Finding(
        Code.SERVER_DOWN,
        Severity.RISK if out else Severity.BROKEN,
        case.subject,
        seen,
        "an answer",
        "it gets no new connections" if out else "its share of the clients gets no answer",
        "start its program, or look at the machine"
        + (
            "" if out else f"; 'lvsnat server disable {' '.join(case.scope)}' keeps clients from it"
        ),
        scope=case.scope,
    )


def _closed(case: _Case) -> Finding:
    return Finding(
        Code.PORT_CLOSED,
        Severity.BROKEN,
        case.subject,
        "the machine answers, and refuses the connection",
        "a program that listens on this port",
        "its share of the clients is refused",
        f"start the program there ('ss -ltn' shows what listens); 'lvsnat server disable"
        f" {' '.join(case.scope)}' keeps clients from it",
        scope=case.scope,
    )


def _gateway(case: _Case, seen: str, what: str) -> Finding:
    ours = _director(case)
    return Finding(
        Code.RS_GATEWAY,
        Severity.BROKEN,
        case.subject,
        seen,
        "replies by way of this host",
        f"{what} go another way: the way back of the server does not lead here",
        f"on the server: 'lvsnat gateway show {ours}' says where they go, 'lvsnat gateway set"
        f" {ours}' leads them here" + (_EC2 if case.host.ec2 else ""),
        scope=case.scope,
    )


def _same_subnet(case: _Case, clients: Sequence[IPAddress]) -> Finding:
    ports = f"tcp/{case.endpoint.port}" if case.endpoint.port else "tcp/PORT"
    ours = _director(case)
    return Finding(
        Code.CLIENT_SAME_SUBNET,
        Severity.BROKEN,
        case.subject,
        f"waiting, and in the server's own network: {some(clients)}",
        "replies by way of this host",
        "the server answers a neighbour directly, with an address that the client did not ask",
        f"on the server: 'lvsnat gateway set {ours} --reply-only {ports} --local-clients'",
        scope=case.scope,
    )


def _bypass(case: _Case, networks: Sequence[IPNetwork]) -> Finding:
    return Finding(
        Code.RS_BYPASS,
        Severity.RISK,
        case.subject,
        f"connections of {some(networks)} do not open, those of others do",
        "connections that open",
        "the server has a narrower route to these clients, or they do not get its replies, or their"
        " own side drops them",
        f"on the server: 'ip route get {networks[0][1]} from {case.endpoint.address}' must name"
        " this host",
        scope=case.scope,
    )
