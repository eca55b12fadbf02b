"""What may be wrong with a real server and its way back, in words. No I/O here."""

from __future__ import annotations

from collections.abc import Sequence

from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code
from lvsnat.doctor.rules.case import ELSEWHERE, Case, here, near_networks
from lvsnat.doctor.rules.services import some
from lvsnat.model.config import IPNetwork
from lvsnat.model.endpoint import Family, IPAddress
from lvsnat.model.status import HealthState

_EC2 = (
    "; the source/destination check and the route table may send them elsewhere, too: 'lvsnat aws"
    " verify'"
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
    way = case.host.ways.get(case.endpoint.address)
    interface = "INTERFACE" if way is None or way.interface is None else way.interface
    return Finding(
        Code.SERVER_UNREACHABLE,
        Severity.BROKEN,
        case.subject,
        "the next hop to it does not answer the question for its link address",
        "an answer",
        "the machine is off, or its network is not this host's",
        f"'ip neighbour get {case.endpoint.address} dev {interface}' and a look at the machine;"
        f" 'lvsnat server disable {' '.join(case.scope)}' keeps clients from it",
        scope=case.scope,
    )


def down(case: Case, seen: str) -> Finding:
    checked = None if case.server.stats is None else case.server.stats.health
    out = (
        case.server.seen is None
        or case.server.seen.weight == 0
        # HAProxy takes a server out by its own check, and leaves its weight.
        or (checked is not None and checked.state is HealthState.DOWN)
    )
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


def closed(case: Case, seen: str, doubt: str = "") -> Finding:
    """``doubt``: what makes sure, where nobody has asked it."""
    return Finding(
        Code.PORT_CLOSED,
        Severity.BROKEN,
        case.subject,
        seen,
        "a program that listens on this port",
        "its share of the clients is refused",
        f"{doubt}start the program there ('ss -ltn' shows what listens); 'lvsnat server disable"
        f" {' '.join(case.scope)}' keeps clients from it",
        scope=case.scope,
    )


def gateway(case: Case, seen: str, what: str) -> Finding:
    """``what`` goes elsewhere; without a probe a server that is off looks the same."""
    ours, proven = here(case), case.probed is not None
    why = f"{what} go another way"
    return Finding(
        Code.RS_GATEWAY,
        Severity.BROKEN,
        case.subject,
        seen,
        "replies by way of this host",
        f"{why}: the way back of the server does not lead here"
        if proven
        else f"{why}, or it does not answer anybody",
        ("" if proven else "'lvsnat doctor --probe' tells which; ")
        + f"on the server: 'lvsnat gateway show {ours}' says where they go, 'lvsnat gateway set"
        f" {ours}' leads them here; without lvsnat there, until its next boot:"
        f" '{_ip(case)} route replace default via {ours}'"
        + (_EC2 if case.host.ec2 and case.facts.vpc is None else ""),
        scope=case.scope,
    )


def astray(case: Case) -> Finding:
    return Finding(
        Code.REPLY_LOST,
        Severity.BROKEN,
        case.subject,
        "it answers a foreign address by way of this host, and the answer does not come to a"
        " transparent socket",
        "the kernel hands it to HAProxy",
        "HAProxy's connections to it do not open",
        "'nft list ruleset' and 'ip rule' show who else looks at replies;"
        " 'nft monitor trace' follows one",
        scope=case.scope,
    )


def same_subnet(case: Case, clients: Sequence[IPAddress]) -> Finding:
    ports = f"tcp/{case.endpoint.port}" if case.endpoint.port else "tcp/PORT"
    ours = here(case)
    remedy = f"on the server: 'lvsnat gateway set {ours} --reply-only {ports} --local-clients'"
    if case.endpoint.port:
        remedy += (
            f"; without lvsnat there, until its next boot: '{_ip(case)} route replace default via"
            f" {ours} table 100 && {_ip(case)} rule add ipproto tcp sport {case.endpoint.port}"
            " lookup 100'"
        )
    if case.proxied:
        remedy = _local_networks(case)
    elif ours == ELSEWHERE:
        remedy = "put these clients, or the real servers, into another network: no route sees them"
    return Finding(
        Code.CLIENT_SAME_SUBNET,
        Severity.BROKEN,
        case.subject,
        f"waiting, and in the server's own network: {some(clients)}",
        "replies by way of this host",
        "the server answers a neighbour directly, with an address that the client did not ask",
        remedy,
        scope=case.scope,
    )


def _ip(case: Case) -> str:
    """The program, for the server's family."""
    return "ip" if case.endpoint.family is Family.IPV4 else "ip -6"


def _local_networks(case: Case) -> str:
    """What has HAProxy connect to them from this host's own address."""
    config, near = case.facts.config, near_networks(case)
    given = () if config is None else config.haproxy.local_networks
    words = ", ".join(f'"{network}"' for network in dict.fromkeys([*given, *near]))
    return (
        f"write local_networks = [{words}] under [haproxy], and 'lvsnat apply': the servers then"
        " see this host's address instead of theirs"
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
