"""lvsnat apply --boot: what the unit runs when the host has started."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from lvsnat.cli import changing, output, switching
from lvsnat.cli.changing import Manner
from lvsnat.cli.context import Session
from lvsnat.cli.switching import Pace
from lvsnat.model.caution import Caution

if TYPE_CHECKING:
    from lvsnat.director.director import Director


def apply(ctx: typer.Context, manner: Manner) -> None:
    """Wait for the networks of the VIPs, then make this host as the configuration says."""
    from lvsnat.director import boot

    director = Session.of(ctx).director(mention=False)
    if not manner.dry_run:
        if boot.trial_to_take_back(director) is None:
            Session.of(ctx).insist_on_file()
        _wait(director)
    if boot.trial_to_take_back(director) is None:
        # Where this is not the first run since the host started, nobody here waits for connections.
        switching.apply(ctx, manner, pace=Pace(detach=True))
    else:
        _take_back(director, manner)


def _take_back(director: Director, manner: Manner) -> None:
    from lvsnat.director import trial

    output.talk("nobody kept the trial that was cut off: it is taken back")
    with trial.reverting(director, manner.options(), force=False) as transaction:
        changing.finish(transaction, manner.forced())
        if not manner.dry_run:
            trial.forget(director.paths)


def _wait(director: Director) -> None:
    from lvsnat.director import boot

    with output.watching("waiting") as show:
        missing = boot.wait_for_networks(director, lambda what, left: show(f"for {what}", left))
    output.warnings(
        [
            Caution(
                f"{what} has not come within {boot.SECONDS:.0f} s",
                '"vip_interface" under [host] says where VIPs go; that is then all that is awaited',
            )
            for what in missing
        ]
    )
