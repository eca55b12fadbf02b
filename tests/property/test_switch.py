"""Laws of a switch: it ends in the mode, and the TCP services are never without somebody."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from lvsnat.model.mode import Mode
from lvsnat.model.phase import Phase
from lvsnat.model.switch import Standing, awaited

modes = st.sampled_from(Mode)
phases = st.sampled_from(Phase)


@st.composite
def standings(draw: st.DrawFn) -> Standing:
    """Where a switch may stand: at a phase, or in the midst of a step there, either way."""
    phase = draw(phases)
    origins = [one for one in Phase for mode in Mode if one.towards(mode) is phase is not one]
    return Standing(phase, draw(modes), draw(st.none() | st.sampled_from(origins)))


def steps(here: Standing, targets: list[tuple[Mode, bool]]) -> Iterator[tuple[Phase, Phase]]:
    """Every step from one phase to the next: with turns, with kills, and then to the end.

    Each target is the mode that somebody asks for before the next step, and whether the step is
    cut off half-way.
    """
    for mode, killed in targets:
        here = Standing(here.phase, mode, here.origin)
        if here.done:
            continue
        step = here.next
        yield here.phase, step
        origin = here.phase if here.phase is not step else here.origin
        here = Standing(step, mode, origin if killed else None)
    for step in here.way():
        yield here.phase, step
        here = Standing(step, here.mode)
    assert here.done


@given(standings(), st.lists(st.tuples(modes, st.booleans()), max_size=12))
def test_every_way_ends_in_the_mode_that_was_asked_for_last(
    here: Standing, targets: list[tuple[Mode, bool]]
) -> None:
    last = targets[-1][0] if targets else here.mode

    walked = [*steps(here, targets)]

    end = walked[-1][1] if walked else here.phase
    assert end is Phase.of(last)


@given(standings(), st.lists(st.tuples(modes, st.booleans()), max_size=12))
def test_new_connections_always_go_to_somebody_who_has_the_services(
    here: Standing, targets: list[tuple[Mode, bool]]
) -> None:
    for before, after in steps(here, targets):
        # Half-way there may be what either has; whoever takes new connections is there in both,
        # or there before it gets them.
        assert before.ipvs or before.proxy
        assert after.ipvs or after.proxy
        shared = (before.ipvs and after.ipvs) or (before.proxy and after.proxy)
        assert shared, f"{before} to {after}"


@given(phases, modes)
def test_who_is_steered_away_from_is_never_the_only_one(phase: Phase, mode: Mode) -> None:
    following = phase.towards(mode)

    # Where the steering ends, IPVS is either gone already or to get the connections.
    if phase.steers and not following.steers:
        assert not following.ipvs or not following.proxy
    if phase.steers or following.steers:
        assert phase.side_ports or following.side_ports


@given(phases, modes)
def test_a_side_that_may_hold_connections_goes_only_after_a_wait(phase: Phase, mode: Mode) -> None:
    following = phase.towards(mode)
    loses_ipvs = phase.ipvs and not following.ipvs
    loses_settling = phase.settles and not following.settles

    if loses_ipvs or loses_settling:
        # Back at IPVS_SETTLING from BOTH, and at BOTH from PROXY_STEERED, nothing of IPVS goes.
        assert awaited(phase, mode) is not None


@given(standings())
def test_the_way_is_short_and_never_comes_to_a_phase_twice(here: Standing) -> None:
    way = [*here.way()]

    assert len(way) == len(set(way))
    assert len(way) <= len(Phase)
