"""lvsnat mode: show how TCP reaches the real servers, or switch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from lvsnat.cli import leaving, switching, watching, words
from lvsnat.cli.changing import Manner
from lvsnat.cli.context import Session
from lvsnat.cli.gathered import gathered
from lvsnat.cli.options import (
    DetachOption,
    Output,
)
from lvsnat.cli.switching import Pace
from lvsnat.cli.watching import Answer
from lvsnat.errors import UsageError
from lvsnat.model.mode import Mode
from lvsnat.model.status import DirectorStatus
from lvsnat.model.switch import Progress

if TYPE_CHECKING:
    from rich.console import RenderableType

ModeArgument = Annotated[
    Mode | None,
    typer.Argument(
        metavar="[MODE]",
        parser=words.one_of(Mode, "a mode"),
        help="The mode to switch to: lvs-nat or haproxy-tproxy; none shows the present one.",
        autocompletion=lambda: [str(mode) for mode in Mode],
        show_default=False,
    ),
]
NowOption = Annotated[
    bool, typer.Option("--now", help="Do not wait: cut the connections of the old side.")
]
TimeoutOption = Annotated[
    int | None,
    typer.Option(
        "--drain-timeout",
        parser=words.parse_duration,
        metavar="DURATION",
        help="Wait at most so long for connections of the old side, each time: 90s, 2h; 10m if"
        " not said.",
    ),
]


@gathered
def mode(
    ctx: typer.Context,
    wanted: ModeArgument = None,
    *,
    now: NowOption = False,
    drain_timeout: TimeoutOption = None,
    detach: DetachOption = False,
    manner: Manner,
) -> None:
    """Show how TCP reaches the real servers, or switch; no connection is lost by a switch.

    Both sides serve for a while: new connections go to the new one, and those of the old one are
    waited for. Ctrl-C ends the waiting, not the switch: the same command goes on with it, and the
    other mode turns it round.
    """
    if wanted is None:
        if now or detach or drain_timeout is not None or manner != Manner(output=manner.output):
            raise UsageError("these options are about a switch", f"name a mode: {', '.join(Mode)}")
        return _show(ctx, manner.output)
    if now and (detach or drain_timeout is not None):
        raise UsageError("--now waits for nothing", "leave out the other option")
    pace = Pace(0 if now else drain_timeout, detach)
    return _switch(ctx, wanted, pace, manner)


def _switch(ctx: typer.Context, wanted: Mode, pace: Pace, manner: Manner) -> None:
    from lvsnat.director import detached

    if pace.detach:
        detached.insist()
    here = switching.switch(ctx, wanted, pace, manner)
    if pace.detach and not here.done and not manner.dry_run:
        leaving.leave(ctx, wanted)


def _show(ctx: typer.Context, output_format: Output) -> None:
    from lvsnat.director.switch import Switch
    from lvsnat.director.wish import Options

    director = Session.of(ctx).director()
    progress = Switch(director, Options()).progress()
    watching.show(mode_answer(director.status(), progress), output_format)


def mode_answer(found: DirectorStatus, progress: Progress) -> Answer:
    """What is told of the mode and of a switch in its midst."""
    from lvsnat.ui import jsonout
    from lvsnat.ui import switching as view

    def draw(_: watching.Room) -> Iterable[RenderableType]:
        from lvsnat.ui.mode import mode_view

        return mode_view(found, progress)

    document = {**jsonout.mode_document(found), **view.progress_document(progress)}
    return Answer(draw, lambda notation: [jsonout.render(document, notation)])
