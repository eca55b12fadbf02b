"""The laws of the doctor: order, choice, and a text for each code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.doctor.patients import healthy
from unit.doctor.test_proxied_rules import CASES as PROXIED
from unit.doctor.test_rules import CASES
from unit.doctor.test_rules_aws import CASES as IN_A_VPC

from lvsnat.aws.codes import Code as AwsCode
from lvsnat.doctor.codes import TABLE, parse_code, parse_codes
from lvsnat.doctor.diagnose import diagnose
from lvsnat.doctor.explained.aws_plan import PLANNED
from lvsnat.doctor.facts import Facts
from lvsnat.doctor.finding import Severity
from lvsnat.doctor.names import ORDER, Code
from lvsnat.errors import UsageError
from lvsnat.gateway.codes import Code as GatewayCode
from lvsnat.ui.doctor import page

REFERENCE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "findings.md"
ALL = (*CASES.values(), *PROXIED.values(), *IN_A_VPC.values())
ILL = [facts for facts, _, _ in ALL]
PLACES = st.integers(0, len(ILL) - 1)
"""Of the facts themselves Hypothesis would take the hash of each, and a VPC is large."""


@st.composite
def patients(draw: st.DrawFn) -> Facts:
    """Parts of different patients in one: several things are wrong."""
    facts = healthy()
    for part in ("config", "status", "host", "samples", "probes", "own", "proxy", "vpc"):
        facts = replace(facts, **{part: getattr(ILL[draw(PLACES)], part)})
    return facts


@given(patients())
def test_the_same_facts_give_the_same_findings_the_worst_first_then_in_packet_order(
    facts: Facts,
) -> None:
    found = diagnose(facts)

    assert found == diagnose(facts)
    assert len(set(found)) == len(found)
    order = [([*Severity].index(one.severity), ORDER[one.code]) for one in found]
    assert order == sorted(order)


@given(patients(), st.sets(st.sampled_from(list(Code))))
def test_only_and_skip_share_what_is_found(facts: Facts, some: set[Code]) -> None:
    whole = diagnose(facts)

    chosen = diagnose(facts, only=some) if some else ()
    assert set(chosen) | set(diagnose(facts, skip=some)) == set(whole)


@given(patients())
def test_no_finding_stands_beside_its_explanation(facts: Facts) -> None:
    found = diagnose(facts)

    for one in found:
        causes = TABLE[one.code].explained_by
        lost = (other for other in found if other.severity is not Severity.NOTE)
        assert not any(other.code in causes and other.covers(one) for other in lost)


@given(patients())
def test_what_is_not_known_stops_no_rule(facts: Facts) -> None:
    diagnose(replace(facts, config=None))
    diagnose(replace(facts, status=None, samples=None))
    diagnose(replace(facts, host=None))
    diagnose(Facts(own=facts.own))


@given(patients())
def test_a_finding_says_all_that_it_should(facts: Facts) -> None:
    for one in diagnose(facts):
        for words in (one.subject, one.seen, one.expected, one.why, one.remedy):
            assert words
            assert "\n" not in words


@pytest.mark.parametrize("code", Code)
def test_each_code_is_explained_and_made_by_a_test(code: Code) -> None:
    entry = TABLE[code]

    assert entry.example.code is code
    assert entry.text.endswith(".")
    apart = {Code.PERSISTENCE_DRAIN, Code.UDP_STUCK, Code.ACCEPT_RA, *PLANNED}
    made = {name for _, name, _ in ALL}
    assert code in apart | made


def test_causes_come_before_their_effects() -> None:
    for entry in TABLE.values():
        assert all(ORDER[cause] < ORDER[entry.code] for cause in entry.explained_by)


def test_the_reference_is_the_table() -> None:
    text = REFERENCE.read_text(encoding="utf-8")

    # python -c 'from lvsnat.doctor.codes import TABLE; from lvsnat.ui.doctor import page;
    # print(page(TABLE.values()), end="")' writes what belongs behind the beginning.
    assert text.endswith(page(TABLE.values()))


def test_what_others_find_too_has_their_name() -> None:
    shared = {"RS_GATEWAY", "RS_BYPASS", "CLIENT_SAME_SUBNET"}

    assert shared <= {*AwsCode, *GatewayCode}


def test_a_group_means_all_of_its_codes() -> None:
    assert parse_codes("self") == parse_codes("SELF")
    assert Code.CONFIG_BROKEN in parse_codes("self")
    assert parse_codes("rs-gateway") == {Code.RS_GATEWAY}


@pytest.mark.parametrize("text", ["RS_GATEWAY", "rs-gateway", "Rs_Gateway"])
def test_a_code_is_read_in_any_spelling(text: str) -> None:
    assert parse_code(text) is Code.RS_GATEWAY


def test_an_unknown_code_names_its_neighbours() -> None:
    with pytest.raises(UsageError) as error:
        parse_code("RS_GATEWAI")

    assert error.value.hint is not None
    assert "RS_GATEWAY" in error.value.hint
