"""A way back on trial: made, and taken back unless somebody who still reaches this host keeps it.

What to go back to is on the disk before the first change. So a trial that is killed can be taken
back by the next command, too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from pathlib import Path

from lvsnat.errors import RefusedError
from lvsnat.gateway import record as records
from lvsnat.gateway.change import Shift, settle
from lvsnat.gateway.record import Record, Trial, Wishes
from lvsnat.plan.change import Report
from lvsnat.plan.guard import Risk
from lvsnat.system import is_locked, uninterrupted

DECIDE = "'lvsnat gateway set --revert' takes it back, 'lvsnat gateway set --keep' keeps it"


class Trying:
    """A shift that is taken back at the end, unless it is kept."""

    def __init__(self, shift: Shift, began: float) -> None:
        self.shift = shift
        self._trial = Trial(began, shift.on_disk.wishes)
        self._begun = False
        self._kept = False

    def begin(self, report: Report) -> None:
        """Carry it out, whatever it risks: that is what a trial is for."""
        every: Collection[Risk] = tuple(Risk)
        self.shift.carry_out(report, accepted=every, trial=self._trial, committed=self._has_begun)

    def keep(self) -> None:
        """Leave it as it is, for good."""
        with uninterrupted():
            self._kept = True
            settle(self.shift.path)

    def end(self) -> None:
        """Take back what was not kept."""
        if self._begun and not self._kept:
            self.shift.undo()

    def _has_begun(self) -> None:
        self._begun = True


@contextlib.contextmanager
def trying(shift: Shift, began: float) -> Iterator[Trying]:
    """Try a shift. Call it under the lock: nobody builds on what may be taken back."""
    if shift.on_disk.trial is not None:
        raise RefusedError(
            "the trial before this one was cut off and is still to be decided", DECIDE
        )
    found = Trying(shift, began)
    try:
        yield found
    finally:
        found.end()


def unfinished(path: Path, lock: Path) -> Trial | None:
    """The trial that was killed before it was kept or taken back."""
    trial = records.load(path).trial
    # Whoever tries holds the lock; the lock of a process that was killed is free.
    return None if trial is None or is_locked(lock) else trial


def decidable(record: Record) -> Trial:
    """The trial to decide. Raises RefusedError where there is none."""
    if record.trial is None:
        raise RefusedError(
            "there is no trial to decide", "'lvsnat gateway set VIA --try 60s' begins one"
        )
    return record.trial


def before(record: Record) -> Wishes:
    """What a trial goes back to."""
    return decidable(record).before
