"""lvsnat doctor trace: what happens to a packet, step by step; beside `lvsnat doctor` itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperGroup

from lvsnat.cli import complete, output, words
from lvsnat.cli.context import Session
from lvsnat.cli.doctor import ProbeOption, SecondsOption, doctor
from lvsnat.cli.options import Output, OutputOption, ServiceArgument
from lvsnat.errors import ExitCode, UsageError
from lvsnat.model.endpoint import Endpoint

if TYPE_CHECKING:
    from typer._click.core import Context

    from lvsnat.model.service import VirtualService

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


ClientArgument = Annotated[
    str,
    typer.Argument(
        metavar="CLIENT",
        help="Whose packet: 203.0.113.10, 203.0.113.10:40000, 2001:db8::10, [2001:db8::10]:40000.",
    ),
]
ServerOption = Annotated[
    words.Place | None,
    typer.Option(
        "--server",
        parser=words.parse_place,
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

    sender = _client(client, service)
    director = Session.of(ctx).director()
    chosen = director.config().find(service)
    packet = Packet(sender, chosen, _server(server, chosen))
    asked = Asked(packet.service.name, probe, seconds or SECONDS)
    with output.looking(asked.seconds, output_format):
        found, unread = traced(director, packet, asked)
    if output_format is Output.TABLE:
        from lvsnat.ui import theme

        theme.show(theme.result_console(), view.Picture(found, unread))
    else:
        output.document(view.trace_document(found, unread), output_format)
    if found.failing is not None:
        raise typer.Exit(ExitCode.FAILED)


def _client(text: str, service: str) -> Endpoint:
    """An address, with or without a port; ``service`` tells whether the two are turned round."""
    try:
        place = words.parse_place(text)
    except UsageError:
        if not _is_place(service):
            raise
        right = f"'lvsnat doctor trace {service} {text}'"
        raise UsageError(f"{text!r} is no address", f"the client comes first: {right}") from None
    return Endpoint(place.address, place.port or 0)


def _is_place(text: str) -> bool:
    try:
        words.parse_place(text)
    except UsageError:
        return False
    return True


def _server(place: words.Place | None, service: VirtualService) -> Endpoint | None:
    """The server of the service that is meant; without a port, the only one at that address."""
    if place is None:
        return None
    if place.port is not None:
        return Endpoint(place.address, place.port)
    every = [one.endpoint for one in service.servers]
    found = [one for one in every if one.address == place.address]
    if len(found) == 1:
        return found[0]
    several = f"{service.name} has {len(found) or 'no'} servers at {place.address}"
    raise UsageError(several, f"name one of {', '.join(map(str, found or every)) or 'none yet'}")


app.command(_OWN)(doctor)
