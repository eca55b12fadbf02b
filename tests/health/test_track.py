"""One target's state machine."""

from __future__ import annotations

from dataclasses import replace

import pytest
from healthy import BAD, GOOD, MAINTENANCE, NOW, answers, checks
from hypothesis import given
from hypothesis import strategies as st

from lvsnat.health.track import HISTORY, Track, next_interval
from lvsnat.health.values import Answer
from lvsnat.model.health import HealthCheck
from lvsnat.model.status import HealthState

CHECK = HealthCheck(rise=2, fall=3, interval=2.0, jitter=0.0)
UP = Track(HealthState.UP, NOW)
DOWN = Track(HealthState.DOWN, NOW)


def after(track: Track, *said: Answer, check: HealthCheck = CHECK, damping: float = 0) -> Track:
    for at, answer in enumerate(said, start=1):
        track = track.after(answer, check, damping, NOW + at)
    return track


def test_a_new_target_is_unknown_until_it_answers() -> None:
    assert Track().state is HealthState.UNKNOWN
    assert not Track().out
    assert after(Track(), GOOD).state is HealthState.UP
    assert after(Track(), BAD, BAD).state is HealthState.UNKNOWN
    assert after(Track(), BAD, BAD, BAD).state is HealthState.DOWN


@given(checks, st.sampled_from([Track(), UP]), answers)
def test_after_fall_failures_in_a_row_it_is_down_and_not_before(
    check: HealthCheck, track: Track, earlier: Answer
) -> None:
    track = after(track, GOOD, check=check)

    for _ in range(check.fall - 1):
        track = after(track, BAD, check=check)
        assert track.state is HealthState.UP
    assert after(track, BAD, check=check).state is HealthState.DOWN
    assert after(track, earlier, check=check).row <= check.fall


@given(checks, st.integers(1, 10))
def test_a_success_begins_the_row_anew(check: HealthCheck, times: int) -> None:
    track = UP

    for _ in range(times):
        track = after(track, *[BAD] * (check.fall - 1), GOOD, check=check)

    assert track.state is HealthState.UP
    assert track.row == 0


def test_it_comes_back_after_rise_successes_in_a_row() -> None:
    assert after(DOWN, GOOD, BAD, GOOD).state is HealthState.DOWN
    assert after(DOWN, GOOD, GOOD).state is HealthState.UP


def test_maintenance_begins_and_ends_with_one_answer_and_is_no_failure() -> None:
    track = after(UP, MAINTENANCE, damping=60)

    assert track.state is HealthState.MAINTENANCE
    assert track.out
    assert track.downs == ()
    assert after(track, GOOD).state is HealthState.UP
    assert after(track, BAD, BAD).state is HealthState.MAINTENANCE
    assert after(track, BAD, BAD, BAD).state is HealthState.DOWN
    assert after(DOWN, MAINTENANCE).state is HealthState.MAINTENANCE


def test_a_share_holds_through_failures_that_change_nothing() -> None:
    track = after(UP, Answer(ok=True, detail="50%", share=50))

    assert track.share == 50
    assert after(track, BAD).share == 50
    assert after(track, GOOD).share is None


@given(checks, st.lists(answers, max_size=100), st.sampled_from([0.0, 20.0]))
def test_since_and_history_tell_when_the_state_began(
    check: HealthCheck, said: list[Answer], damping: float
) -> None:
    track = Track()

    for at, answer in enumerate(said):
        before, track = track, track.after(answer, check, damping, NOW + at)
        if track.state is before.state:
            assert (track.since, track.history) == (before.since, before.history)
        else:
            turn = track.history[-1]
            assert (turn.before, turn.after) == (before.state, track.state)
            assert turn.at == track.since == NOW + at
            assert turn.reason == answer.detail

    assert len(track.history) <= HISTORY
    assert track.last == (said[-1] if said else None)


@pytest.mark.parametrize(("times", "doubt"), [(1, 1), (2, 1), (3, 2), (4, 4), (5, 8), (9, 32)])
def test_a_target_that_goes_down_often_has_to_do_better(times: int, doubt: int) -> None:
    track = replace(DOWN, downs=tuple(NOW + at for at in range(times)))

    assert track.doubt(60, NOW + 10) == doubt
    back = [GOOD] * (CHECK.rise * doubt)
    assert after(track, *back[1:], damping=600).state is HealthState.DOWN
    assert after(track, *back, damping=600).state is HealthState.UP


def test_damping_forgets_after_a_quiet_time() -> None:
    track = replace(DOWN, downs=(NOW, NOW + 1, NOW + 2))

    assert track.doubt(60, NOW + 61) == 1
    assert track.doubt(60, NOW - 3600) == 1, "a clock that was set back"


def test_flapping_is_counted_only_where_it_is_damped() -> None:
    flaps = [BAD, BAD, BAD, GOOD, GOOD] * 3

    assert after(UP, *flaps).downs == ()
    assert len(after(UP, *flaps, damping=60).downs) == 3
    assert len(after(UP, *flaps, damping=4).downs) == 1


@given(checks, st.floats(0, 1), st.floats(0, 0.5))
def test_questions_are_spread_by_the_jitter(check: HealthCheck, random: float, part: float) -> None:
    wait = next_interval(UP, replace(check, jitter=part), random)

    assert check.interval * (1 - part) <= wait <= check.interval * (1 + part)


def test_questions_come_faster_while_the_state_may_change() -> None:
    assert next_interval(UP, CHECK, 0.5) == 2
    assert next_interval(Track(), CHECK, 0.5) == 1
    assert next_interval(after(UP, BAD), CHECK, 0.5) == 1
    assert next_interval(after(DOWN, GOOD), replace(CHECK, fast_interval=0.2), 0.5) == 0.2
    assert next_interval(after(UP, BAD), replace(CHECK, fast_interval=9), 0.5) == 2
    assert next_interval(DOWN, CHECK, 0.5) == 2


@given(checks, st.floats(0, 1))
def test_from_failure_to_down_takes_interval_times_fall_and_the_timeout(
    check: HealthCheck, phase: float
) -> None:
    failed, asked, track = NOW, NOW + phase * check.interval, UP

    while track.state is HealthState.UP:
        answered = asked + check.timeout
        track = track.after(BAD, check, 0, answered)
        asked = max(asked + next_interval(track, check, 0.5), answered)

    slowest = max(check.interval, check.timeout)
    assert track.since - failed <= slowest * check.fall + check.timeout + check.interval
