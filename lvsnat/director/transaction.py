"""One change of the world: planned, shown, then carried out whole or not at all.

A dry run is a transaction that nobody carries out.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lvsnat.director import ledgerfile
from lvsnat.errors import RefusedError
from lvsnat.plan.apply import apply
from lvsnat.plan.backend import Backend
from lvsnat.plan.guard import Objection
from lvsnat.plan.ledger import Ledger
from lvsnat.plan.planner import Plan, Report
from lvsnat.system import StagedFile, uninterrupted


@dataclass(frozen=True, slots=True)
class Transaction:
    """A plan with all that is needed to carry it out."""

    plan: Plan
    """What this transaction changes."""
    drift: Plan
    """What differs besides, and is left alone."""
    objections: tuple[Objection, ...]
    """What speaks against the plan."""
    on_disk: Ledger
    ledger: Ledger
    """The ledger on disk with what is adopted now."""
    ledger_path: Path
    backends: Sequence[Backend]
    files: tuple[tuple[Path, str], ...] = ()
    """The new texts of files that change with the world: the configuration, the overrides."""

    def carry_out(self, report: Report, *, force: bool = False) -> None:
        """Change the world, then the files.

        The new texts are on the disk before the first change and take their place after the last:
        whatever fails or is killed in between, each file is whole and the next apply converges.
        Raises RefusedError, before any change, for what somebody else made, and for objections
        unless ``force``.
        """
        self._refuse_conflicts()
        if not force:
            self._refuse_objections()
        with contextlib.ExitStack() as stack:
            staged = []
            for path, text in self.files:
                staged.append(StagedFile(path, text))
                stack.callback(staged[-1].discard)
            intended = self._apply(report)
            # An interruption before this block leaves old files and a ledger that owns the new
            # resources: the next apply takes them away. Within it, nothing interrupts.
            with uninterrupted():
                for file in staged:
                    file.commit()
                self._store(intended, intended.after(self.plan.changes))

    def _apply(self, report: Report) -> Ledger:
        """Carry out the changes under a ledger that already owns what they make; returns that."""
        intended = self.ledger.intending(self.plan.changes)
        self._store(self.on_disk, intended)
        apply(
            self.plan.changes,
            self.backends,
            report,
            rolled_back=lambda: self._store(intended, self.on_disk),
        )
        return intended

    def _store(self, before: Ledger, after: Ledger) -> None:
        if after != before:
            ledgerfile.store(self.ledger_path, after)

    def _refuse_conflicts(self) -> None:
        if not self.plan.conflicts:
            return
        names = ", ".join(resource.describe() for resource in self.plan.conflicts)
        raise RefusedError(
            f"made by somebody else: {names}",
            "--adopt takes it over: it is then changed to what the configuration says",
        )

    def _refuse_objections(self) -> None:
        if not self.objections:
            return
        raise RefusedError(
            "\n".join(f"{objection.message}: {objection.why}" for objection in self.objections),
            "--force does it all the same; nothing was changed",
        )
