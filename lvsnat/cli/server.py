"""lvsnat server: the machines that answer for a service."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from lvsnat.cli import changing, draining, output, words
from lvsnat.cli.changing import Manner
from lvsnat.cli.context import Session
from lvsnat.cli.draining import Drain
from lvsnat.cli.gathered import gathered
from lvsnat.cli.options import (
    DeadlineOption,
    LowerOption,
    NewServerArgument,
    NowOption,
    ServerArgument,
    ServiceArgument,
    UpperOption,
    WeightOption,
)
from lvsnat.errors import UsageError
from lvsnat.model.override import Override, Reason
from lvsnat.model.service import RealServer
from lvsnat.ui.words import moment

if TYPE_CHECKING:
    from lvsnat.config.edit import ConfigDocument

WaitOption = Annotated[
    bool, typer.Option("--wait", help="Wait until it holds no active connection.")
]
AllOption = Annotated[
    bool,
    typer.Option("--all", help="Wait for inactive connections and persistent clients, too."),
]
RemoveOption = Annotated[
    bool, typer.Option("--remove", help="Wait, then remove it from the configuration.")
]
ForOption = Annotated[
    int | None,
    typer.Option(
        "--for",
        parser=words.parse_duration,
        metavar="DURATION",
        help="Have the daemon bring it back after so long: 90s, 5m, 2h.",
    ),
]


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of a real server; None where nothing was."""

    weight: WeightOption = None
    upper: UpperOption = None
    lower: LowerOption = None

    def of(self, server: RealServer) -> RealServer:
        """The server with it."""
        return replace(
            server,
            weight=server.weight if self.weight is None else self.weight,
            upper=server.upper if self.upper is None else self.upper,
            lower=server.lower if self.lower is None else self.lower,
        )


app = typer.Typer(help="Real servers: the machines that answer for a service.")


@app.command()
@gathered
def add(
    ctx: typer.Context,
    service: ServiceArgument,
    address: NewServerArgument,
    *,
    said: Said,
    manner: Manner,
) -> None:
    """Add a real server to a service; its weight is 1 where nothing is said."""
    server = said.of(RealServer(address))
    changing.edit(ctx, lambda document: document.add_server(service, server), manner)


@app.command(name="set")
@gathered
def set_(
    ctx: typer.Context,
    service: ServiceArgument,
    address: ServerArgument,
    *,
    said: Said,
    manner: Manner,
) -> None:
    """Change a real server in place; its connections stay."""
    if said == Said():
        raise UsageError("nothing to set", "give --weight, --upper or --lower")

    def change(document: ConfigDocument) -> None:
        servers = {server.endpoint: server for server in document.config.find(service).servers}
        # The document says so itself where it has no such server.
        have = servers.get(address, RealServer(address))
        document.set_server(service, said.of(have))

    changing.edit(ctx, change, manner)


@app.command()
@gathered
def remove(
    ctx: typer.Context,
    service: ServiceArgument,
    address: ServerArgument,
    *,
    now: NowOption = False,
    deadline: DeadlineOption = None,
    manner: Manner,
) -> None:
    """Remove a real server from a service; a busy one is drained first, unless --now."""
    draining.remove_gently(ctx, Drain(service, address, deadline), manner, now=now)


@app.command()
@gathered
def drain(
    ctx: typer.Context,
    service: ServiceArgument,
    address: ServerArgument,
    *,
    wait: WaitOption = False,
    deadline: DeadlineOption = None,
    everything: AllOption = False,
    remove: RemoveOption = False,
    manner: Manner,
) -> None:
    """Let a real server's connections end: it keeps them and gets no new ones."""
    wish = Drain(service, address, deadline, wait or everything, everything, remove)
    draining.drain(ctx, wish, manner)


@app.command()
@gathered
def disable(
    ctx: typer.Context,
    service: ServiceArgument,
    address: ServerArgument,
    *,
    duration: ForOption = None,
    manner: Manner,
) -> None:
    """Give a real server no new connections until it is enabled, or for a while."""
    from lvsnat.director.drain import holding_at_zero, refusals, target

    director = Session.of(ctx).director()
    for caution in refusals(target(director.config(), service, address)):
        output.talk(f"note: {caution}")
    until = None if duration is None else director.clock.now() + duration
    override = Override(Reason.DISABLED, until)
    with director.overriding(
        holding_at_zero(service, address, override), manner.options()
    ) as transaction:
        changing.finish(transaction, manner)
    if until is not None and not manner.dry_run and not director.daemon_runs():
        output.talk(
            f"note: no lvsnat daemon runs: the first 'lvsnat apply' after {moment(until)}"
            " brings it back"
        )


@app.command()
@gathered
def enable(
    ctx: typer.Context,
    service: ServiceArgument,
    address: ServerArgument,
    *,
    manner: Manner,
) -> None:
    """Give a drained or disabled server the weight of the configuration again."""
    from lvsnat.director.drain import letting_go

    changing.override(ctx, letting_go(service, address), manner)
