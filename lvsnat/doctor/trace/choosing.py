"""Which real server gets a client's packet. No I/O here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lvsnat.doctor.names import Code
from lvsnat.doctor.rules.services import APPLY, is_emptied, is_held_back
from lvsnat.doctor.trace.journey import Journey
from lvsnat.doctor.trace.step import Place, Step, Verdict
from lvsnat.model.carrier import Carrier
from lvsnat.model.connection import Connection
from lvsnat.model.endpoint import Endpoint
from lvsnat.model.status import HealthState, ServerStatus

_QUIESCENT: Final = "net.ipv4.vs.expire_quiescent_template"


def refusal(journey: Journey, server: ServerStatus) -> str:
    """Why a real server gets no new connections; empty where it does."""
    if server.seen is None:
        return "it is the sorry server" if server.sorry else "it is not in the table"
    if server.wanted is not None and is_held_back(server):
        return f"its weight is 0, and should be {server.wanted.weight}"
    if server.seen.weight == 0:
        return "its weight is 0" if server.override is None else f"{server.override.reason} by hand"
    if journey.carrier is Carrier.HAPROXY:
        health = None if server.stats is None else server.stats.health
        out = health is not None and health.state in (HealthState.DOWN, HealthState.MAINTENANCE)
        return f"HAProxy's check: {health.state}" if out and health is not None else ""
    stats, upper = server.stats, server.seen.upper
    if stats is not None and 0 < upper <= stats.active + stats.inactive:
        return f"{stats.active + stats.inactive} connections of {upper} at most"
    return ""


def holder(journey: Journey) -> Connection | None:
    """The connection, or the memory of persistence, that decides whatever the scheduler says."""
    one = journey.held_by
    if one is None or not one.template:
        return one
    server = journey.server(one.server)
    if server is None or server.seen is None:
        return None
    leaves = journey.host.settings.get(_QUIESCENT, "0").split(" ")[0] == "1"
    return None if server.seen.weight == 0 and leaves else one


def candidates(journey: Journey) -> tuple[Endpoint, ...]:
    """The real servers that may get the packet, in the order of the configuration."""
    held = holder(journey)
    if held is not None:
        return (held.server,)
    known = () if journey.status is None else journey.status.servers
    return tuple(one.endpoint for one in known if not refusal(journey, one))


def servers(journey: Journey) -> Step:
    """Whether there is one, and who decides which."""
    if journey.status is None or journey.status.seen is None:
        return Step(Place.SERVERS, Verdict.UNKNOWN, "the real servers could not be looked at")
    held, asked = holder(journey), journey.chosen
    if held is not None and asked in (None, held.server):
        return Step(Place.SERVERS, Verdict.OK, f"{held.server}: {_held(held)}")
    if held is not None:
        seen = f"{_held(held)}, which leads to {held.server} and not to {asked}"
        return _none(journey, seen, "the scheduler is not asked")
    takers = candidates(journey)
    if asked is not None:
        return _asked(journey, asked)
    if not takers:
        known = journey.status.servers
        reasons = [f"{one.endpoint}: {refusal(journey, one)}" for one in known]
        seen = "; ".join(reasons[:3]) or "the service has no real server"
        why = "nobody takes the packet: the client is refused"
        return _none(journey, seen, why, by_hand=is_emptied(journey.status))
    return _scheduled(journey, takers)


def _held(held: Connection) -> str:
    if held.template:
        return f"persistence remembers the client for {held.expires} s still"
    return f"its connection is there already, {held.state}"


def _asked(journey: Journey, asked: Endpoint) -> Step:
    server = journey.server(asked)
    why = "it is not in the table" if server is None else refusal(journey, server)
    if why:
        seen = f"{asked} gets no new connections: {why}"
        why = "the packet goes to another one, or is refused"
        by_hand = server is not None and is_held_back(server)
        return _none(journey, seen, why, by_hand=by_hand)
    return Step(Place.SERVERS, Verdict.OK, f"{asked}, as asked for; the scheduler decides")


def _none(journey: Journey, seen: str, why: str, *, by_hand: bool = False) -> Step:
    """``by_hand``: the configuration says otherwise."""
    if by_hand:
        return Step(Place.SERVERS, Verdict.FAILS, seen, why, APPLY, Code.NOT_APPLIED)
    remedy = f"'lvsnat status {journey.service.name}' shows its servers"
    return Step(Place.SERVERS, Verdict.FAILS, seen, why, remedy)


def _scheduled(journey: Journey, takers: Sequence[Endpoint]) -> Step:
    if len(takers) == 1:
        return Step(Place.SERVERS, Verdict.OK, f"{takers[0]}, the only one that takes connections")
    who = journey.service.scheduler if journey.carrier is Carrier.IPVS else "HAProxy"
    return Step(Place.SERVERS, Verdict.OK, f"{who} chooses one of {len(takers)}")
