"""The path that every changing command takes: prepare, show, and carry out or stop there."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import typer

from lvsnat.cli import output
from lvsnat.cli.context import Session
from lvsnat.cli.options import (
    AdoptOption,
    DryRunOption,
    ForceOption,
    NoWaitOption,
    Output,
    OutputOption,
)
from lvsnat.plan.change import Report
from lvsnat.plan.guard import Risk
from lvsnat.system import interrupted_by_every_end
from lvsnat.ui import words
from lvsnat.ui.counts import Tally

if TYPE_CHECKING:
    from lvsnat.config.edit import ConfigDocument
    from lvsnat.director.director import Options, Overriding, Text
    from lvsnat.director.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Manner:
    """How the operator wants a change to be made and shown."""

    dry_run: DryRunOption = False
    adopt: AdoptOption = False
    force: ForceOption = False
    no_wait: NoWaitOption = False
    output: OutputOption = Output.TABLE
    accepted: frozenset[Risk] = frozenset()
    """Risks that the command itself is about; ``force`` accepts every other one, too."""
    quiet: bool = False
    """Draw nothing: another step follows, which does."""
    expect: str | None = None
    """The fingerprint of the plan that the operator has looked at."""

    def options(self) -> Options:
        from lvsnat.director.director import Options

        return Options(adopt=self.adopt, wait=not self.no_wait, waiting=_say_for_whom)

    def forced(self) -> Manner:
        return replace(self, force=True)

    def accept(self, *risks: Risk) -> Manner:
        return replace(self, accepted=self.accepted | set(risks))

    def accepting(self) -> Collection[Risk]:
        return tuple(Risk) if self.force else self.accepted


def _say_for_whom(holder: str) -> None:
    output.talk(f"waiting for another lvsnat command to end ({holder})")


def edit(ctx: typer.Context, change: Callable[[ConfigDocument], None], manner: Manner) -> None:
    """Edit the configuration and make what the edit changes so."""
    with Session.of(ctx).director().editing(change, manner.options()) as transaction:
        finish(transaction, manner)


def apply(ctx: typer.Context, manner: Manner, given: Text | None = None) -> None:
    """Make the world as the configuration says, or as a text that becomes the configuration."""
    with Session.of(ctx).director().applying(manner.options(), given) as transaction:
        finish(transaction, manner)


def override(ctx: typer.Context, change: Overriding, manner: Manner) -> None:
    """Lay something over the configuration and make what that changes so."""
    with Session.of(ctx).director().overriding(change, manner.options()) as transaction:
        finish(transaction, manner)


def finish(transaction: Transaction, manner: Manner) -> None:
    """Take the last step: carry out, or only show."""
    transaction.expect(manner.expect)
    if manner.dry_run:
        risks = [one for one in transaction.objections if one.risk not in manner.accepted]
        output.plan(transaction.plan, risks, manner.output)
        output.talk("dry run: nothing was changed")
    else:
        carry_out(transaction, manner)
    _mention_drift(transaction)
    output.warnings(transaction.warnings())


def carry_out(transaction: Transaction, manner: Manner) -> None:
    plan = transaction.plan
    try:
        with (
            interrupted_by_every_end(),
            _drawing(transaction, manner) as report,
        ):
            transaction.carry_out(report, accepted=manner.accepting())
    except KeyboardInterrupt:
        output.talk("'lvsnat plan' shows what differs now")
        raise
    if not manner.quiet:
        output.talk(Tally.of(plan.changes).done() if plan.changes else "in sync: nothing to change")


def _drawing(transaction: Transaction, manner: Manner) -> AbstractContextManager[Report]:
    if manner.quiet:
        return nullcontext(lambda _: None)
    return output.carrying_out(transaction.plan, transaction.objections, manner.output)


def _mention_drift(transaction: Transaction) -> None:
    others = len(transaction.drift.changes)
    if others:
        output.talk(
            f"note: {words.count(others, 'other difference')} left alone: 'lvsnat plan' shows what"
        )
