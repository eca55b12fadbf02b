"""lvsnat gateway set, unset: the way back of this real server, made and taken away."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lvsnat.cli import asking, output, words
from lvsnat.cli.changing import Manner
from lvsnat.cli.gateway_options import (
    InterfaceOption,
    LocalClientsOption,
    OptionalViaArgument,
    PriorityOption,
    ReplyOnlyOption,
    TableOption,
    wished,
)
from lvsnat.cli.options import (
    DryRunOption,
    ForceOption,
    KeepOption,
    NoWaitOption,
    Output,
    OutputOption,
    RevertOption,
    YesOption,
)
from lvsnat.errors import LvsnatError, UsageError
from lvsnat.gateway.wish import GatewayWish
from lvsnat.model.caution import Caution
from lvsnat.system import SystemClock, interrupted_by_every_end

if TYPE_CHECKING:
    from lvsnat.gateway.change import Shift
    from lvsnat.gateway.record import Record, Wishes
    from lvsnat.gateway.trial import Trying

TryOption = Annotated[
    int | None,
    typer.Option(
        "--try",
        parser=words.parse_duration,
        metavar="DURATION",
        help="Take it back unless ENTER keeps it within this time: 60s, 5m.",
    ),
]


def set_(
    *,
    via: OptionalViaArgument = None,
    reply_only: ReplyOnlyOption = None,
    local_clients: LocalClientsOption = False,
    interface: InterfaceOption = None,
    table: TableOption = None,
    priority: PriorityOption = None,
    trying: TryOption = None,
    yes: YesOption = False,
    revert: RevertOption = False,
    keep: KeepOption = False,
    dry_run: DryRunOption = False,
    force: ForceOption = False,
    no_wait: NoWaitOption = False,
    output_format: OutputOption = Output.TABLE,
) -> None:
    """Send this real server's replies back through the director VIA, until the next boot.

    All that it sends (the default gateway), or with --reply-only what it answers from its service's
    ports; the rest stays as it is. Give it once for IPv4 and once for IPv6.
    """
    manner = Manner(dry_run=dry_run, force=force, no_wait=no_wait, output=output_format)
    if revert or keep:
        if via is not None or (revert and keep):
            raise UsageError("--revert and --keep stand alone", "they are about the trial before")
        _decide(manner, keep=keep)
        return
    if via is None:
        raise UsageError("VIA is missing", "give the director's VIP: lvsnat gateway set 10.0.1.200")
    wish = wished(
        via,
        reply_only,
        local_clients=local_clients,
        interface=interface,
        table=table,
        priority=priority,
    )
    with _shifting(manner, lambda record: {**record.wishes, wish.family: wish}) as shift:
        if trying is not None and not (yes or dry_run):
            _try(shift, trying)
        else:
            _finish(shift, manner)
        if not dry_run:
            _warn(wish)


def unset(
    *,
    dry_run: DryRunOption = False,
    force: ForceOption = False,
    no_wait: NoWaitOption = False,
    output_format: OutputOption = Output.TABLE,
) -> None:
    """Put this real server's routing back as it was before 'lvsnat gateway set', of both families.

    What somebody else has changed since is left alone, and said.
    """
    manner = Manner(dry_run=dry_run, force=force, no_wait=no_wait, output=output_format)
    with _shifting(manner, lambda _: {}) as shift:
        _finish(shift, manner)


@contextlib.contextmanager
def _shifting(manner: Manner, wish: Callable[[Record], Wishes]) -> Iterator[Shift]:
    from lvsnat.gateway.change import prepare
    from lvsnat.gateway.whence import ssh_connection

    with _locked(manner) as path:
        yield prepare(path, wish, ssh_connection(os.environ))


@contextlib.contextmanager
def _locked(manner: Manner) -> Iterator[Path]:
    """Hold the lock that all commands share; what lvsnat has set is in the file."""
    from lvsnat.director.paths import Paths

    paths = Paths.from_environment(os.environ)

    def say(holder: str) -> None:
        output.talk(f"waiting for another lvsnat command to end ({holder})")

    with paths.locked(wait=not manner.no_wait, waiting=say):
        yield paths.gateway


def _finish(shift: Shift, manner: Manner) -> None:
    from lvsnat.ui.counts import Tally

    if manner.dry_run:
        output.plan(shift.plan, shift.objections, manner.output)
        output.talk("dry run: nothing was changed")
        return
    changes = shift.plan.changes
    shift.insist_on_safety(manner.accepting())
    with (
        interrupted_by_every_end(),
        output.carrying_out(shift.plan, shift.objections, manner.output) as report,
    ):
        shift.carry_out(report, accepted=manner.accepting())
    for left in shift.plan.unmanaged:
        output.talk(f"left alone, since somebody has changed it: {left.describe()}")
    output.talk(Tally.of(changes).done() if changes else "in sync: nothing to change")


def _warn(wish: GatewayWish) -> None:
    """Say what may defeat the way back although it is set, and until when it lasts."""
    from lvsnat.gateway.findings import Standing, findings
    from lvsnat.gateway.look import look

    found = [one for view in look({wish.family: wish}) for one in findings(view)]
    output.warnings(
        [
            Caution(f"{one.code}: {one.subject}: {one.seen}", one.remedy)
            for one in found
            if one.standing is not Standing.HOLDS
        ]
    )
    output.talk("it ends with the next boot: 'lvsnat gateway render --format FORMAT' makes it last")


def _try(shift: Shift, timeout: int) -> None:
    from lvsnat.gateway import trial

    asking.insist(yes=False)
    try:
        with interrupted_by_every_end(), trial.trying(shift, SystemClock().now()) as attempt:
            kept = _attempt(attempt, timeout)
    except KeyboardInterrupt:
        # The terminal may be what is gone.
        with contextlib.suppress(OSError):
            output.talk("taken back: everything is as it was before")
        raise
    if not kept:
        raise LvsnatError("not kept: everything is as it was before", "try again, press ENTER")


def _attempt(attempt: Trying, timeout: int) -> bool:
    with output.carrying_out(attempt.shift.plan, attempt.shift.objections, Output.TABLE) as report:
        attempt.begin(report)
    asking.forget_what_was_typed()
    output.talk(f"ENTER keeps this; anything else takes it back, as do {timeout} s of silence")
    if asking.line_within(timeout) != "":
        return False
    attempt.keep()
    output.talk("kept")
    return True


def _decide(manner: Manner, *, keep: bool) -> None:
    """Decide a trial that was cut off."""
    from lvsnat.gateway import change, trial
    from lvsnat.gateway import record as records

    if keep:
        with _locked(manner) as path:
            trial.decidable(records.load(path))
            change.settle(path)
        output.talk("kept")
        return
    with _shifting(manner, trial.before) as shift:
        _finish(shift, manner)
