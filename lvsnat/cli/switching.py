"""Draw a switch of modes: every step, what it waits for, and the way before it is gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

import typer

from lvsnat.cli import changing, leaving, output
from lvsnat.cli.changing import Manner
from lvsnat.cli.context import Session
from lvsnat.cli.options import Output
from lvsnat.model.caution import Caution
from lvsnat.model.mode import Mode
from lvsnat.plan.change import Change
from lvsnat.plan.guard import Objection
from lvsnat.plan.planner import Plan
from lvsnat.system import interrupted_by_every_end

if TYPE_CHECKING:
    from lvsnat.director.director import Director, Text
    from lvsnat.director.switch import Foresight, Switch
    from lvsnat.director.transaction import Transaction
    from lvsnat.model.switch import Look, Standing


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a switch may take, and who goes on with it."""

    limit: float | None = None
    """Seconds that each wait may last; 0 waits for nothing, None is what is usual."""
    detach: bool = False
    """End where the first wait begins; somebody else goes on."""

    def leaves(self, here: Standing) -> bool:
        """Whether to end here."""
        return self.detach and here.awaited is not None


def switch(ctx: typer.Context, mode: Mode, pace: Pace, manner: Manner) -> Standing:
    """Switch to a mode, or show what that would be; where it then stands."""
    from lvsnat.director.switch import ACCEPTED, Switch

    drawing = _Drawing(Session.of(ctx).director(), manner.accept(*ACCEPTED))
    work = Switch(drawing.director, manner.options(), pace.limit)
    if manner.dry_run:
        with work.foreseeing(mode) as foresight:
            return drawing.foresee(foresight, pace)
    with work.beginning(mode) as transaction:
        drawing.first(work, transaction)
    return drawing.rest(work, mode, pace)


def apply(
    ctx: typer.Context, manner: Manner, given: Text | None = None, pace: Pace | None = None
) -> None:
    """Make this host as the configuration says, by a switch where it says another mode."""
    from lvsnat.director.switch import Switch

    pace = pace or Pace()
    director = Session.of(ctx).director(mention=not pace.detach)
    drawing, work = _Drawing(director, manner), Switch(director, manner.options(), pace.limit)
    if manner.dry_run:
        with work.showing(given) as foresight:
            foresight.end.expect(manner.expect)
            drawing.foresee(foresight, pace)
        return None
    with work.applying(given, manner.expect) as transaction:
        if work.here is not None and work.here.done:
            return changing.finish(transaction, replace(manner, expect=None))
        drawing.first(work, transaction)
        mode = _mode(work)
    here = drawing.rest(work, mode, pace)
    if not here.done:
        _hand_over(ctx, here)
    return None


def _hand_over(ctx: typer.Context, here: Standing) -> None:
    """Leave what is not done to systemd, or to the next command."""
    from lvsnat.director import detached

    if detached.possible():
        leaving.leave(ctx, here.mode)
    else:
        output.talk(f"note: the switch stands at {here.phase}: 'lvsnat apply' goes on with it")


class _Drawing:
    """What is told of a switch while it is made; a document for a program comes at its end."""

    def __init__(self, director: Director, manner: Manner) -> None:
        self.director = director
        self._manner = manner
        self._changes: list[Change] = []
        self._warned: set[Caution] = set()

    def foresee(self, foresight: Foresight, pace: Pace) -> Standing:
        """Show the end, the way there and what speaks against it; nothing is changed."""
        from lvsnat.director.switch import DRAIN_TIMEOUT
        from lvsnat.ui import switching as words

        end, here = foresight.end, foresight.here
        output.plan(end.plan, at_stake(end, here, self._manner), self._manner.output)
        if not here.done:
            output.talk(f"a switch from {here.phase} to {here.mode}, step by step:")
            for line in words.way(here, DRAIN_TIMEOUT if pace.limit is None else pace.limit):
                output.talk(f"  {line}")
        output.warnings(end.warnings())
        output.talk("dry run: nothing was changed")
        if not here.done:
            foresight.prepare()
        return here

    def first(self, work: Switch, transaction: Transaction) -> None:
        """Carry out what comes before every wait."""
        here = work.here
        if here is not None and not here.done:
            # What would stop the traffic of the other side is to be known while nothing has moved.
            self._warn(transaction.warnings())
            if here.awaited is None:
                _title(here)
        self._carry_out(transaction)

    def rest(self, work: Switch, mode: Mode, pace: Pace) -> Standing:
        """Make all the other steps, each when its time has come."""
        from lvsnat.director.switch import ACCEPTED

        self._manner = self._manner.accept(*ACCEPTED)
        try:
            with interrupted_by_every_end():
                here = work.go_on(mode, self._step, _show, pace.leaves)
        except KeyboardInterrupt:
            output.talk(
                "the switch stands where it is and nothing is lost: 'lvsnat mode' shows it;"
                f" 'lvsnat mode {mode}' and 'lvsnat apply' go on with it"
            )
            raise
        if self._manner.output is not Output.TABLE:
            with output.carrying_out(Plan(tuple(self._changes)), (), self._manner.output):
                pass
        if here.done:
            output.talk(f"{mode} is in force")
        self._warn(self.director.warnings())
        return here

    def _warn(self, cautions: Sequence[Caution]) -> None:
        """Say what was not said yet."""
        output.warnings([one for one in cautions if one not in self._warned])
        self._warned.update(cautions)

    def _step(self, here: Standing, transaction: Transaction) -> None:
        _title(here)
        self._carry_out(transaction)

    def _carry_out(self, transaction: Transaction) -> None:
        unseen = self._manner.output is not Output.TABLE or not transaction.plan
        manner = replace(self._manner, output=Output.TABLE, quiet=unseen, expect=None)
        changing.carry_out(transaction, manner)
        self._changes += transaction.plan.changes


def _title(here: Standing) -> None:
    """Say what the next step does."""
    from lvsnat.ui import switching as words

    output.talk(f"{words.step(here.next, here.mode)}:")


def at_stake(end: Transaction, here: Standing, manner: Manner) -> list[Objection]:
    """The risks of what is planned, without those that a switch steps round."""
    from lvsnat.director.switch import ACCEPTED

    accepted = manner.accepted if here.done else manner.accepted | ACCEPTED
    return [one for one in end.objections if one.risk not in accepted]


def _show(looks: Iterator[Look]) -> None:
    """Show how many connections are left, for as long as any are."""
    from lvsnat.ui import switching as words

    first = next(looks, None)
    if first is None:
        return
    last = first
    with output.watching(words.waiting(first.side)) as show:
        for last in chain([first], looks):
            show(words.left(last), last.left or 0)
    if last.left == 0 and last.connections:
        output.talk(f"the time is over: {words.left(last)} in {last.side}, cut now")


def _mode(work: Switch) -> Mode:
    assert work.here is not None  # noqa: S101 - known from its beginning on
    return work.here.mode
