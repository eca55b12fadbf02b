"""Rates from the difference of two readings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvsnat.model.status import Counters, Rates, ServerStats, ServiceStats
from lvsnat.ui.live.rates import KEPT, LEAST, WINDOW, Flow, Meter, per_second

numbers = st.integers(0, 2**64)
known = st.builds(Counters, numbers, numbers, numbers, numbers, numbers)
some = st.none() | numbers
counters = st.builds(Counters, numbers, some, some, some, some)
seconds = st.floats(LEAST, 100)


def carried(connections: int, rate: int = 0) -> ServerStats:
    """A server that has carried so many, and what the kernel makes of it."""
    return ServerStats(totals=Counters(connections), rates=Rates(rate))


@given(counters, counters, seconds)
def test_a_rate_is_never_negative(before: Counters, after: Counters, took: float) -> None:
    rates = per_second(before, after, took)

    values = (rates.connections, rates.packets_in, rates.packets_out, rates.bytes_in)
    assert all(value is None or value >= 0 for value in (*values, rates.bytes_out))


@given(known, known, seconds)
def test_a_rate_times_its_seconds_is_what_has_passed(
    one: Counters, more: Counters, took: float
) -> None:
    rates = per_second(one, one.plus(more), took)

    assert rates.connections == pytest.approx(more.connections / took, abs=1, rel=1e-9)
    assert more.bytes_out is not None
    assert rates.bytes_out == pytest.approx(more.bytes_out / took, abs=1, rel=1e-9)


@given(counters, seconds)
def test_what_stands_still_has_no_rate(one: Counters, took: float) -> None:
    rates = per_second(one, one, took)

    assert rates == Rates(
        0, *(None if value is None else 0 for value in (
            one.packets_in, one.packets_out, one.bytes_in, one.bytes_out
        ))
    )  # fmt: skip


@given(known, known, seconds)
def test_of_zeroed_counters_all_has_passed_since(
    before: Counters, after: Counters, took: float
) -> None:
    if after.connections < before.connections:
        assert per_second(before, after, took) == per_second(Counters(), after, took)


@given(known, known, known, seconds)
def test_more_that_passes_is_no_smaller_rate(
    start: Counters, first: Counters, more: Counters, took: float
) -> None:
    less = per_second(start, start.plus(first), took)

    assert less.connections <= per_second(start, start.plus(first).plus(more), took).connections


def test_until_the_counters_can_have_moved_the_kernels_estimate_serves() -> None:
    meter = Meter[str]()

    assert meter.read(0, {"web": carried(10, rate=7)})["web"].rates.connections == 7
    assert meter.read(1, {"web": carried(10, rate=8)})["web"].rates.connections == 8
    assert meter.read(2, {"web": carried(30, rate=9)})["web"].rates.connections == 10


def test_counters_that_move_every_two_seconds_give_a_steady_rate() -> None:
    meter, found = Meter[str](), []

    for second in range(20):
        moved = 50 * (second // 2 * 2)
        found.append(meter.read(second, {"web": carried(moved)})["web"].rates.connections)

    assert set(found[5:]) == {50}


def test_a_stop_is_seen_within_the_window() -> None:
    meter = Meter[str]()
    for second in range(10):
        meter.read(second, {"web": carried(100 * second)})

    rates = [meter.read(at, {"web": carried(900)})["web"].rates for at in (10, 11, 12, 13, 14)]

    assert rates[0].connections > 0
    assert rates[-1].connections == 0
    assert WINDOW < 5


def test_after_a_pause_nothing_is_compared_with_what_was_before() -> None:
    meter = Meter[str]()
    meter.read(0, {"web": carried(0)})

    assert meter.read(600, {"web": carried(10**6, rate=3)})["web"].rates.connections == 3


def test_the_history_has_an_end_and_what_is_gone_is_forgotten() -> None:
    meter = Meter[str]()
    for second in range(KEPT + 5):
        meter.read(second, {"web": ServiceStats(Counters(second)), "x": carried(1)})
    flows = meter.read(KEPT + 5, {"web": ServiceStats(Counters(99))})

    assert len(flows["web"].history) == KEPT
    assert flows["web"].history[-1] == flows["web"].rates
    assert "x" not in meter.read(KEPT + 6, {})
    assert meter.read(KEPT + 7, {"x": carried(1)})["x"] == Flow(Rates(0), (Rates(0),))
