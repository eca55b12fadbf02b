"""To a real server, and whether it answers. No I/O here."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from lvsnat.doctor.facts import Neighbour, Probed, Reply
from lvsnat.doctor.names import Code
from lvsnat.doctor.rules.case import next_hop
from lvsnat.doctor.trace import hooks
from lvsnat.doctor.trace.arriving import of
from lvsnat.doctor.trace.hooks import both, through
from lvsnat.doctor.trace.leg import Leg
from lvsnat.doctor.trace.step import Place, Step, Verdict
from lvsnat.host.firewall import Verdict as Fate
from lvsnat.model.status import HealthState

_UNREAD: Final = "the way to it could not be looked at"
_LOST: Final = "the real server does not get what the client sent"


def to_server(leg: Leg) -> Step:
    """The hooks output and postrouting, and the route."""
    way = leg.journey.host.ways.get(leg.endpoint.address)
    if way is not None and way.kind is None:
        return Step(
            Place.TO_SERVER,
            Verdict.FAILS,
            f"this host has no route to {leg.endpoint.address}",
            _LOST,
            f"'ip route get {leg.endpoint.address}' says what the kernel does: add the route",
            Code.SERVER_NO_ROUTE,
        )
    packet, chains = leg.outgoing(), leg.journey.chains
    # NAT is asked of what connection tracking sees alone.
    kinds = hooks.FILTERS if packet.state == "untracked" else hooks.ALL
    out = through(chains, "output", packet, kinds)
    passage = both(out, through(chains, "postrouting", packet, kinds))
    if kinds is hooks.FILTERS:
        passage = hooks.past_nat(passage, chains, packet)
    if passage.does is Fate.TRANSLATE and passage.verdict is Verdict.FAILS:
        why = "the real server does not see its client"
        return replace(of(Place.TO_SERVER, passage, why), code=Code.MASQUERADED)
    step = of(Place.TO_SERVER, passage, _LOST)
    if step.fails or way is None:
        return step if step.fails else Step(Place.TO_SERVER, Verdict.UNKNOWN, _UNREAD)
    via = f" via {way.gateway}" if way.gateway else ""
    return replace(step, seen=f"leaves by {way.interface}{via}; {step.seen}")


def server(leg: Leg) -> Step:
    """Whether the real server answers anybody."""
    case = leg.case
    if case is None:
        return Step(Place.SERVER, Verdict.UNKNOWN, "it could not be looked at")
    if case.probed is not None:
        return _asked(leg, case.probed)
    if next_hop(case) is Neighbour.FAILED:
        seen = f"nobody answers for the next hop to {leg.endpoint}"
        return _silent(seen, Code.SERVER_UNREACHABLE)
    return _checked(leg)


def _asked(leg: Leg, probed: Probed) -> Step:
    if not probed.own.came:
        return _silent(f"{leg.endpoint} does not answer this host", Code.SERVER_DOWN)
    if probed.own is Reply.REFUSED:
        return _silent(f"{leg.endpoint} refuses the connection", Code.PORT_CLOSED)
    return Step(Place.SERVER, Verdict.OK, f"{leg.endpoint} answers this host")


def _checked(leg: Leg) -> Step:
    health = leg.server.health
    if health is not None and health.state in (HealthState.DOWN, HealthState.MAINTENANCE):
        detail = f": {health.detail}" if health.detail else ""
        seen = f"the check of {leg.endpoint} says {health.state}{detail}"
        return _silent(seen, Code.SERVER_DOWN)
    if health is not None and health.state is HealthState.UP:
        return Step(Place.SERVER, Verdict.OK, f"the check of {leg.endpoint} says up")
    return Step(Place.SERVER, Verdict.UNKNOWN, f"nobody asks {leg.endpoint}; --probe does")


def _silent(seen: str, code: Code) -> Step:
    why = "the client waits for an answer, or is refused"
    return Step(Place.SERVER, Verdict.FAILS, seen, why, "start its program, or look there", code)
