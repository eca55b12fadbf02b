"""One change of the world: planned, shown, then carried out whole or not at all.

A dry run is a transaction that nobody carries out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lvsnat.director import ledgerfile
from lvsnat.director.rewrite import Rewrite, staged
from lvsnat.errors import PartlyAppliedError, RefusedError
from lvsnat.model.caution import Caution
from lvsnat.plan.apply import apply, roll_back, sentence
from lvsnat.plan.backend import Backend
from lvsnat.plan.change import Change, Report, key_of
from lvsnat.plan.guard import Objection, Risk
from lvsnat.plan.ledger import Ledger
from lvsnat.plan.planner import Plan
from lvsnat.system import uninterrupted


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
    files: tuple[Rewrite, ...] = ()
    """The files that change with the world: the configuration, the overrides."""
    warnings: Callable[[], Sequence[Caution]] = tuple
    """What on this host would stop the traffic; asked once the changes are made, or shown."""
    ahead: tuple[Rewrite, ...] = ()
    """Files that take their place before the first change, and go back if all is undone."""

    def expect(self, fingerprint: str | None) -> None:
        """Raise RefusedError if this is not the plan that was looked at."""
        if fingerprint is not None and fingerprint != self.plan.fingerprint:
            raise RefusedError(
                f"the plan is {self.plan.fingerprint} now, not {fingerprint}: something has moved",
                "'lvsnat plan' shows the new one; nothing was changed",
            )

    def insist_on_safety(self, accepted: Collection[Risk] = ()) -> None:
        """Raise RefusedError for what somebody else made, and for risks that nobody accepted."""
        self.refuse_conflicts()
        raised = [one for one in self.objections if one.risk not in accepted]
        if raised:
            raise RefusedError(
                "\n".join(f"{objection.message}: {objection.why}" for objection in raised),
                "--force does it all the same; nothing was changed",
            )

    def prepare(self) -> None:
        """Raise LvsnatError if the plan can be seen to fail, before anything is changed."""
        for backend, changes in self.parts():
            backend.prepare(changes)

    def parts(self) -> Iterator[tuple[Backend, tuple[Change, ...]]]:
        """The changes of each backend that has any."""
        for backend in self.backends:
            changes = tuple(c for c in self.plan.changes if key_of(c).kind in backend.kinds)
            if changes:
                yield backend, changes

    def carry_out(
        self,
        report: Report,
        *,
        accepted: Collection[Risk] = (),
        committed: Callable[[], None] = lambda: None,
    ) -> None:
        """Change the world, then the files.

        Every new text, the ledger's too, is on the disk before the first change and takes its place
        after the last: whatever fails, fills the disk or is killed in between, each file is whole
        and the next apply converges. Raises as ``insist_on_safety``, before any change. From
        ``committed`` on it stands, even if an interruption that was held back until then is raised.
        """
        self.insist_on_safety(accepted)
        self.prepare()
        intended = self.ledger.intending(self.plan.changes)
        finished = intended.after(self.plan.changes)
        not_ahead = [file.inverse() for file in self.ahead]
        with (
            staged([*self._noting(self.on_disk, intended), *self.ahead]) as noted,
            staged([*self.files, *self._noting(intended, finished)]) as results,
            staged([*self._noting(intended, self.on_disk), *not_ahead]) as undone,
        ):
            # Killed from here on, the ledger owns what is new: the next apply takes it away, or
            # keeps it, as the configuration then says.
            noted.commit()

            def finish() -> None:
                results.commit()
                committed()

            apply(
                self.plan.changes,
                self.backends,
                report,
                finish=finish,
                rolled_back=undone.commit,
                shield=uninterrupted,
            )

    def undo(self) -> None:
        """Take back what was carried out: the world, the files and the ledger.

        Goes on after a refusal and raises PartlyAppliedError at the end; what is left behind stays
        ours, so that the next apply finishes it.
        """
        with uninterrupted():
            failures = roll_back(self.plan.changes, self.backends)
            left = self.ledger.intending(self.plan.changes) if failures else self.on_disk
            back = [file.inverse() for file in self.files]
            with staged([*back, *self._noting(None, left)]) as files:
                files.commit()
        if failures:
            lines = [f"  {sentence(failure.change)}: {failure.reason}" for failure in failures]
            raise PartlyAppliedError(
                "\n".join(["not all could be undone; left behind:", *lines]),
                "'lvsnat plan' shows what differs now; 'lvsnat apply' finishes it",
            )

    def _noting(self, before: Ledger | None, after: Ledger) -> list[Rewrite]:
        if before == after:
            return []
        return [Rewrite(self.ledger_path, None, ledgerfile.render(after))]

    def refuse_conflicts(self) -> None:
        """Raise RefusedError for what somebody else made."""
        if not self.plan.conflicts:
            return
        names = ", ".join(resource.describe() for resource in self.plan.conflicts)
        raise RefusedError(
            f"made by somebody else: {names}",
            "--adopt takes it over: it is then changed to what the configuration says",
        )
