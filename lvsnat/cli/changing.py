"""The path that every changing command takes: prepare, show, and carry out or stop there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from lvsnat.cli import output
from lvsnat.cli.context import Session
from lvsnat.cli.options import Output
from lvsnat.ui import words
from lvsnat.ui.counts import Tally

if TYPE_CHECKING:
    from lvsnat.config.edit import ConfigDocument
    from lvsnat.director.director import Options
    from lvsnat.director.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Manner:
    """How the operator wants a change to be made and shown."""

    dry_run: bool = False
    adopt: bool = False
    force: bool = False
    no_wait: bool = False
    output: Output = Output.TABLE

    def options(self) -> Options:
        from lvsnat.director.director import Options

        return Options(adopt=self.adopt, wait=not self.no_wait)


def edit(ctx: typer.Context, change: Callable[[ConfigDocument], None], manner: Manner) -> None:
    """Edit the configuration and make what the edit changes so."""
    with Session.of(ctx).director().editing(change, manner.options()) as transaction:
        finish(transaction, manner)


def apply(ctx: typer.Context, manner: Manner) -> None:
    """Make the world as the configuration says."""
    with Session.of(ctx).director().applying(manner.options()) as transaction:
        finish(transaction, manner)


def finish(transaction: Transaction, manner: Manner) -> None:
    """Take the last step: carry out, or only show."""
    if manner.dry_run:
        output.plan(transaction.plan, transaction.objections, manner.output)
        output.talk("dry run: nothing was changed")
    else:
        _carry_out(transaction, manner)
    _mention_drift(transaction)


def _carry_out(transaction: Transaction, manner: Manner) -> None:
    plan = transaction.plan
    try:
        with output.carrying_out(plan, transaction.objections, manner.output) as report:
            transaction.carry_out(report, force=manner.force)
    except KeyboardInterrupt:
        output.talk("'lvsnat plan' shows what differs now")
        raise
    output.talk(Tally.of(plan.changes).done() if plan.changes else "in sync: nothing to change")


def _mention_drift(transaction: Transaction) -> None:
    others = len(transaction.drift.changes)
    if others:
        output.talk(
            f"note: {words.count(others, 'other difference')} left alone: 'lvsnat plan' shows what"
        )
