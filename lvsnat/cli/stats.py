"""lvsnat stats: what services and servers have carried."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from lvsnat.cli import output, watching
from lvsnat.cli.context import Session
from lvsnat.cli.options import Output, OutputOption
from lvsnat.cli.status import OneServiceArgument, only
from lvsnat.cli.watching import Answer, WatchOption
from lvsnat.errors import UsageError
from lvsnat.model.status import DirectorStatus, ServiceStatus, Sync
from lvsnat.ui import words

if TYPE_CHECKING:
    from rich.console import RenderableType

    from lvsnat.director.director import Director

ZeroOption = Annotated[bool, typer.Option("--zero", help="Show the counters and set them to zero.")]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="With --zero: say what would be zeroed.")
]
RateOption = Annotated[bool, typer.Option("--rate", help="Show what passes in a second alone.")]
ExactOption = Annotated[bool, typer.Option("--exact", help="Show every digit, and no units.")]


def stats(
    ctx: typer.Context,
    service: OneServiceArgument = None,
    *,
    zero: ZeroOption = False,
    dry_run: DryRunOption = False,
    rate: RateOption = False,
    exact: ExactOption = False,
    watch: WatchOption = None,
    output_format: OutputOption = Output.TABLE,
) -> None:
    """Show how many connections, packets and bytes services and servers have carried."""
    director = Session.of(ctx).director()

    def answer(found: DirectorStatus, zeroed: Iterable[ServiceStatus] | None = None) -> Answer:
        return _answer(found, zeroed, exact=exact, rates_only=rate)

    if watch is not None:
        if zero:
            raise UsageError("--zero and --watch exclude each other", "zero first, then watch")
        return watching.repeat(
            lambda: answer(only(director.status(), service)),
            output_format,
            watch,
            director.clock.sleep,
        )
    if dry_run and not zero:
        raise UsageError("--dry-run changes nothing without --zero", "leave it out")
    whole = director.status()
    found = only(whole, service)
    if not zero:
        return watching.show(answer(found), output_format)
    to_zero = _to_zero(found, named=service is not None)
    _zero(director, to_zero, whole, dry_run=dry_run)
    watching.show(answer(found, () if dry_run else to_zero), output_format)
    return _say(found, to_zero, dry_run=dry_run)


def _to_zero(found: DirectorStatus, *, named: bool) -> list[ServiceStatus]:
    """Whose counters to zero: what somebody else made only if it is called by its listener."""
    return [
        service
        for service in found.services
        if service.stats is not None and (named or service.sync is not Sync.UNMANAGED)
    ]


def _zero(
    director: Director,
    services: Sequence[ServiceStatus],
    whole: DirectorStatus,
    *,
    dry_run: bool,
) -> None:
    from lvsnat.director.traffic import insist_on_zeroing

    if dry_run:
        insist_on_zeroing(services, whole)
    else:
        director.traffic().zero(services, whole)


def _say(found: DirectorStatus, zeroed: list[ServiceStatus], *, dry_run: bool) -> None:
    servers = sum(server.stats is not None for one in zeroed for server in one.servers)
    what = f"the counters of {words.count(len(zeroed), 'service')}"
    what += f" and {words.count(servers, 'server')}"
    output.talk(
        f"would zero {what}\ndry run: nothing was changed"
        if dry_run
        else f"zeroed {what}; the table shows them as they were"
    )
    left = [service for service in found.services if service not in zeroed]
    if others := sum(service.sync is Sync.UNMANAGED for service in left):
        output.talk(f"note: {words.count(others, 'service')} of somebody else left alone")


def _answer(
    found: DirectorStatus,
    zeroed: Iterable[ServiceStatus] | None,
    *,
    exact: bool,
    rates_only: bool,
) -> Answer:
    from lvsnat.ui import jsonout

    names = None if zeroed is None else [service.name or str(service.listen) for service in zeroed]

    def draw(_: watching.Room) -> Iterable[RenderableType]:
        from lvsnat.ui.stats import stats_view

        return stats_view(found, exact=exact, rates_only=rates_only)

    return Answer(
        draw, lambda notation: [jsonout.render(jsonout.stats_document(found, names), notation)]
    )
