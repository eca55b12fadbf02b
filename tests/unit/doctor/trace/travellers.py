"""A client whose packet is followed, through a director in good health or in bad."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from unit.doctor.patients import CLIENT, FIRST, SECOND, VIP, WEB, healthy, way

from lvsnat.doctor.diagnose import diagnose
from lvsnat.doctor.facts import Facts, Probed, Probes, Reply
from lvsnat.doctor.trace.follow import follow
from lvsnat.doctor.trace.journey import Journey, Lookups
from lvsnat.doctor.trace.step import Place, Step, Trace
from lvsnat.host.rulewords import Json
from lvsnat.host.seen import Answer, RouteKind
from lvsnat.model.connection import Connection
from lvsnat.model.endpoint import Endpoint, parse_listener
from lvsnat.model.service import VirtualService

ROUTER = way("eth0", "192.168.1.1")
HERE = Answer(RouteKind.LOCAL, "lo")
LOOKUPS = Lookups(HERE, ROUTER, {one.address: ROUTER for one in (FIRST, SECOND)})
FINE = Probes({one: Probed(Reply.ANSWERED, Reply.ANSWERED) for one in (FIRST, SECOND)})
ELSEWHERE = ip_address("203.0.113.77")
MARKED = replace(WEB, listen=parse_listener("fwmark/7"))
RANGE = replace(WEB, listen=parse_listener("tcp/192.168.1.50:80,8000-8010"))


def probed(facts: Facts | None = None) -> Facts:
    """Facts whose servers were asked, and answer."""
    return replace(facts or healthy(), probes=FINE)


def followed(
    facts: Facts | None = None,
    *,
    client: Endpoint = CLIENT,
    service: VirtualService = WEB,
    lookups: Lookups = LOOKUPS,
    server: Endpoint | None = None,
) -> Trace:
    """A client's way through these facts, with what the doctor finds in them."""
    known = facts or probed()
    journey = Journey.of(known, service, client, lookups, server)
    return follow(journey, diagnose(known, service=service.name))


def at(trace: Trace, place: Place) -> Step:
    (step,) = (one for one in trace.steps if one.place is place)
    return step


def failing(trace: Trace) -> tuple[str, str | None] | None:
    """The first step that fails, and its code."""
    step = trace.failing
    return None if step is None else (str(step.place), None if step.code is None else step.code)


def chain(hook: str, *, policy: str = "accept", kind: str = "filter", prio: int = 0) -> Json:
    return {"chain": {"family": "inet", "table": "t", "name": hook, "type": kind, "hook": hook,
                      "prio": prio, "policy": policy}}  # fmt: skip


def rule(hook: str, *statements: Json) -> Json:
    return {"rule": {"family": "inet", "table": "t", "chain": hook, "expr": [*statements]}}


def held(state: str, *, server: Endpoint = SECOND, client: Endpoint = CLIENT) -> Connection:
    return Connection("tcp", client, Endpoint(VIP, 80), server, state, 60, service="web")


def template(server: Endpoint = SECOND) -> Connection:
    return held("NONE", server=server, client=Endpoint(CLIENT.address, 0))
