"""lvsnat doctor trace: what happens to a packet, step by step; beside `lvsnat doctor` itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperGroup

from lvsnat.cli import complete, output
from lvsnat.cli.context import Session
from lvsnat.cli.doctor import ProbeOption, SecondsOption, doctor
from lvsnat.cli.options import Output, OutputOption, ServiceArgument
from lvsnat.errors import ExitCode, UsageError
from lvsnat.model.endpoint import Endpoint, parse_address

if TYPE_CHECKING:
    from typer._click.core import Context

_OWN: Final = "doctor"


class _Doctor(TyperGroup):
    """`lvsnat doctor` with a command below it: what is not that command's name is a service."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - Typer's own
        super().__init__(**attributes)
        self.own = self.commands.pop(_OWN)
        self.help = self.own.help

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: Context | None = None,
        **extra: Any,  # noqa: ANN401 - Typer's own
    ) -> Context:
        if not args or args[0] not in self.commands:
            return self.own.make_context(info_name, args, parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


app = typer.Typer(cls=_Doctor)


def _client(text: str) -> Endpoint:
    """An address, with or without a port."""
    try:
        return Endpoint(parse_address(text), 0)
    except UsageError:
        return Endpoint.parse(text)


ClientArgument = Annotated[
    Endpoint,
    typer.Argument(
        metavar="CLIENT",
        parser=_client,
        help="Whose packet: 203.0.113.10, 203.0.113.10:40000, 2001:db8::10, [2001:db8::10]:40000.",
    ),
]
ServerOption = Annotated[
    Endpoint | None,
    typer.Option(
        "--server",
        parser=Endpoint.parse,
        metavar="ADDR",
        help="Follow it to this real server; if not said, to one that would get it.",
        autocompletion=complete.servers,
    ),
]


@app.command()
def trace(
    ctx: typer.Context,
    client: ClientArgument,
    service: ServiceArgument,
    *,
    server: ServerOption = None,
    probe: ProbeOption = False,
    seconds: SecondsOption = None,
    output_format: OutputOption = Output.TABLE,
) -> None:
    """Follow a client's packet to a real server and back; name the first step that fails.

    Exits with 1 where one fails.
    """
    from lvsnat.director.examine import SECONDS, Asked
    from lvsnat.director.trace import Packet, traced
    from lvsnat.ui import trace as view

    director = Session.of(ctx).director()
    packet = Packet(client, director.config().find(service), server)
    asked = Asked(packet.service.name, probe, seconds or SECONDS)
    found, unread = traced(director, packet, asked)
    if output_format is Output.TABLE:
        from lvsnat.ui import theme

        theme.show(theme.result_console(), view.Picture(found, unread))
    else:
        output.document(view.trace_document(found, unread), output_format)
    if found.failing is not None:
        raise typer.Exit(ExitCode.FAILED)


app.command(_OWN)(doctor)
