"""The laws of the plan, for any two states and any ledger."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import Parent, World, states

from lvsnat.errors import LvsnatError
from lvsnat.model.resource import Key, Setting, State
from lvsnat.plan.apply import apply
from lvsnat.plan.change import Create, Delete, Update, inverse, key_of, subject
from lvsnat.plan.ledger import Ledger
from lvsnat.plan.planner import caused_by, plan


def ours(*some: State) -> Ledger:
    """A ledger that owns every parent in these states."""
    return Ledger(frozenset(key for state in some for key in state if key.kind == "parent"))


@given(states(), states())
def test_equal_states_need_no_change(state: State, other: State) -> None:
    assert not plan(state, state, ours(state, other))


@given(states(), states())
def test_carrying_out_a_plan_gives_the_desired_state(desired: State, observed: State) -> None:
    world = World(dict(observed))

    apply(plan(desired, observed, ours(desired, observed)).changes, [world], lambda _: None)

    assert world.contents == desired


@given(states(), states(), st.sets(st.sampled_from("abcde")))
def test_strangers_survive(desired: State, observed: State, ours_by_name: set[str]) -> None:
    ledger = Ledger(frozenset(Key("parent", name) for name in ours_by_name))
    strangers = {
        key: resource
        for key, resource in observed.items()
        if not isinstance(resource, Setting) and resource.owner not in ledger.owned
    }
    world = World(dict(observed))

    apply(plan(desired, observed, ledger).changes, [world], lambda _: None)

    assert {key: world.contents.get(key) for key in strangers} == strangers


@given(states(), states())
def test_parents_precede_children_and_removals_come_last(desired: State, observed: State) -> None:
    changes = plan(desired, observed, ours(desired, observed)).changes

    makes = [c for c in changes if not isinstance(c, Delete)]
    breaks = [c for c in changes if isinstance(c, Delete)]
    assert [*makes, *breaks] == list(changes)
    assert [subject(c).stage for c in makes] == sorted(subject(c).stage for c in makes)
    assert [subject(c).stage for c in breaks] == sorted(
        (subject(c).stage for c in breaks), reverse=True
    )


@given(states(), states(), st.integers(0, 30))
def test_a_failure_leaves_the_world_as_it_was(
    desired: State, observed: State, fail_after: int
) -> None:
    changes = plan(desired, observed, ours(desired, observed)).changes
    if fail_after >= len(changes):
        return
    world = FailsOnce(dict(observed), fail_after=fail_after)

    with pytest.raises(LvsnatError):
        apply(changes, [world], lambda _: None)

    assert world.contents == observed


class FailsOnce(World):
    """Refuses one write and then works again."""

    def _one(self, change: Create | Update | Delete) -> None:
        try:
            super()._one(change)
        except LvsnatError:
            self.fail_after = None
            raise


@given(states(), states())
def test_undoing_every_change_restores_the_state(desired: State, observed: State) -> None:
    changes = plan(desired, observed, ours(desired, observed)).changes
    world = World(dict(observed))
    apply(changes, [world], lambda _: None)

    apply([inverse(change) for change in reversed(changes)], [world], lambda _: None)

    assert world.contents == observed


@given(states(), states())
def test_taking_everything_away_puts_settings_back(desired: State, observed: State) -> None:
    strangers_gone = {k: r for k, r in observed.items() if isinstance(r, Setting)}
    world = World(dict(strangers_gone))
    first = plan(desired, world.contents, Ledger())
    apply(first.changes, [world], lambda _: None)
    ledger = Ledger().intending(first.changes).after(first.changes)

    last = plan({}, world.contents, ledger)
    apply(last.changes, [world], lambda _: None)

    assert world.contents == strangers_gone
    assert ledger.intending(last.changes).after(last.changes) == Ledger()


@given(states(), states())
def test_a_change_of_the_wish_causes_only_its_own_changes(before: State, after: State) -> None:
    touched = caused_by(before, after)

    whole = plan(after, before, ours(before, after))

    assert {key_of(change) for change in whole.only(touched).changes} == {
        key_of(change) for change in whole.changes
    }
    assert not whole.without(touched).changes


@given(states(), states())
def test_a_fingerprint_names_a_plan(desired: State, observed: State) -> None:
    ledger = ours(desired, observed)

    first, again = plan(desired, observed, ledger), plan(desired, observed, ledger)

    assert first.fingerprint == again.fingerprint
    if first.changes:
        assert first.fingerprint != plan(desired, desired, ledger).fingerprint


def test_a_parent_that_somebody_else_made_is_a_conflict_and_not_touched() -> None:
    theirs, wish = Parent("a", 1), Parent("a", 2)

    result = plan({wish.key: wish}, {theirs.key: theirs}, Ledger())

    assert result.conflicts == (theirs,)
    assert result.changes == ()
