"""Carry a plan out, all or nothing. The world is reached only through the backends handed in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import groupby

from lvsnat.errors import LvsnatError, PartlyAppliedError
from lvsnat.plan.backend import Backend
from lvsnat.plan.change import Change, Create, Delete, Report, Update, inverse, key_of, subject


class StepError(LvsnatError):
    """One change of a plan was refused by the system."""

    def __init__(
        self,
        change: Change,
        reason: str,
        hint: str | None = None,
        others: Sequence[Change] = (),
    ) -> None:
        super().__init__(f"{sentence(change)}: {reason}", hint)
        self.change = change
        self.reason = reason
        self.others = others
        """What was refused with it, where a backend makes all of a batch or nothing."""


@dataclass(frozen=True, slots=True)
class RollbackFailure:
    """A change that was carried out and could not be undone."""

    change: Change
    reason: str


def sentence(change: Change) -> str:
    """A change as words: ``create service tcp/192.168.1.50:80``."""
    verb = {Create: "create", Update: "change", Delete: "remove"}[type(change)]
    return f"{verb} {subject(change).describe()}"


def apply(
    changes: Sequence[Change],
    backends: Sequence[Backend],
    report: Report,
    *,
    finish: Callable[[], None] = lambda: None,
    rolled_back: Callable[[], None] = lambda: None,
    shield: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> None:
    """Carry out the changes and ``finish``; at a refusal undo all, call ``rolled_back``, and raise.

    Nothing interrupts what happens within ``shield``: to finish, and to undo. Raises StepError
    after a complete rollback, PartlyAppliedError when the rollback failed too. Whatever else ends
    it (Ctrl-C, a report that fails, a full disk) is rolled back as well.
    """
    by_kind = _by_kind(backends)
    carried_out: list[Change] = []
    finished = False

    def done(change: Change) -> None:
        carried_out.append(change)
        report(change)

    try:
        _run(changes, by_kind, done)
        with shield():
            finish()
            finished = True
    except BaseException as error:
        if finished:  # What was held back until then comes too late to undo anything.
            raise
        with shield():
            failures = roll_back(carried_out, backends)
            if not failures and _is_known(error):
                rolled_back()
        if failures:
            raise _partly_applied(error, len(changes), carried_out, failures) from error
        if isinstance(error, StepError):
            raise _rolled_back(error, len(carried_out), len(changes)) from error
        raise


def _is_known(error: BaseException) -> bool:
    """Whether everything that was done was also reported.

    A system that refuses a step says so. One that gives no answer may have carried it out, so what
    was intended stays ours, and the next apply settles it.
    """
    return isinstance(error, StepError) or not isinstance(error, LvsnatError)


def _run(changes: Sequence[Change], by_kind: dict[str, Backend], done: Report) -> None:
    for backend, batch in groupby(changes, key=lambda change: by_kind[key_of(change).kind]):
        backend.apply(tuple(batch), done)


def roll_back(changes: Sequence[Change], backends: Iterable[Backend]) -> list[RollbackFailure]:
    """Undo changes that were carried out, the last one first; what is refused is passed over."""
    by_kind = _by_kind(backends)
    return [
        failure
        for backend, batch in groupby(reversed(changes), key=lambda c: by_kind[key_of(c).kind])
        for failure in _undo(backend, list(batch))
    ]


def _undo(backend: Backend, changes: list[Change]) -> list[RollbackFailure]:
    """Undo changes in the order given, in as few batches as refusals allow."""
    left = [(change, inverse(change)) for change in changes]
    failures: list[RollbackFailure] = []
    while left:
        undone: list[Change] = []
        try:
            backend.apply([back for _, back in left], undone.append)
            break
        except LvsnatError as error:
            settled = {id(back) for back in undone}
            left = [pair for pair in left if id(pair[1]) not in settled]
            refused = _refused(error, [back for _, back in left])
            reason = error.reason if isinstance(error, StepError) else error.message
            failures += [RollbackFailure(c, reason) for c, back in left if id(back) in refused]
            left = [pair for pair in left if id(pair[1]) not in refused]
    return failures


def _refused(error: LvsnatError, left: Sequence[Change]) -> set[int]:
    """Which of the changes that are left an error is about; the first where it names none."""
    named = [error.change, *error.others] if isinstance(error, StepError) else []
    known = {id(change) for change in left}
    return {id(change) for change in named} & known or {id(change) for change in left[:1]}


def _by_kind(backends: Iterable[Backend]) -> dict[str, Backend]:
    return {kind: backend for backend in backends for kind in backend.kinds}


def _rolled_back(error: StepError, done: int, total: int) -> StepError:
    undone = f"; the {done} of {total} changes made before it were undone" if done else ""
    return StepError(error.change, f"{error.reason}{undone}", error.hint)


def _ended(error: BaseException) -> str:
    return "interrupted" if isinstance(error, KeyboardInterrupt) else repr(error)


def _partly_applied(
    error: BaseException,
    total: int,
    carried_out: Sequence[Change],
    failures: Sequence[RollbackFailure],
) -> PartlyAppliedError:
    stuck = {key_of(failure.change) for failure in failures}
    lines = [
        f"  undone      {sentence(change)}" for change in carried_out if key_of(change) not in stuck
    ]
    lines += [f"  left behind {sentence(failure.change)}: {failure.reason}" for failure in failures]
    cause = error.message if isinstance(error, LvsnatError) else _ended(error)
    return PartlyAppliedError(
        f"{cause}\n{len(carried_out)} of {total} changes were made and not all could be undone:\n"
        + "\n".join(lines),
        "'lvsnat plan' shows what differs now; 'lvsnat apply' finishes it",
    )
