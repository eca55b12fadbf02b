"""The reply's way from a real server to the client. No I/O here."""

from __future__ import annotations

import errno
from typing import Final

from lvsnat.doctor.facts import Neighbour
from lvsnat.doctor.names import Code
from lvsnat.doctor.rules import causes
from lvsnat.doctor.rules.case import Case, is_beside, network_of
from lvsnat.doctor.trace import hooks
from lvsnat.doctor.trace.arriving import TABLE, has_own_rules, of
from lvsnat.doctor.trace.hooks import both, through
from lvsnat.doctor.trace.leg import Leg
from lvsnat.doctor.trace.step import Place, Step, Verdict
from lvsnat.host.seen import Answer, RouteKind
from lvsnat.host.tproxy import DIVERT
from lvsnat.model.endpoint import Family

_SAYS_NOTHING: Final = frozenset({"SYN_RECV", "SYN_SENT", "NONE", "UDP", "INIT", "INIT1"})
"""The states of connections that may be without a reply."""
_OVER: Final = frozenset({"CLOSE", "CLOSED", "REJECTED"})
"""The states of connections that a reset has ended, before they opened or later."""
_ANSWER: Final = 1.0
"""Seconds that a connection takes to open, at most."""
_FORWARDING: Final = {
    Family.IPV4: "net.ipv4.ip_forward",
    Family.IPV6: "net.ipv6.conf.all.forwarding",
}
_UNREAD: Final = "it could not be looked at"
_LOST: Final = "the client does not get the reply"
_LOCAL: Final = "HAProxy asks it from an address of this host"


def way_back(leg: Leg) -> Step:
    """Whether the real server sends its reply to this host: seen from outside of it."""
    case = leg.case
    if case is None:
        return Step(Place.WAY_BACK, Verdict.UNKNOWN, _UNREAD)
    if leg.journey.is_local:
        return Step(Place.WAY_BACK, Verdict.OK, f"{_LOCAL}, and it comes back there")
    opened = [one for one in leg.connections if one.state not in _SAYS_NOTHING | _OVER]
    beside = is_beside(leg.client, case)
    if _is_stuck(leg, case, opened=bool(opened)):
        return _elsewhere(leg, case, beside=beside)
    if opened:
        seen = f"a connection of the client to {leg.endpoint} has opened: {opened[0].state}"
        return Step(Place.WAY_BACK, Verdict.OK, seen)
    if beside:
        seen = f"{leg.endpoint} answers a neighbour directly, unless it was told not to"
        return Step(Place.WAY_BACK, Verdict.DEPENDS, seen)
    return _others(leg, case)


def _is_stuck(leg: Leg, case: Case, *, opened: bool) -> bool:
    """Whether connections of this client do not open; not those of before a cure.

    The kernel remembers for a minute what did not open, and late answers keep it alive.
    """
    first, second = leg.journey.facts.samples or (None, None)
    if first is None or second is None or second.at - first.at < _ANSWER:
        return False
    tries = not opened or leg.client in case.begun()
    return tries and leg.client in case.stuck(trying=opened)


def _others(leg: Leg, case: Case) -> Step:
    """What replies to others say."""
    if case.probed is not None and case.probed.foreign.came:
        seen = f"{leg.endpoint} sends its replies to strangers here, as the probe shows"
        return Step(Place.WAY_BACK, Verdict.OK, seen)
    if over := [one for one in leg.connections if one.state in _OVER]:
        # Client and server can both have done it, so no reply is proven.
        seen = f"a connection of the client to {leg.endpoint} was refused or reset: {over[0].state}"
        return Step(Place.WAY_BACK, Verdict.UNKNOWN, f"{seen}; --probe proves its way back")
    came = case.returned()
    if came and came[0] is not None and came[1] is not None and came[1] > came[0]:
        return Step(Place.WAY_BACK, Verdict.OK, f"replies come back from {leg.endpoint}")
    seen = f"nobody has seen a reply of {leg.endpoint} just now; --probe proves it"
    return Step(Place.WAY_BACK, Verdict.UNKNOWN, seen)


def _elsewhere(leg: Leg, case: Case, *, beside: bool) -> Step:
    """A connection of this client does not open, and this host does nothing wrong."""
    seen = f"a connection of {leg.client} to {leg.endpoint} does not open"
    if beside:
        known = causes.same_subnet(case, [leg.client])
        seen = f"{seen}: they are neighbours"
    else:
        known = causes.bypass(case, [network_of(leg.client)])
    return Step(Place.WAY_BACK, Verdict.FAILS, seen, known.why, known.remedy, known.code)


