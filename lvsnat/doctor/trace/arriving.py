"""The client's packet until IPVS or HAProxy has it. No I/O here."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from lvsnat.doctor.facts import SocketState
from lvsnat.doctor.names import Code
from lvsnat.doctor.rules.host import LOAD_IPVS
from lvsnat.doctor.rules.paths import is_strict
from lvsnat.doctor.trace import hooks
from lvsnat.doctor.trace.hooks import Passage
from lvsnat.doctor.trace.journey import Journey
from lvsnat.doctor.trace.step import Place, Step, Verdict
from lvsnat.doctor.typed import setting
from lvsnat.host.expressions import FAMILY, NAME
from lvsnat.host.firewall import Verdict as Fate
from lvsnat.host.seen import RouteKind
from lvsnat.model.carrier import Carrier
from lvsnat.model.endpoint import AddressListener, Endpoint, Family, MarkListener
from lvsnat.model.status import Sync

TABLE: Final = f"nft table {FAMILY} {NAME}"
_UNREAD: Final = "it could not be looked at"


def arrival(journey: Journey) -> Step:
    """By which interface."""
    name = journey.arrival
    if name is None:
        seen = "by which interface it comes in is not known"
        return Step(Place.ARRIVAL, Verdict.UNKNOWN, seen)
    return Step(Place.ARRIVAL, Verdict.OK, f"comes in by {name}")


def prerouting(journey: Journey) -> Step:
    """The hook prerouting: our own rules, and those of others."""
    listen = journey.service.listen
    if isinstance(listen, MarkListener):
        seen = f"somebody's rule marks it with {listen.mark}, or none does"
        return Step(Place.PREROUTING, Verdict.DEPENDS, seen)
    if journey.is_marked and has_own_rules(journey, "prerouting") is False:
        return Step(
            Place.PREROUTING,
            Verdict.FAILS,
            f"the {TABLE} does not mark it",
            "IPVS knows a service of several ports by that mark",
            "'lvsnat apply'",
            Code.NOT_APPLIED,
        )
    packet = journey.packet(arrived=False)
    passage = hooks.both(
        hooks.through(journey.chains, "ingress", packet),
        hooks.through(journey.chains, "prerouting", packet, hooks.ALL),
    )
    why = "the service does not get what is dropped or redirected"
    step = of(Place.PREROUTING, passage, why, Code.INPUT_DROPS)
    if passage.does is Fate.ELSEWHERE and step.fails:
        return replace(step, code=Code.REDIRECTED)
    if journey.steered is not None and not step.fails:
        return replace(step, seen=f"{step.seen}; our own rule sends it to port {journey.steered}")
    return step


def routing(journey: Journey) -> Step:
    """The kernel's own decision: dropped, sent on, or for this host."""
    vip, answer = journey.vip, journey.lookups.incoming
    if vip is None:
        seen = "it must be for an address of this host; the service names none"
        return Step(Place.ROUTING, Verdict.UNKNOWN, seen)
    assigned = journey.host.assigned
    absent = assigned is not None and vip not in {one.address for one in assigned}
    if absent or (answer is not None and answer.kind == RouteKind.UNICAST):
        seen = f"{vip} is on no interface of this host"
        if journey.carrier is Carrier.IPVS and not journey.host.ipvs:
            why = "this kernel has no IPVS, and 'lvsnat apply' makes nothing without it"
            return Step(Place.ROUTING, Verdict.FAILS, seen, why, LOAD_IPVS, Code.IPVS_MISSING)
        return Step(
            Place.ROUTING,
            Verdict.FAILS,
            seen,
            "the kernel does not take it for its own: it sends it on, or drops it",
            "'lvsnat apply'"
            if journey.config.host.manage_vip
            else f"'ip address add {vip} dev INTERFACE'",
            Code.VIP_MISSING,
        )
    if answer is None:
        return Step(Place.ROUTING, Verdict.UNKNOWN, _UNREAD)
    if answer.kind == RouteKind.LOCAL:
        return Step(Place.ROUTING, Verdict.OK, f"{vip} is an address of this host")
    return _dropped(journey)


def _dropped(journey: Journey) -> Step:
    """Why the kernel refuses a packet to an address of its own: its source."""
    arrived, back = str(journey.arrival), journey.lookups.back
    strict = journey.client.family is Family.IPV4 and is_strict(journey.host, arrived)
    if back is None or back.kind is None or not strict:
        return Step(
            Place.ROUTING,
            Verdict.FAILS,
            f"the kernel refuses a packet of {journey.client.address} that comes in by {arrived}",
            "it knows no way back to this client",
            f"'ip route get {journey.client.address}' must name a way",
        )
    return Step(
        Place.ROUTING,
        Verdict.FAILS,
        f"the reverse path filter of {arrived} is strict, and the way back is {back.interface}",
        "the kernel drops what comes in by another interface than it would answer by",
        setting(f"net.ipv4.conf.{arrived.replace('.', '/')}.rp_filter", 2),
        Code.RP_FILTER,
    )


