"""When a server counts as one-way."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvsnat.model.oneway import Evidence, is_one_way

EVIDENCE = st.builds(
    Evidence, st.none() | st.integers(0, 3), st.integers(0, 3), st.booleans(), st.booleans(),
    st.booleans(),
)  # fmt: skip


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (Evidence(0), False),
        (Evidence(0, waiting=1), True),
        (Evidence(0, lasting=True), True),
        (Evidence(0, lasting=True, answers_all=False), False),
        (Evidence(0, lasting=True, answers_all=False, others_answer=True), True),
        (Evidence(None, waiting=1, lasting=True), False),
        (Evidence(1, waiting=1, lasting=True), False),
    ],
)
def test_packets_that_stay_unanswered_make_a_server_one_way(
    seen: Evidence,
    expected: bool,  # noqa: FBT001
) -> None:
    assert is_one_way(seen) is expected


@given(EVIDENCE)
def test_an_answer_is_proof_of_a_way_back(seen: Evidence) -> None:
    assert not is_one_way(replace(seen, came=1))


@given(EVIDENCE)
def test_nothing_asked_and_nobody_waiting_is_no_evidence(seen: Evidence) -> None:
    assert not is_one_way(replace(seen, waiting=0, lasting=False))
