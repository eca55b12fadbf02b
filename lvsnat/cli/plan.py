"""lvsnat plan, lvsnat apply: what differs, and the end of it."""

from __future__ import annotations

from typing import Annotated

import typer

from lvsnat.cli import changing, output
from lvsnat.cli.changing import Manner
from lvsnat.cli.context import Session
from lvsnat.cli.options import (
    AdoptOption,
    DryRunOption,
    ForceOption,
    NoWaitOption,
    Output,
    OutputOption,
)
from lvsnat.errors import ExitCode

ExitCodeOption = Annotated[
    bool, typer.Option("--exit-code", help="Exit with 3 where something differs.")
]


def plan(
    ctx: typer.Context,
    *,
    exit_code: ExitCodeOption = False,
    output_format: OutputOption = Output.TABLE,
) -> None:
    """Show what 'lvsnat apply' would change, and change nothing."""
    transaction = Session.of(ctx).director().planned()
    output.plan(transaction.plan, transaction.objections, output_format)
    if exit_code and transaction.plan:
        raise typer.Exit(ExitCode.DRIFT)


def apply(
    ctx: typer.Context,
    *,
    dry_run: DryRunOption = False,
    adopt: AdoptOption = False,
    force: ForceOption = False,
    no_wait: NoWaitOption = False,
    output_format: OutputOption = Output.TABLE,
) -> None:
    """Make this host as the configuration says.

    All or nothing: a change that is refused undoes those made before it.
    """
    changing.apply(ctx, Manner(dry_run, adopt, force, no_wait, output_format))
