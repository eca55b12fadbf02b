"""What becomes of servers: laws that hold whatever is answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from healthy import BAD, GOOD, NOW, Told, configs, services, told
from hypothesis import given
from hypothesis import strategies as st

from lvsnat.health import published
from lvsnat.health.decide import Decider, Decision, Memory, decide, transitions
from lvsnat.health.published import Published
from lvsnat.health.targets import watched
from lvsnat.ipvs import resources
from lvsnat.model.config import Config
from lvsnat.model.health import CheckType
from lvsnat.model.override import Override, Reason
from lvsnat.model.resource import Key, state_of
from lvsnat.model.service import MAX_WEIGHT, VirtualService
from lvsnat.model.status import HealthState
from lvsnat.plan.overlay import HealthOverlay, Overrides, overlay


def run(decider: Decider, said: Sequence[Told], now: float = NOW) -> tuple[Decision, float]:
    """Hand in answers and decide after each, as the daemon does."""
    targets = list(decider.tracks)
    decision = decider.decide(now)
    for one in said:
        now += one.later
        if targets:
            decider.answered(targets[one.which % len(targets)], one.answer, now, 0.5)
        decision = decider.decide(now)
    return decision, now


def fresh(decision: Decision) -> Decision:
    """Without what is only shown, and is as old as what it stands beside."""
    services = tuple(
        replace(
            service,
            servers=tuple(
                replace(one, last=None, last_at=None, reason="") for one in service.servers
            ),
        )
        for service in decision.services
    )
    return replace(decision, at=0, services=services)


def seats_of(config: Config) -> list[Key]:
    return [seat for one in watched(config) for seat in one.seats]


def held_somewhere(config: Config) -> st.SearchStrategy[Overrides]:
    seats = seats_of(config)
    override = st.sampled_from([Override(Reason.DRAINED), Override(Reason.DISABLED, NOW + 20)])
    return st.dictionaries(st.sampled_from(seats), override) if seats else st.just({})


worlds = configs().flatmap(lambda config: st.tuples(st.just(config), held_somewhere(config), told))
World = tuple[Config, Overrides, list[Told]]


@given(worlds)
def test_to_decide_step_by_step_is_to_decide_at_once(world: World) -> None:
    config, overrides, said = world
    decider = Decider(config, {}, Memory(), overrides)

    decision, now = run(decider, said)

    again = decide(config, decider.tracks, decision.memory, now, overrides)
    once_more = decide(config, decider.tracks, again.memory, now, overrides)
    assert fresh(again) == fresh(decision)
    assert once_more == again


@given(worlds)
def test_the_overlay_names_what_the_configuration_has(world: World) -> None:
    config, overrides, said = world

    decision, _ = run(Decider(config, {}, Memory(), overrides), said)

    assert decision.overlay.weights.keys() <= set(seats_of(config)) - overrides_held(decision)
    assert decision.overlay.standby <= {one.key for one in resources.standby(config)}
    for weight in decision.overlay.weights.values():
        assert weight is None or 0 <= weight <= MAX_WEIGHT


def overrides_held(decision: Decision) -> set[Key]:
    return {
        Key("server", f"{service.listen} {server.endpoint}")
        for service in decision.services
        for server in service.servers
        if server.override is not None
    }


@given(worlds)
def test_checks_take_out_no_more_than_they_may(world: World) -> None:
    config, overrides, said = world

    decision, _ = run(Decider(config, {}, Memory(), overrides), said)

    for service, health in zip(config.services, decision.services, strict=True):
        willing = [
            one
            for one in health.servers
            if one.wanted
            and one.override is None
            and one.state is not HealthState.MAINTENANCE
            and not (one.weight in {0, None} and one.state is not HealthState.DOWN)
        ]
        if health.sorry is None:
            at_least = -(-len(willing) * (100 - service.policy.max_down) // 100)
            assert sum(bool(one.weight) for one in willing) >= at_least


@given(worlds)
def test_with_all_up_and_warm_the_kernel_is_as_the_configuration_says(world: World) -> None:
    config, overrides, said = world
    decider = Decider(config, {}, Memory(), overrides)
    _, now = run(decider, said)

    for _ in range(4 * 32):
        now += 1
        for target in decider.tracks:
            decider.answered(target, GOOD, now, 0.5)
        decider.decide(now)
    decider.reconfigure(config, {})
    decision = decider.decide(now + 60)

    if all(any(server.weight for server in one.servers) for one in config.services):
        assert decision.overlay == HealthOverlay()
    assert decision.wake is None
    desired = state_of([*resources.expand(config), *resources.standby(config)])
    if not decision.overlay.standby:
        laid = overlay(desired, {}, now, decision.overlay)
        assert list(laid.values()) == list(resources.expand(config))


@given(worlds, st.integers(0, 20))
def test_one_more_server_up_takes_none_out_that_is_up(world: World, which: int) -> None:
    config, overrides, said = world
    config = replace(
        config,
        services=tuple(
            replace(one, policy=replace(one.policy, warmup=0.0)) for one in config.services
        ),
    )
    decider = Decider(config, {}, Memory(), overrides)
    before, now = run(decider, said)
    targets = list(decider.tracks)
    down = [one for one in targets if decider.tracks[one].state is HealthState.DOWN]
    if not down:
        return

    while decider.tracks[target := down[which % len(down)]].state is HealthState.DOWN:
        decider.answered(target, GOOD, now, 0.5)
    after = decider.decide(now)

    for old, new in zip(before.services, after.services, strict=True):
        taking = [one for one in old.servers if one.weight]
        assert sum(bool(one.weight) for one in new.servers) >= len(taking)
        left = {one.endpoint for one in new.servers if one.weight}
        for one in taking:
            # In its place, one that is kept by fail-open alone may go.
            assert one.endpoint in left or one.kept


@given(worlds)
def test_failures_fewer_than_fall_change_no_weight(world: World) -> None:
    config, overrides, said = world
    decider = Decider(config, {}, Memory(), overrides)
    before, now = run(decider, said)
    for target, track in decider.tracks.items():
        if track.state is HealthState.UP and track.row == 0:
            for _ in range(target.check.fall - 1):
                decider.answered(target, BAD, now, 0.5)

    assert not decider.dirty
    assert decider.decide(now) is before or now > before.at


@given(worlds)
def test_a_restart_changes_nothing(world: World) -> None:
    config, overrides, said = world
    decider = Decider(config, {}, Memory(), overrides)
    decision, now = run(decider, said)

    text = published.render(Published(now, decider.tracks, decision.memory))
    known = published.parse(text)
    again = Decider(config, known.tracks, known.memory, overrides).decide(now)

    assert known == Published(now, decider.tracks, decision.memory)
    assert fresh(again) == fresh(decision)
    assert transitions(decision, again) == ()


@given(worlds)
def test_waking_goes_forward_and_ends(world: World) -> None:
    config, overrides, said = world
    decider = Decider(config, {}, Memory(), overrides)
    decision, now = run(decider, said)

    for _ in range(400):
        if decision.wake is None:
            return
        assert decision.wake > now
        now = decision.wake
        decision = decider.decide(now)
    raise AssertionError(decision)


@given(services(), told, st.sampled_from([{"timeout": 0.5}, {"type": CheckType.HTTPS}]))
def test_to_edit_a_check_changes_no_state(
    service: VirtualService, said: list[Told], edit: dict[str, Any]
) -> None:
    service = replace(service, more_checks=())
    decider = Decider(Config(services=(service,)), {}, Memory())
    before, now = run(decider, said)
    check = None if service.check is None else replace(service.check, **edit)

    decider.reconfigure(Config(services=(replace(service, check=check),)), {})
    after = decider.decide(now)

    assert states_of(after) == states_of(before)
    assert after.overlay == before.overlay


def states_of(decision: Decision) -> list[list[HealthState]]:
    return [[one.state for one in service.servers] for service in decision.services]
