"""lvsnat server: the machines that answer for a service."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from lvsnat.cli import changing
from lvsnat.cli.changing import Manner
from lvsnat.cli.options import (
    AdoptOption,
    DryRunOption,
    ForceOption,
    LowerOption,
    NewServerArgument,
    NoWaitOption,
    Output,
    OutputOption,
    ServerArgument,
    ServiceArgument,
    UpperOption,
    WeightOption,
)
from lvsnat.errors import UsageError
from lvsnat.model.service import RealServer

if TYPE_CHECKING:
    from lvsnat.config.edit import ConfigDocument

app = typer.Typer(help="Real servers: the machines that answer for a service.")


@app.command()
def add(
    ctx: typer.Context,
    service: ServiceArgument,
    address: NewServerArgument,
    *,
    weight: WeightOption = None,
    upper: UpperOption = None,
    lower: LowerOption = None,
    dry_run: DryRunOption = False,
    adopt: AdoptOption = False,
    force: ForceOption = False,
    no_wait: NoWaitOption = False,
    output_format: OutputOption = Output.TABLE,
) -> None:
    """Add a real server to a service; its weight is 1 where nothing is said."""
    server = _with(RealServer(address), weight, upper, lower)
    manner = Manner(dry_run, adopt, force, no_wait, output_format)
    changing.edit(ctx, lambda document: document.add_server(service, server), manner)


@app.command(name="set")
def set_(
    ctx: typer.Context,
    service: ServiceArgument,
    address: ServerArgument,
    *,
    weight: WeightOption = None,
    upper: UpperOption = None,
    lower: LowerOption = None,
    dry_run: DryRunOption = False,
    adopt: AdoptOption = False,
    force: ForceOption = False,
    no_wait: NoWaitOption = False,
    output_format: OutputOption = Output.TABLE,
) -> None:
    """Change a real server in place; its connections stay."""
    if weight is None and upper is None and lower is None:
        raise UsageError("nothing to set", "give --weight, --upper or --lower")

    def change(document: ConfigDocument) -> None:
        servers = {server.endpoint: server for server in document.config.find(service).servers}
        # The document says so itself where it has no such server.
        have = servers.get(address, RealServer(address))
        document.set_server(service, _with(have, weight, upper, lower))

    changing.edit(ctx, change, Manner(dry_run, adopt, force, no_wait, output_format))


@app.command()
def remove(
    ctx: typer.Context,
    service: ServiceArgument,
    address: ServerArgument,
    *,
    dry_run: DryRunOption = False,
    adopt: AdoptOption = False,
    force: ForceOption = False,
    no_wait: NoWaitOption = False,
    output_format: OutputOption = Output.TABLE,
) -> None:
    """Remove a real server from a service."""
    manner = Manner(dry_run, adopt, force, no_wait, output_format)
    changing.edit(ctx, lambda document: document.remove_server(service, address), manner)


def _with(
    server: RealServer, weight: int | None, upper: int | None, lower: int | None
) -> RealServer:
    """The server with what was said of it."""
    return replace(
        server,
        weight=server.weight if weight is None else weight,
        upper=server.upper if upper is None else upper,
        lower=server.lower if lower is None else lower,
    )
