"""Make a plan so: one call for each change, waited for, with a journal that can undo all of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from lvsnat.aws.calls import both, resolved
from lvsnat.aws.journal import Journal, Stand, Where
from lvsnat.aws.outcome import Left, Made, Undone, sentence_of, words
from lvsnat.aws.picture import Picture
from lvsnat.aws.refusals import UNAVAILABLE, AwsError
from lvsnat.aws.resources import NEW_ALLOCATION, AwsResource, ElasticMapping
from lvsnat.aws.seen import seen
from lvsnat.aws.undo import Place, undo
from lvsnat.errors import LvsnatError, PartlyAppliedError, RefusedError
from lvsnat.plan.change import Change, subject
from lvsnat.system import uninterrupted


def apply(
    place: Place,
    changes: Sequence[Change],
    again: Picture,
    *,
    folder: Path,
    where: Where,
    tell: Callable[[Made], None],
) -> Journal:
    """Make all changes; at a failure, put back those that were made, and raise.

    ``again`` is the VPC as it is now. Raises RefusedError before the first call where that is no
    longer what the plan was made of;
    PartlyAppliedError where not everything could be put back. The journal stays for ``undo``.
    """
    _insist_on_before(changes, again)
    journal = Journal.begin(folder, place.clock.now(), where, changes)
    try:
        for number in range(len(changes)):
            tell(_make(place, journal, number))
    except BaseException as error:
        with uninterrupted():
            _roll_back(place, journal, error)
        raise
    return journal


def _insist_on_before(changes: Sequence[Change], again: Picture) -> None:
    """Refuse a plan that was made of another world."""
    moved = []
    for change in changes:
        before, after = both(change)
        resource = after or before
        now = None if resource is None else seen(again, resource)
        if resource is not None and now != before:
            moved.append(
                f"DRIFT {resource.describe()} is {words(now)}, the plan said {words(before)}"
            )
    if moved:
        raise RefusedError("\n".join(moved), "nothing was changed; run 'lvsnat aws plan' again")


def _is_new(resource: AwsResource) -> bool:
    return isinstance(resource, ElasticMapping) and resource.allocation == NEW_ALLOCATION


def _make(place: Place, journal: Journal, number: int) -> Made:
    change = journal.steps[number].change
    _, after = both(change)
    if after is not None and _is_new(after):
        change = resolved(change, journal.allocations[str(_vip(after))])
        _, after = both(change)
    begun = place.clock.monotonic()
    # A Ctrl-C between the call and our note of it could not be undone.
    with uninterrupted():
        journal.mark(number, Stand.BEGUN, change)
        try:
            place.make(change)
        except AwsError as error:
            # Where EC2 refuses, nothing was made; where no answer came, or a fault, who knows.
            if error.reason and error.reason not in UNAVAILABLE:
                journal.mark(number, Stand.PLANNED)
            raise
        journal.allocations.update(place.allocations)
        journal.mark(number, Stand.MADE)
    answered = place.clock.monotonic()
    if after is not None:
        place.wait(after, after)
    return Made(change, answered - begun, place.clock.monotonic() - begun)


def _vip(resource: AwsResource) -> object:
    return resource.private if isinstance(resource, ElasticMapping) else None


def _roll_back(place: Place, journal: Journal, error: BaseException) -> None:
    """Undo what was made; raise what tells the whole story, or nothing where ``error`` does."""
    undone: list[Undone] = []
    number = len(journal.open)
    left = undo(place, journal, undone.append, release=True)
    if left:
        raise _partly_applied(journal, error, number, undone, left) from error
    journal.close()
    if isinstance(error, LvsnatError):
        made = sum(one.back is not None for one in undone)
        changes = "change" if made == 1 else "changes"
        told = (
            f"; the {made} {changes} made before it put back" if made else "; nothing was changed"
        )
        raise type(error)(f"{error.message}{told}", error.hint) from error


def _partly_applied(
    journal: Journal,
    error: BaseException,
    number: int,
    undone: Sequence[Undone],
    left: Sequence[Left],
) -> PartlyAppliedError:
    cause = error.message if isinstance(error, LvsnatError) else _ended(error)
    lines = [f"{cause}", f"{number} changes were made, and not all could be put back:"]
    lines += [f"  put back {subject(one.change).describe()}" for one in undone]
    lines += [f"  {sentence_of(one)}" for one in left]
    return PartlyAppliedError(
        "\n".join(lines), f"'lvsnat aws undo {journal.id}' tries again to put the rest back"
    )


def _ended(error: BaseException) -> str:
    return "interrupted" if isinstance(error, KeyboardInterrupt) else repr(error)
