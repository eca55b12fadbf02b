"""A change on trial: carried out, and taken back unless somebody keeps it.

What to go back to is on the disk before the first change. So a trial that is killed can be taken
back by the next command, too.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from lvsnat.director import overridefile, phases
from lvsnat.director.director import Director, Options, Text, Wish
from lvsnat.director.paths import Paths
from lvsnat.director.rewrite import Rewrite
from lvsnat.director.transaction import Transaction
from lvsnat.errors import LvsnatError, PartlyAppliedError, RefusedError
from lvsnat.model.mode import Mode
from lvsnat.model.phase import Phase
from lvsnat.plan.change import Report
from lvsnat.plan.guard import Risk
from lvsnat.system import (
    is_locked,
    read_file,
    remove_file,
    uninterrupted,
    write_file,
)

VERSION = 1


@dataclass(frozen=True, slots=True)
class Journal:
    """The files before a trial, and the configuration that is tried; None is no file."""

    began: float
    """Seconds since the epoch."""
    config: str | None
    overrides: str | None
    tried: str | None


class Trial:
    """A transaction that is taken back at the end, unless it is kept."""

    def __init__(self, paths: Paths, transaction: Transaction, journal: Journal) -> None:
        self.transaction = transaction
        self._paths = paths
        self._journal = journal
        self._begun = False
        self._kept = False

    def begin(self, report: Report, *, accepted: Collection[Risk] = ()) -> None:
        """Carry it out. Refused or failed, nothing is left of it."""
        self.transaction.insist_on_safety(accepted)
        write_file(self._paths.trial, _render(self._journal))
        try:
            self.transaction.carry_out(report, accepted=accepted, committed=self._has_begun)
        except PartlyAppliedError:
            raise
        except BaseException:
            if not self._begun:
                remove_file(self._paths.trial)
            raise

    def _has_begun(self) -> None:
        self._begun = True

    def keep(self) -> None:
        """Leave it as it is, for good."""
        with uninterrupted():
            self._kept = True
            remove_file(self._paths.trial)

    def end(self) -> None:
        """Take back what was not kept."""
        if self._begun and not self._kept:
            with uninterrupted():
                self.transaction.undo()
                remove_file(self._paths.trial)


@contextlib.contextmanager
def trying(director: Director, options: Options, given: Text | None = None) -> Iterator[Trial]:
    """Prepare a trial of the configuration, or of a text in its place.

    Holds the lock to the end: nobody builds on what may be taken back.
    """
    paths = director.paths
    insist_on_mode(director, given)
    with director.applying(options, given) as transaction:
        # Asked under the lock: one that this waited for may have been killed meanwhile.
        if _load(paths) is not None:
            raise RefusedError(
                "the trial before this one was cut off and is still to be decided",
                "'lvsnat try --revert' takes it back, 'lvsnat try --keep' keeps it",
            )
        tried = read_file(paths.config) if given is None else given.text
        before = (read_file(paths.config), read_file(paths.overrides))
        trial = Trial(paths, transaction, Journal(director.clock.now(), *before, tried))
        try:
            yield trial
        finally:
            trial.end()


def insist_on_mode(director: Director, given: Text | None) -> None:
    """Raise RefusedError where a trial would switch the mode."""
    present = director.config()
    config = present if given is None else director.parsed(given.text, given.source)
    settled = phases.standing(director.paths, present).phase in map(Phase.of, Mode)
    if config.mode is present.mode and (config.switching is None or not settled):
        return
    raise RefusedError(
        f"a trial cannot switch to {config.mode}: to take that back at once would cut connections",
        f"'lvsnat mode {config.mode}' switches, and lets turn round; try the rest after that",
    )


def unfinished(paths: Paths) -> Journal | None:
    """The trial that was killed before it was kept or taken back."""
    journal = _load(paths)
    # Whoever tries holds the lock; the lock of a process that was killed is free.
    return None if journal is None or is_locked(paths.lock) else journal


@contextlib.contextmanager
def reverting(director: Director, options: Options, *, force: bool) -> Iterator[Transaction]:
    """Prepare the way back from a trial that was killed.

    Raises RefusedError where the configuration was changed since, unless ``force``.
    """
    paths = director.paths
    with paths.locked(wait=options.wait):
        journal = _decidable(paths)
        now = read_file(paths.config)
        if now not in (journal.config, journal.tried) and not force:
            raise RefusedError(
                f"{paths.config} was changed since the trial",
                "--force goes back to what it was before the trial; 'lvsnat try --keep' keeps all",
            )
        overrides = {} if journal.overrides is None else overridefile.parse(journal.overrides)
        config = director.parsed(journal.config or "", "the configuration before the trial")
        files = [
            Rewrite(paths.config, now, journal.config),
            Rewrite(paths.overrides, read_file(paths.overrides), journal.overrides),
        ]
        yield director.transaction(Wish(config, overrides), options, files=files)


def settle(director: Director, *, wait: bool = True) -> None:
    """Keep a trial that was killed: there is nothing to go back to any more."""
    with director.paths.locked(wait=wait):
        _decidable(director.paths)
        forget(director.paths)


def forget(paths: Paths) -> None:
    """Remove the journal: the trial is decided."""
    remove_file(paths.trial)


def _decidable(paths: Paths) -> Journal:
    journal = _load(paths)
    if journal is None:
        raise RefusedError("there is no trial to decide", "'lvsnat try FILE' begins one")
    return journal


def _load(paths: Paths) -> Journal | None:
    text = read_file(paths.trial)
    if text is None:
        return None
    try:
        data = json.loads(text)
        if data.pop("version") != VERSION:
            raise ValueError("another version")  # noqa: TRY301 - one way out for every mistake
        return Journal(**data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LvsnatError(
            f"{paths.trial}: not a trial that this version reads ({error})",
            f"'mv {paths.trial} {paths.trial}.broken' keeps what was tried",
        ) from None


def _render(journal: Journal) -> str:
    fields = {
        "began": journal.began,
        "config": journal.config,
        "overrides": journal.overrides,
        "tried": journal.tried,
    }
    return json.dumps({"version": VERSION, **fields}, indent=1) + "\n"
