"""lvsnat status: what is configured, what is there and what it carries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from lvsnat.cli import complete, output, watching
from lvsnat.cli.context import Session
from lvsnat.cli.options import Output, OutputOption
from lvsnat.cli.watching import Answer, WatchOption
from lvsnat.errors import UsageError
from lvsnat.model.config import meant
from lvsnat.model.endpoint import as_written
from lvsnat.model.status import DirectorStatus
from lvsnat.ui.counts import Overview

if TYPE_CHECKING:
    from rich.console import RenderableType

OneServiceArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="SERVICE",
        help="Show this service alone: its name or listener.",
        autocompletion=complete.services,
    ),
]
LiveOption = Annotated[
    bool,
    typer.Option(
        "--live", help="Show it each second, with keys to sort, filter, drain; ? for all."
    ),
]


def status(
    ctx: typer.Context,
    service: OneServiceArgument = None,
    *,
    live: LiveOption = False,
    watch: WatchOption = None,
    output_format: OutputOption = Output.TABLE,
) -> None:
    """Show the services and servers, their state and their traffic."""
    if live:
        return _live(ctx, service, alone=watch is None and output_format is Output.TABLE)
    from lvsnat.director.watch import Watch

    director = Session.of(ctx).director()
    looking = Watch(director)
    if watch is not None:
        return watching.repeat(
            lambda: status_answer(only(looking.status(), service)),
            output_format,
            watch,
            director.clock.sleep,
        )
    found = only(looking.status(), service)
    watching.show(status_answer(found), output_format)
    if Overview.of(found).drift:
        output.talk("'lvsnat plan' shows the differences, 'lvsnat apply' ends them")
    return None


def _live(ctx: typer.Context, service: str | None, *, alone: bool) -> None:
    if not alone:
        raise UsageError("--live takes neither --watch nor --output", "leave them out")
    from lvsnat.cli import live

    live.live(Session.of(ctx), lambda found: only(found, service))


def status_answer(found: DirectorStatus) -> Answer:
    from lvsnat.ui import jsonout

    def draw(_: watching.Room) -> Iterable[RenderableType]:
        from lvsnat.ui.status import status_view

        return status_view(found)

    return Answer(draw, lambda notation: [jsonout.render(jsonout.status_document(found), notation)])


def only(whole: DirectorStatus, name: str | None) -> DirectorStatus:
    """The status of one service, or of all if there is no name."""
    if name is None:
        return whole
    wanted = as_written(name)
    services = tuple(
        service for service in whole.services if wanted in (service.name, str(service.listen))
    )
    if not services:
        listeners = {one.name or str(one.listen): str(one.listen) for one in whole.services}
        raise UsageError(f"no service {name!r}", meant(name, listeners, "services here"))
    return replace(whole, services=services, host=())
