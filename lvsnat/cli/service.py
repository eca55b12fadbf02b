"""lvsnat service: virtual services, what clients connect to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lvsnat.cli import changing, output, words
from lvsnat.cli.changing import Manner
from lvsnat.cli.context import Session
from lvsnat.cli.gathered import gathered
from lvsnat.cli.options import (
    NowOption,
    Output,
    OutputOption,
    ServiceArgument,
)
from lvsnat.cli.wishes import Failing, Wishes
from lvsnat.errors import UsageError
from lvsnat.model.endpoint import parse_listener
from lvsnat.model.service import RealServer, VirtualService
from lvsnat.plan.guard import Risk

if TYPE_CHECKING:
    from lvsnat.config.edit import ConfigDocument

app = typer.Typer(help="Virtual services: what clients connect to.")

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="A name of your choice, for later commands.")
]
ListenArgument = Annotated[
    str,
    typer.Argument(
        metavar="LISTEN",
        help="Where clients connect: tcp/192.168.1.50:80, tcp/192.168.1.50:8000-8100,9000,"
        " udp/[2001:db8::50]:53, fwmark/7.",
    ),
]
ServerOption = Annotated[
    list[RealServer] | None,
    typer.Option(
        "--server",
        parser=words.parse_server,
        metavar="ADDR[=WEIGHT]",
        help="A real server; again for each further one.",
    ),
]


@app.command()
@gathered
def add(
    ctx: typer.Context,
    name: NameArgument,
    listen: ListenArgument,
    *,
    wishes: Wishes,
    failing: Failing,
    server: ServerOption = None,
    manner: Manner,
) -> None:
    """Add a service, with its real servers or without."""
    plain = VirtualService(name, parse_listener(listen), servers=tuple(server or ()))
    service = wishes.of(plain, failing)
    changing.edit(ctx, lambda document: document.add_service(service), manner)


@app.command(name="set")
@gathered
def set_(
    ctx: typer.Context,
    service: ServiceArgument,
    *,
    wishes: Wishes,
    failing: Failing,
    manner: Manner,
) -> None:
    """Change a service in place; its connections stay."""
    if (wishes, failing) == (Wishes(), Failing()):
        raise UsageError("nothing to set", "'lvsnat service set --help' shows what can be set")

    def change(document: ConfigDocument) -> None:
        have = document.config.find(service)
        document.set_service(service, wishes.of(have, failing))

    changing.edit(ctx, change, manner)


@app.command(name="list")
def list_(ctx: typer.Context, *, output_format: OutputOption = Output.TABLE) -> None:
    """List the services of the configuration."""
    output.services(Session.of(ctx).director().config().services, output_format)


@app.command()
def show(
    ctx: typer.Context, service: ServiceArgument, *, output_format: OutputOption = Output.TABLE
) -> None:
    """Show a service of the configuration with its servers."""
    output.service(Session.of(ctx).director().config().find(service), output_format)


@app.command()
@gathered
def remove(
    ctx: typer.Context,
    service: ServiceArgument,
    *,
    now: NowOption = False,
    manner: Manner,
) -> None:
    """Remove a service with its real servers; one with active connections only with --now."""
    if now:
        manner = manner.accept(Risk.CUTS_CONNECTIONS)
    changing.edit(ctx, lambda document: document.remove_service(service), manner)
