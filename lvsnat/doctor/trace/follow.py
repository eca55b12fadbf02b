"""Follow a client's packet: the steps in their order, and what would become of it at each server.

No I/O here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lvsnat.doctor.finding import Finding
from lvsnat.doctor.trace import arriving, choosing, cloud, going, returning
from lvsnat.doctor.trace.filing import concerning, filed
from lvsnat.doctor.trace.journey import Journey
from lvsnat.doctor.trace.leg import Leg
from lvsnat.doctor.trace.step import Outlook, Place, Step, Trace, Verdict
from lvsnat.model.endpoint import Endpoint
from lvsnat.model.status import ServerStatus, Sync

_ARRIVING: Final = (
    arriving.arrival,
    arriving.prerouting,
    arriving.routing,
    arriving.input_,
    arriving.service,
    choosing.servers,
)
_PASSING: Final = (
    going.to_server,
    going.server,
    cloud.vpc,
    returning.way_back,
    returning.reply,
    returning.forward,
    returning.to_client,
)
_BEHIND: Final = [one for one in tuple(Place)[len(_ARRIVING) :] if one is not Place.VPC]


def follow(journey: Journey, findings: Sequence[Finding]) -> Trace:
    """The whole way; ``findings`` are what the doctor has found in the same facts."""
    outlooks = tuple(_outlook(journey, one, findings) for one in _servers(journey))
    server = _followed(journey, outlooks)
    leg = None if server is None else _leg(journey, server)
    steps = [step(journey) for step in _ARRIVING]
    steps = filed(steps, concerning(findings, journey if leg is None else leg))
    if leg is None:
        steps += [Step(place, Verdict.UNKNOWN, "no real server to follow") for place in _BEHIND]
    else:
        steps += _passing(leg, findings)
    return Trace(
        journey.client,
        journey.service.name,
        journey.service.listen,
        journey.carrier,
        server,
        tuple(steps),
        outlooks,
        journey.facts.probes is not None,
    )


def _servers(journey: Journey) -> tuple[ServerStatus, ...]:
    return () if journey.status is None else journey.status.servers


def _followed(journey: Journey, outlooks: Sequence[Outlook]) -> Endpoint | None:
    """The one that is asked about, or decided on; else the first that would fail, or any."""
    if journey.chosen is not None:
        return journey.chosen
    takers = choosing.candidates(journey)
    failing = [one.server for one in outlooks if one.server in takers and one.fails is not None]
    return next(iter((*failing, *takers)), None)


def _outlook(journey: Journey, server: ServerStatus, findings: Sequence[Finding]) -> Outlook:
    refused = choosing.refusal(journey, server)
    held = choosing.holder(journey)
    decided = held is not None and held.server == server.endpoint
    leg = Leg(journey, server)
    steps = _passing(leg, findings) if decided or not refused else []
    return Outlook(
        server.endpoint,
        None if server.seen is None else server.seen.weight,
        not refused,
        refused,
        next((step for step in steps if step.fails), None),
        decided,
    )


def _leg(journey: Journey, server: Endpoint) -> Leg:
    known = journey.server(server)
    return Leg(journey, known or ServerStatus(server, Sync.MISSING))


def _passing(leg: Leg, findings: Sequence[Finding]) -> list[Step]:
    """That no answer comes tells of a server or of its way only where nothing else is wrong."""
    mine = concerning(findings, leg)
    steps = filed([one for step in _PASSING if (one := step(leg)) is not None], mine)
    found, told = {one.place for one in steps if one.fails}, {one.code for one in mine}
    effects = {Place.WAY_BACK} if found - {Place.WAY_BACK} else set()
    # What this host does with replies to HAProxy it does with replies to its own questions.
    if not leg.by_ipvs and found & {Place.REPLY, Place.FORWARD}:
        effects.add(Place.SERVER)
    return [
        _ruled_out(one) if one.fails and one.place in effects and one.code not in told else one
        for one in steps
    ]


def _ruled_out(step: Step) -> Step:
    seen = f"{step.seen}; what is wrong here would look the same"
    return Step(step.place, Verdict.UNKNOWN, seen, also=step.also)
