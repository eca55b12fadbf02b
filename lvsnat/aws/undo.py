"""Put back what a journal says, the last change first, and only where it is still ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from lvsnat.aws.calls import both
from lvsnat.aws.journal import Journal, Stand, Step
from lvsnat.aws.outcome import Left, Undone, words
from lvsnat.aws.refusals import AwsError
from lvsnat.aws.resources import AwsResource, ElasticAddress, TableRoute, UndoTag
from lvsnat.plan.change import Change, inverse, subject
from lvsnat.system import Clock, uninterrupted

ARRIVES_WITHIN: Final = 5.0
"""Seconds in which a call that was cut off may still become visible."""
_LOOK_EVERY: Final = 1.0


class Place(Protocol):
    """Where resources are: ``World``, or a fake."""

    allocations: dict[str, str]
    """Of each VIP, the Elastic IP that was allocated for it."""

    @property
    def clock(self) -> Clock: ...

    def read(self, resource: AwsResource) -> AwsResource | None: ...

    def make(self, change: Change) -> None: ...

    def wait(self, resource: AwsResource, wanted: AwsResource | None) -> None: ...


Tell = Callable[[Undone], None]


def undo(place: Place, journal: Journal, tell: Tell, *, release: bool = False) -> list[Left]:
    """Put back every step that may have been made; return what is left.

    ``release``: give back an Elastic IP, too, that was only just allocated. Without it that stays:
    once released, nobody gets the same address again. What happens is written down step by step.
    """
    left: list[Left] = []
    for number in reversed(journal.open):
        step = journal.steps[number]
        if _is_needed(step, left):
            continue
        try:
            problem = _undo_step(place, journal, number, tell, release=release)
        except AwsError as error:
            problem = Left(step.change, error.message)
        if problem is not None:
            left.append(problem)
    return left


def _is_needed(step: Step, left: list[Left]) -> bool:
    """Whether a note on a table is still what somebody needs to undo a route that is left."""
    tag = _subject(step)
    if not isinstance(tag, UndoTag):
        return False
    routes = (subject(one.change) for one in left)
    return any(
        isinstance(one, TableRoute) and (one.table, one.destination) == (tag.table, tag.destination)
        for one in routes
    )


def _undo_step(
    place: Place, journal: Journal, number: int, tell: Tell, *, release: bool
) -> Left | None:
    step = journal.steps[number]
    resource = _subject(step)
    if isinstance(resource, ElasticAddress) and not release:
        with uninterrupted():
            journal.mark(number, Stand.KEPT)
        allocation = journal.allocations.get(str(resource.vip), "")
        tell(
            Undone(step.change, None, f"{allocation} is kept: a released address is lost".lstrip())
        )
        return None
    now = _now(place, step, resource)
    if now == step.before:
        with uninterrupted():
            journal.mark(number, Stand.UNDONE)
        tell(Undone(step.change, None, "is as it was"))
        return None
    if now != step.after:
        reason = f"is {words(now)}, and was left as {words(step.after)}"
        return Left(step.change, reason, conflict=True)
    back = inverse(step.change)
    with uninterrupted():
        place.make(back)
        journal.mark(number, Stand.UNDONE)
    place.wait(resource, step.before)
    tell(Undone(step.change, back))
    return None


def _now(place: Place, step: Step, resource: AwsResource) -> AwsResource | None:
    """What is there; of a call that was cut off, after the time that it takes to show."""
    now = place.read(resource)
    end = place.clock.monotonic() + ARRIVES_WITHIN
    while step.stand is Stand.BEGUN and now == step.before and place.clock.monotonic() < end:
        place.clock.sleep(_LOOK_EVERY)
        now = place.read(resource)
    return now


def _subject(step: Step) -> AwsResource:
    before, after = both(step.change)
    found = after or before
    assert found is not None  # noqa: S101 - a change is about something
    return found
