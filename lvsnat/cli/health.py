"""lvsnat health: what the daemon knows of the servers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from lvsnat.cli import output, watching
from lvsnat.cli.context import Session
from lvsnat.cli.options import NoWaitOption, Output, OutputOption
from lvsnat.cli.status import OneServiceArgument
from lvsnat.cli.watching import Answer, WatchOption
from lvsnat.errors import UsageError
from lvsnat.model.config import meant
from lvsnat.model.endpoint import as_written

if TYPE_CHECKING:
    from rich.console import RenderableType

    from lvsnat.health.report import Report

ForgetOption = Annotated[
    bool,
    typer.Option(
        "--forget",
        help="Forget it, of one service or of all: what no daemon asks any more counts as up.",
    ),
]


def health(
    ctx: typer.Context,
    service: OneServiceArgument = None,
    *,
    forget: ForgetOption = False,
    watch: WatchOption = None,
    no_wait: NoWaitOption = False,
    output_format: OutputOption = Output.TABLE,
) -> None:
    """Show which servers are up, since when and why; of one service with checks and history."""
    from lvsnat.daemon import report as reports

    director = Session.of(ctx).director()
    if forget:
        if watch is not None:
            raise UsageError("--forget and --watch exclude each other", "forget first")
        reports.forget(director, service, wait=not no_wait)
        output.talk("forgotten: 'lvsnat plan' shows what differs now, 'lvsnat apply' ends that")
        return None

    def read() -> Answer:
        return _answer(_only(reports.report(director), service), detailed=service is not None)

    if watch is not None:
        return watching.repeat(read, output_format, watch, director.clock.sleep)
    return watching.show(read(), output_format)


def _answer(report: Report, *, detailed: bool) -> Answer:
    from lvsnat.ui import jsonout
    from lvsnat.ui.health_json import health_document

    def draw(_: watching.Room) -> Iterable[RenderableType]:
        from lvsnat.ui.health import health_view

        return health_view(report, detailed=detailed)

    return Answer(draw, lambda notation: [jsonout.render(health_document(report), notation)])


def _only(report: Report, name: str | None) -> Report:
    """The report on one service, or on all if there is no name."""
    if name is None:
        return report
    wanted = as_written(name)
    services, elsewhere = (
        tuple(one for one in part if wanted in (one.name, str(one.listen)))
        for part in (report.services, report.elsewhere)
    )
    if not services and not elsewhere:
        listeners = {one.name: str(one.listen) for one in report.all}
        raise UsageError(f"no service {name!r} is known", meant(name, listeners, "services here"))
    return replace(report, services=services, elsewhere=elsewhere)