def input_(journey: Journey) -> Step:
    """The hook input, as far as IPVS lets a packet go."""
    until = hooks.IPVS_AT_INPUT if journey.carrier is Carrier.IPVS else None
    passage = hooks.through(journey.chains, "input", journey.packet(), until=until)
    why = "packets to a VIP go through the hook input before IPVS or HAProxy gets them"
    return of(Place.INPUT, passage, why, Code.INPUT_DROPS)


def service(journey: Journey) -> Step:
    """Whether IPVS or HAProxy takes it."""
    if journey.facts.host is not None and not journey.host.ipvs and _by_ipvs(journey):
        seen = "the kernel has no IPVS: the module ip_vs is not loaded"
        return _missing(seen, Code.IPVS_MISSING, "'modprobe ip_vs', then 'lvsnat apply'")
    known = journey.status
    if journey.facts.status is None:
        return Step(Place.SERVICE, Verdict.UNKNOWN, _UNREAD)
    if (known is None or known.seen is None) and _is_mute(journey):
        seen = "HAProxy listens there, and cannot be asked"
        return Step(Place.SERVICE, Verdict.UNKNOWN, seen)
    if known is None or known.seen is None:
        listen = journey.service.listen
        absent = f"IPVS has no service {listen}"
        silent = f"HAProxy does not run, or does not serve {listen}"
        return _missing(absent if _by_ipvs(journey) else silent, Code.NOT_APPLIED)
    if not _by_ipvs(journey):
        return _by_haproxy(journey)
    listen = journey.service.listen
    match listen:
        case AddressListener(endpoint=Endpoint(port=0)):
            seen = f"IPVS takes it: {listen}, which is every port"
        case AddressListener():
            seen = f"IPVS takes it: {listen}"
        case _:
            seen = f"IPVS takes it by its mark: {listen}"
    return Step(Place.SERVICE, Verdict.OK, f"{seen}, {known.seen.scheduler}")


def _by_ipvs(journey: Journey) -> bool:
    return journey.carrier is Carrier.IPVS


def _is_mute(journey: Journey) -> bool:
    """Whether HAProxy serves and does not say what."""
    proxy, vip, port = journey.facts.proxy, journey.vip, journey.port
    if proxy is None or vip is None or port is None or _by_ipvs(journey):
        return False
    return Endpoint(vip, journey.steered or port) in proxy.heard


def _by_haproxy(journey: Journey) -> Step:
    listen = journey.service.listen
    known = () if journey.facts.status is None else journey.facts.status.services
    for one in known:
        if Carrier.HAPROXY not in one.carriers and one.listen == listen and one.seen is not None:
            return Step(
                Place.SERVICE,
                Verdict.FAILS,
                f"IPVS has a service {listen}, too",
                "IPVS takes what comes to its port before HAProxy can",
                "'ipvsadm -Ln' shows it; 'lvsnat plan' says whose it is",
                Code.IPVS_FIRST,
            )
    opened = [one for one in journey.host.listening if one.state is SocketState.LISTENING]
    places = {one.local for one in opened if str(one.protocol) == journey.protocol}
    if journey.vip is not None and journey.port is not None and places:
        place = Endpoint(journey.vip, journey.steered or journey.port)
        if not any(one.port == place.port and _is_at(one, place) for one in places):
            seen = f"nobody listens on {place}"
            return _missing(seen, Code.HAPROXY_DEAF, "'lvsnat apply' starts HAProxy")
    return Step(Place.SERVICE, Verdict.OK, f"HAProxy takes it: {listen}")


def _is_at(socket: Endpoint, place: Endpoint) -> bool:
    return socket.address == place.address or socket.address.is_unspecified


def _missing(seen: str, code: Code, remedy: str = "'lvsnat apply'") -> Step:
    why = "nobody takes the packet: the client is refused, or waits"
    return Step(Place.SERVICE, Verdict.FAILS, seen, why, remedy, code)


def has_own_rules(journey: Journey, chain: str) -> bool | None:
    """Whether a chain of our table is as it should be; None where that is not known."""
    known = () if journey.facts.status is None else journey.facts.status.host
    table = next((one for one in known if one.what == TABLE), None)
    if table is None:
        return None
    if table.sync is Sync.MISSING or table.seen is None:
        return False
    return table.seen.get(chain) == table.wanted.get(chain)


def of(place: Place, passage: Passage, why: str, code: Code | None = None) -> Step:
    """A step through a hook; ``code`` is what a drop has."""
    if passage.verdict is not Verdict.FAILS:
        return Step(place, passage.verdict, passage.seen)
    remedy = f"'nft list chain {passage.chain}' shows the rules: let it pass there"
    known = code if passage.does is Fate.DROP else None
    return Step(place, Verdict.FAILS, passage.seen, why, remedy, known)
