"""What apply does when a step is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from worlds import Child, Parent, World

from lvsnat.errors import ExitCode, LvsnatError, PartlyAppliedError
from lvsnat.model.resource import state_of
from lvsnat.plan.apply import RollbackFailure, StepError, apply, roll_back
from lvsnat.plan.change import Change, Create, Delete, Update


class Stuck(World):
    """A world where nothing can be deleted."""

    def _one(self, change: Change) -> None:
        if isinstance(change, Delete):
            raise StepError(change, "cannot delete")
        super()._one(change)


A, B = Parent("a"), Parent("b")
A1 = Child("a", "1")


def test_a_refused_step_undoes_what_was_done_before_it() -> None:
    world = World(refuse={B.key})

    with pytest.raises(StepError) as caught:
        apply([Create(A), Create(A1), Create(B)], [world], lambda _: None)

    assert world.contents == {}
    assert str(caught.value) == (
        "create parent b: refused by the world; the 2 of 3 changes made before it were undone"
    )


def test_a_rollback_that_fails_gives_an_account_step_by_step() -> None:
    world = Stuck(state_of([Parent("c")]), refuse={B.key})

    with pytest.raises(PartlyAppliedError) as caught:
        apply([Create(A), Update(Parent("c"), Parent("c", 1)), Create(B)], [world], lambda _: None)

    assert caught.value.code is ExitCode.PARTLY_APPLIED
    assert str(caught.value).splitlines() == [
        "create parent b: refused by the world",
        "2 of 3 changes were made and not all could be undone:",
        "  undone      change parent c",
        "  left behind create parent a: cannot delete",
    ]


def test_an_interruption_is_rolled_back() -> None:
    world = World()

    def interrupt(change: Change) -> None:
        if change == Create(A1):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply([Create(A), Create(A1), Create(B)], [world], interrupt)

    assert world.contents == {}


def test_each_change_is_reported_once_and_in_order() -> None:
    seen: list[Change] = []
    changes = [Create(A), Create(A1), Create(B)]

    apply(changes, [World()], seen.append)

    assert seen == changes


def test_what_cannot_be_finished_is_rolled_back() -> None:
    world = World()

    def full() -> None:
        raise LvsnatError("cannot replace lvsnat.toml: No space left on device")

    with pytest.raises(LvsnatError, match="No space left"):
        apply([Create(A)], [world], lambda _: None, finish=full)

    assert world.contents == {}


def test_an_interruption_that_was_held_back_until_the_end_undoes_nothing() -> None:
    world = World()

    @contextmanager
    def late() -> Iterator[None]:
        yield
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply([Create(A)], [world], lambda _: None, shield=late)

    assert world.contents == {A.key: A}


def test_everything_that_can_be_undone_is_undone() -> None:
    world = Stuck(state_of([Parent("c", 1), A]))

    failures = roll_back([Create(A), Update(Parent("c"), Parent("c", 1))], [world])

    assert failures == [RollbackFailure(Create(A), "cannot delete")]
    assert world.contents[Parent("c").key] == Parent("c")


class Silent(World):
    """A world that carries a change out and never says so."""

    def _one(self, change: Change) -> None:
        super()._one(change)
        raise LvsnatError("no answer within 30 s")


@pytest.mark.parametrize(("world", "told"), [(World(refuse={A.key}), True), (Silent(), False)])
def test_only_a_world_that_answers_can_be_said_to_be_as_before(
    world: World,
    told: bool,  # noqa: FBT001
) -> None:
    undone: list[str] = []

    with pytest.raises(LvsnatError):
        apply([Create(A)], [world], lambda _: None, rolled_back=lambda: undone.append("undone"))

    assert bool(undone) is told
