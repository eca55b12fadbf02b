"""lvsnat try: carry out, and take back unless somebody who can still reach this host keeps it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated

import typer

from lvsnat.cli import asking, changing, output, words
from lvsnat.cli.changing import Manner
from lvsnat.cli.context import Session
from lvsnat.cli.given import STANDARD_INPUT, given
from lvsnat.cli.options import (
    DryRunOption,
    FileArgument,
    ForceOption,
    KeepOption,
    NoWaitOption,
    Output,
    RevertOption,
    YesOption,
)
from lvsnat.errors import LvsnatError, UsageError
from lvsnat.system import interrupted_by_every_end

if TYPE_CHECKING:
    from lvsnat.director.director import Director, Text
    from lvsnat.director.trial import Trial

TimeoutOption = Annotated[
    int | None,
    typer.Option(
        "--timeout",
        parser=words.parse_duration,
        metavar="DURATION",
        help="Take it back unless it is kept within this time: 90s, 5m; 60s if not said.",
    ),
]


ONE_MINUTE = 60


def try_(
    ctx: typer.Context,
    file: FileArgument = None,
    *,
    timeout: TimeoutOption = None,
    yes: YesOption = False,
    revert: RevertOption = False,
    keep: KeepOption = False,
    dry_run: DryRunOption = False,
    force: ForceOption = False,
    no_wait: NoWaitOption = False,
) -> None:
    """Make this host as the configuration, or FILE, says; take it back unless ENTER keeps it.

    A terminal that goes away, Ctrl-C, kill or silence takes it back: configuration, overrides and
    kernel are then as before.
    """
    manner = Manner(dry_run=dry_run, force=force, no_wait=no_wait)
    if not (revert or keep or file):
        Session.of(ctx).insist_on_config()
        if not dry_run:
            Session.of(ctx).insist_on_file()
    if revert or keep:
        _decide(ctx, file, manner, revert=revert, keep=keep)
    elif dry_run or yes:
        from lvsnat.director.trial import insist_on_mode

        text = given(file)
        insist_on_mode(Session.of(ctx).director(), text)
        changing.apply(ctx, manner, text)
    else:
        if file == STANDARD_INPUT:
            raise UsageError("the answer comes from standard input", "name a file")
        asking.insist(yes=yes)
        _try(
            Session.of(ctx).director(),
            given(file),
            manner,
            ONE_MINUTE if timeout is None else timeout,
        )


def _try(director: Director, text: Text | None, manner: Manner, timeout: int) -> None:
    from lvsnat.director import trial

    try:
        with interrupted_by_every_end(), trial.trying(director, manner.options(), text) as trying:
            kept = _carry_out(trying, manner, timeout)
    except KeyboardInterrupt:
        # The terminal may be what is gone.
        with contextlib.suppress(OSError):
            output.talk("taken back: everything is as it was before")
        raise
    if not kept:
        raise LvsnatError("not kept: everything is as it was before", "try again, press ENTER")


def _carry_out(trying: Trial, manner: Manner, timeout: int) -> bool:
    plan = trying.transaction.plan
    with output.carrying_out(plan, trying.transaction.objections, Output.TABLE) as report:
        trying.begin(report, accepted=manner.accepting())
    asking.forget_what_was_typed()
    output.talk(f"ENTER keeps this; anything else takes it back, as do {timeout} s of silence")
    if asking.line_within(timeout) != "":
        return False
    trying.keep()
    output.talk("kept")
    return True


def _decide(
    ctx: typer.Context, file: str | None, manner: Manner, *, revert: bool, keep: bool
) -> None:
    """Decide a trial that was cut off."""
    from lvsnat.director import trial

    if file is not None or (revert and keep):
        raise UsageError("--revert and --keep stand alone", "they are about the trial before")
    session = Session.of(ctx)
    director = session.director(mention=False)
    if keep:
        trial.settle(director, wait=not manner.no_wait)
        output.talk("kept")
        return
    with trial.reverting(director, manner.options(), force=manner.force) as transaction:
        changing.finish(transaction, manner.forced())
        if not manner.dry_run:
            trial.forget(director.paths)
