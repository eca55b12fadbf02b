"""The laws of a packet's way: its order, the one first failure, and agreement with the doctor."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.doctor.patients import CLIENT, FIRST, NEIGHBOUR, SECOND, WEB, healthy
from unit.doctor.test_diagnose import patients
from unit.doctor.test_proxied_rules import CASES as PROXIED
from unit.doctor.test_rules import CASES as PLAIN
from unit.doctor.trace.travellers import HERE, LOOKUPS, ROUTER, failing, followed, held, template

from lvsnat.doctor.diagnose import diagnose
from lvsnat.doctor.facts import Facts
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code
from lvsnat.doctor.trace.journey import Lookups
from lvsnat.doctor.trace.places import NOWHERE, PLACES, READ_HERE
from lvsnat.doctor.trace.step import Place
from lvsnat.host.seen import Answer
from lvsnat.model.endpoint import Endpoint
from lvsnat.model.mode import Mode

CASES = PLAIN | {f"HAProxy: {name}": case for name, case in PROXIED.items()}
ANSWERS = [None, HERE, ROUTER, Answer(None, error=113), Answer(None, error=22)]
MINE = [
    name
    for name, (facts, _, _) in CASES.items()
    if facts.config is None or WEB.name in {one.name for one in facts.config.services}
]
"""Those of the service that is followed."""
OF_OTHERS = {
    "no nft table",  # IPVS needs none.
    "a server missing",  # The other one takes the connection.
    "a client beside the server",  # And this one is not.
    "HAProxy: a client beside the server",
}
"""Broken, and no harm to this packet."""
OF_THIS_CLIENT = {
    "nobody alive, and a sorry server",  # The one that is down has a weight still.
    "replies went elsewhere lately",  # Its own connection does not open.
    "some clients only",
}
"""No more than a risk to all, and the end of this packet."""


@st.composite
def lookups(draw: st.DrawFn) -> Lookups:
    answer = st.sampled_from(ANSWERS)
    replies = {one.address: draw(answer) for one in (FIRST, SECOND)}
    known = st.sampled_from([held("SYN_RECV"), held("ESTABLISHED"), template(), template(FIRST)])
    return Lookups(
        draw(answer),
        draw(answer),
        {address: one for address, one in replies.items() if one is not None},
        tuple(draw(st.lists(known, max_size=2))),
    )


clients = st.sampled_from([CLIENT, NEIGHBOUR, replace(CLIENT, port=0)])
chosen = st.sampled_from([None, FIRST, SECOND, Endpoint.parse("192.168.2.99:80")])


@given(patients(), clients, lookups(), chosen)
def test_the_order_is_fixed_and_one_step_at_most_is_the_first_to_fail(
    facts: Facts, client: Endpoint, answers: Lookups, server: Endpoint | None
) -> None:
    trace = followed(facts, client=client, lookups=answers, server=server)

    order = [one for one in Place if one is not Place.VPC]
    assert [one.place for one in trace.steps if one.place is not Place.VPC] == order
    assert (trace.works is False) is (trace.failing is not None)
    fails = [one for one in trace.steps if one.fails]
    assert trace.failing == (fails[0] if fails else None)
    assert trace == followed(facts, client=client, lookups=answers, server=server)


@given(patients(), clients, lookups())
def test_a_step_says_all_that_it_should(facts: Facts, client: Endpoint, answers: Lookups) -> None:
    trace = followed(facts, client=client, lookups=answers)

    for one in trace.steps:
        assert one.seen
        assert bool(one.why) is one.fails
        assert bool(one.remedy) is one.fails
        assert "\n" not in one.seen + one.why + one.remedy
    for outlook in trace.outlooks:
        assert outlook.takes is not bool(outlook.why)


@pytest.mark.parametrize("case", [one for one in MINE if one not in OF_OTHERS])
def test_what_is_broken_fails_a_step_of_that_name(case: str) -> None:
    facts, _, _ = CASES[case]
    broken = [one for one in findings(facts) if one.severity is Severity.BROKEN]

    if any(one.code not in NOWHERE for one in broken):
        step = failing(followed(facts, lookups=Lookups()))
        assert step is not None
        assert step[1] in {one.code for one in broken}


@pytest.mark.parametrize("case", [one for one in MINE if one not in OF_THIS_CLIENT])
def test_a_risk_or_a_note_fails_no_step(case: str) -> None:
    facts, _, _ = CASES[case]
    found = findings(facts)

    if all(one.severity is not Severity.BROKEN for one in found):
        assert failing(followed(facts, lookups=fine(facts))) is None


@pytest.mark.parametrize("case", OF_OTHERS)
def test_what_does_not_meet_this_packet_fails_no_step(case: str) -> None:
    facts, _, _ = CASES[case]

    assert failing(followed(facts, lookups=fine(facts))) is None


def fine(facts: Facts) -> Lookups:
    """What the kernel says where nothing is wrong: replies to HAProxy stay here."""
    if facts.config is None or facts.config.mode is Mode.LVS_NAT:
        return LOOKUPS
    return replace(LOOKUPS, replies={one.address: HERE for one in (FIRST, SECOND)})


def findings(facts: Facts) -> tuple[Finding, ...]:
    return diagnose(facts, service=WEB.name)


def test_a_risk_is_told_beside_its_step() -> None:
    facts, code, _ = CASES["redirects"]

    trace = followed(facts)

    (step,) = (one for one in trace.steps if one.also)
    assert step.place is Place.WAY_BACK
    assert [one.code for one in step.also] == [code]


@pytest.mark.parametrize("code", Code)
def test_each_code_has_its_place_or_meets_no_packet(code: Code) -> None:
    assert (code in PLACES) is not (code in NOWHERE)


def test_what_a_step_finds_out_itself_has_a_place() -> None:
    assert PLACES.keys() >= READ_HERE


def test_findings_of_other_services_and_servers_are_left_out() -> None:
    facts, _, _ = CASES["a server refuses"]
    trace = followed(facts, server=SECOND, lookups=LOOKUPS)

    assert failing(trace) is None
    assert failing(followed(healthy())) is None