def reply(leg: Leg) -> Step:
    """The reply comes in: the hook prerouting, and routing."""
    passage = through(leg.journey.chains, "prerouting", leg.reply())
    if passage.verdict is Verdict.FAILS:
        return of(Place.REPLY, passage, _LOST)
    if leg.journey.is_local:
        return Step(Place.REPLY, passage.verdict, f"{_LOCAL}; {passage.seen}")
    if not leg.by_ipvs and has_own_rules(leg.journey, DIVERT) is False:
        return Step(
            Place.REPLY,
            Verdict.FAILS,
            f"the {TABLE} does not mark the reply",
            "it is addressed to the client, and only the mark leads it to HAProxy",
            "'lvsnat apply'",
            Code.DIVERT_MISSING,
        )
    return _routed(leg, passage)


def _routed(leg: Leg, passage: hooks.Passage) -> Step:
    if (step := _kept(leg)) is not None:
        return step
    answer = leg.journey.lookups.replies.get(leg.endpoint.address)
    if answer is None:
        return Step(Place.REPLY, Verdict.UNKNOWN, _UNREAD)
    if answer.kind is None:
        return _dropped(leg, answer.error)
    local = answer.kind == RouteKind.LOCAL
    if local is leg.by_ipvs:
        return _astray(leg, answer)
    where = "its mark leads it to HAProxy" if local else f"to be sent on {_by(answer)}"
    seen = f"comes in by {leg.interface}; {where}; {passage.seen}"
    return Step(Place.REPLY, passage.verdict, seen)


def _by(answer: Answer) -> str:
    return f"by {answer.interface}" + (f" via {answer.gateway}" if answer.gateway else "")


def _astray(leg: Leg, answer: Answer) -> Step:
    """To this host, where it should be sent on; or sent on, where it is HAProxy's."""
    if leg.by_ipvs:
        seen = f"{leg.client} is an address of this host: the reply goes no further"
        return Step(Place.REPLY, Verdict.FAILS, seen, _LOST, f"'ip route get {leg.client}'")
    return Step(
        Place.REPLY,
        Verdict.FAILS,
        f"marked, it would be sent on {_by(answer)}",
        "it must come to HAProxy: a routing rule of somebody else comes first, or ours is missing",
        "'ip rule' and 'lvsnat plan' show what is missing",
        Code.REPLY_LOST,
    )


def _kept(leg: Leg) -> Step | None:
    """Whether this host forwards at all; of IPv6 its routing does not say so."""
    name = _FORWARDING[Family.of(leg.client)]
    value = leg.journey.host.settings.get(name, "").split(" ")[0]
    if not leg.by_ipvs or value != "0":
        return None
    return Step(
        Place.REPLY,
        Verdict.FAILS,
        f"{name} is 0: this host does not forward",
        "the replies of the real servers pass through the director; at 0 it drops them",
        "'lvsnat apply'",
        Code.IP_FORWARD,
    )


def _dropped(leg: Leg, error: int) -> Step:
    where = f"a reply of {leg.endpoint.address} that comes in by {leg.interface}"
    words = errno.errorcode.get(error, str(error))
    return Step(
        Place.REPLY,
        Verdict.FAILS,
        f"the kernel drops {where} ({words})",
        "no route for it, a strict reverse path filter, or src_valid_mark",
        f"'ip route get {leg.client} from {leg.endpoint.address} iif {leg.interface}' must name a"
        " way",
    )


def forward(leg: Leg) -> Step:
    """IPVS: the hooks forward and postrouting. HAProxy: input, and what it answers itself."""
    chains, taken = leg.journey.chains, leg.reply()
    if leg.by_ipvs:
        first = through(chains, "forward", taken, until=hooks.IPVS_AT_FORWARD)
        passage = both(first, through(chains, "postrouting", leg.answer()))
        code = Code.FORWARD_DROPS if first.verdict is Verdict.FAILS else None
        return of(Place.FORWARD, hooks.past_nat(passage, chains, leg.answer()), _LOST, code)
    first = through(chains, "input", taken)
    second = through(chains, "output", leg.answer())
    return of(Place.FORWARD, hooks.past_nat(both(first, second), chains, leg.answer()), _LOST)


def to_client(leg: Leg) -> Step:
    """The route to the client."""
    back = leg.journey.lookups.back
    if back is None:
        return Step(Place.TO_CLIENT, Verdict.UNKNOWN, _UNREAD)
    if back.kind is None:
        remedy = f"'ip route get {leg.client}' must name a way: add the route"
        seen = f"this host has no route to {leg.client}"
        return Step(Place.TO_CLIENT, Verdict.FAILS, seen, _LOST, remedy)
    known = {str(address): state for address, state in leg.journey.host.neighbours.items()}
    if known.get(back.gateway or "") is Neighbour.FAILED:
        seen = f"the router to {leg.client} does not answer: {back.gateway}"
        remedy = f"'ip neighbour show {back.gateway}', and a look at that router"
        return Step(Place.TO_CLIENT, Verdict.FAILS, seen, _LOST, remedy)
    return Step(Place.TO_CLIENT, Verdict.OK, f"leaves {_by(back)}")
