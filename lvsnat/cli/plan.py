"""lvsnat plan, apply, clear: what differs, the end of it, and the end of everything."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from lvsnat.cli import asking, boot, changing, output, switching
from lvsnat.cli.changing import Manner
from lvsnat.cli.context import Session
from lvsnat.cli.gathered import gathered
from lvsnat.cli.given import given
from lvsnat.cli.options import (
    DetachOption,
    DryRunOption,
    FileArgument,
    ForceOption,
    NoWaitOption,
    Output,
    OutputOption,
    YesOption,
)
from lvsnat.cli.switching import Pace
from lvsnat.errors import ExitCode, RefusedError, UsageError
from lvsnat.plan.guard import Risk

if TYPE_CHECKING:
    from lvsnat.director.director import Director
    from lvsnat.model.switch import Standing

ExitCodeOption = Annotated[
    bool, typer.Option("--exit-code", help="Exit with 3 where something differs.")
]
ExpectOption = Annotated[
    str | None,
    typer.Option(
        "--expect",
        metavar="FINGERPRINT",
        help="Refuse if the plan is not the one with this fingerprint, as 'lvsnat plan' showed it.",
    ),
]


BootOption = Annotated[
    bool,
    typer.Option(
        "--boot",
        help="As the host starts: wait for the networks of the VIPs, and take back a trial that"
        " nobody kept.",
    ),
]


def plan(
    ctx: typer.Context,
    *,
    exit_code: ExitCodeOption = False,
    output_format: OutputOption = Output.TABLE,
) -> None:
    """Show what 'lvsnat apply' would change, and change nothing."""
    session = Session.of(ctx)
    session.insist_on_config()
    director = session.director()
    transaction, here = director.planned(), _standing(director)
    risks = switching.at_stake(transaction, here, Manner())
    output.plan(transaction.plan, risks, output_format)
    _mention_switch(here)
    output.warnings(transaction.warnings())
    if exit_code and transaction.plan:
        raise typer.Exit(ExitCode.DRIFT)


def _standing(director: Director) -> Standing:
    from lvsnat.director.switch import Switch
    from lvsnat.director.wish import Options

    return Switch(director, Options()).standing()


def _mention_switch(here: Standing) -> None:
    if not here.done:
        output.talk(
            f"note: this host is at {here.phase}: 'lvsnat apply' goes to {here.mode} step by step,"
            f" so that no connection is lost; 'lvsnat mode {here.mode} --dry-run' shows the steps"
        )


@gathered
def apply(
    ctx: typer.Context,
    file: FileArgument = None,
    *,
    at_boot: BootOption = False,
    detach: DetachOption = False,
    expect: ExpectOption = None,
    manner: Manner,
) -> None:
    """Make this host as the configuration says, or as FILE, which becomes the configuration.

    All or nothing: a change that is refused undoes those made before it.
    """
    manner = replace(manner, expect=expect)
    if file is None:
        Session.of(ctx).insist_on_config()
        if not (at_boot or manner.dry_run):
            Session.of(ctx).insist_on_file()
    if detach and not manner.dry_run:
        from lvsnat.director import detached

        detached.insist()
    if not at_boot:
        switching.apply(ctx, manner, given(file), Pace(detach=detach))
    elif file is None:
        boot.apply(ctx, manner)
    else:
        raise UsageError("--boot is about the configuration in its place", "leave FILE out")


def clear(
    ctx: typer.Context,
    *,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    force: ForceOption = False,
    no_wait: NoWaitOption = False,
    output_format: OutputOption = Output.TABLE,
) -> None:
    """Take away everything that lvsnat made on this host; the configuration stays.

    Services, real servers, addresses and rules go, kernel settings get their old values back. What
    somebody else made is left alone. 'lvsnat apply' makes everything again.
    """
    plain = Manner(dry_run=dry_run, force=force, no_wait=no_wait, output=output_format)
    manner = plain.accept(*(set(Risk) - {Risk.CUTS_SESSION}))
    if not dry_run:
        asking.insist(yes=yes)
    director = Session.of(ctx).director()
    if not dry_run and director.daemon_runs():
        raise RefusedError(
            "the daemon runs, and would make everything again",
            "'systemctl stop lvsnat-daemon' stops it",
        )
    with director.clearing(manner.options()) as transaction:
        if transaction.plan and not dry_run:
            transaction.insist_on_safety(manner.accepting())
            if not yes:
                output.preview(transaction.plan, transaction.objections)
                asking.confirm("Take all of this away?")
        changing.finish(transaction, manner)
