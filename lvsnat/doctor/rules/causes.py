"""What may be wrong with a real server and its way back, in words. No I/O here."""

from __future__ import annotations

from collections.abc import Sequence

from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code
from lvsnat.doctor.rules.case import Case, here
from lvsnat.doctor.rules.services import some
from lvsnat.model.config import IPNetwork
from lvsnat.model.endpoint import IPAddress

_EC2 = (
    "; on EC2 also 'lvsnat aws verify': the source/destination check and the route table may send"
    " them elsewhere"
)


def no_route(case: Case) -> Finding:
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


def unreachable(case: Case) -> Finding:
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


def down(case: Case, seen: str) -> Finding:
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


def closed(case: Case) -> Finding:
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


def gateway(case: Case, seen: str, what: str) -> Finding:
    ours = here(case)
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


def same_subnet(case: Case, clients: Sequence[IPAddress]) -> Finding:
    ports = f"tcp/{case.endpoint.port}" if case.endpoint.port else "tcp/PORT"
    ours = here(case)
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


def bypass(case: Case, networks: Sequence[IPNetwork]) -> Finding:
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
