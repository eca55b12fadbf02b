"""lvsnat doctor --fix: what a plan can repair, shown, asked about and carried out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lvsnat.cli import asking, changing, output
from lvsnat.cli.changing import Manner
from lvsnat.cli.options import Output
from lvsnat.errors import RefusedError

if TYPE_CHECKING:
    from lvsnat.director.director import Director
    from lvsnat.director.transaction import Transaction
    from lvsnat.doctor.finding import Finding
    from lvsnat.ui.jsonout import Document


@dataclass(frozen=True, slots=True)
class Repair:
    """What became of it."""

    transaction: Transaction | None
    """None where no plan can do anything."""
    carried_out: bool = False

    def document(self, before: Sequence[Finding], after: Sequence[Finding]) -> Document:
        """For programs: the plan, and which findings are gone."""
        from lvsnat.plan.planner import Plan
        from lvsnat.ui.jsonout import plan_document

        plan = Plan() if self.transaction is None else self.transaction.plan
        risks = () if self.transaction is None else self.transaction.objections
        left = {(one.code, one.subject) for one in after}
        gone = [str(one.code) for one in before if (one.code, one.subject) not in left]
        return {**plan_document(plan, risks, applied=self.carried_out), "repaired": gone}


def repair(
    director: Director,
    found: Iterable[Finding],
    manner: Manner,
    *,
    yes: bool,
) -> Repair:
    """Carry out what repairs these findings, once that was shown and answered with yes.

    Raises RefusedError where nobody answers, and for what is unsafe.
    """
    from lvsnat.director.fix import fixing

    keys = {key for one in found if one.fix is not None for key in one.fix.keys}
    if not keys:
        return _nothing()
    with fixing(director, keys, manner.options()) as planned:
        # What would stop the traffic all the same, the look before and the look after it say.
        transaction = replace(planned, warnings=tuple)
        if not transaction.plan:
            return _nothing()
        if manner.dry_run:
            if manner.output is Output.TABLE:
                changing.finish(transaction, manner)
            return Repair(transaction)
        _insist(transaction, manner)
        asking.insist(yes=yes)
        if not yes:
            output.preview(transaction.plan, transaction.objections)
            asking.confirm("Make these changes?")
        changing.finish(transaction, replace(manner, quiet=manner.output is not Output.TABLE))
        return Repair(transaction, carried_out=True)


def _insist(transaction: Transaction, manner: Manner) -> None:
    try:
        transaction.insist_on_safety(manner.accepting())
    except RefusedError as error:
        error.hint = (
            "nothing was changed; 'lvsnat apply --force' does it all the same, --skip CODE repairs"
            " the rest"
        )
        raise


def _nothing() -> Repair:
    output.talk("nothing of this is repaired by a plan of lvsnat")
    return Repair(None)
