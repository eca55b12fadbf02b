"""lvsnat gateway show: where this real server's replies go, and what keeps them from the way."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

from lvsnat.cli import output
from lvsnat.cli.gateway_options import (
    InterfaceOption,
    LocalClientsOption,
    OptionalViaArgument,
    ReplyOnlyOption,
    wished,
)
from lvsnat.cli.options import Output, OutputOption
from lvsnat.errors import UsageError
from lvsnat.model.endpoint import parse_address

ClientsOption = Annotated[
    list[Any] | None,
    typer.Option(
        "--client",
        parser=parse_address,
        metavar="ADDR",
        help="Where replies to this client go; repeat it. One that stands for all, if not said.",
    ),
]


def show(
    *,
    via: OptionalViaArgument = None,
    reply_only: ReplyOnlyOption = None,
    local_clients: LocalClientsOption = False,
    interface: InterfaceOption = None,
    client: ClientsOption = None,
    output_format: OutputOption = Output.TABLE,
) -> None:
    """Show where this real server's replies go, and what keeps them from the director.

    About what 'lvsnat gateway set' has set, or about VIA, whoever has set it. Changes nothing.
    """
    from lvsnat.director.paths import Paths
    from lvsnat.gateway import record as records
    from lvsnat.gateway import trial
    from lvsnat.gateway.look import look
    from lvsnat.ui import gateway, gateway_json, theme, words
    from lvsnat.ui.tables import Lines

    paths = Paths.from_environment(os.environ)
    record = records.load(paths.gateway)
    if via is None and (reply_only or local_clients or interface):
        raise UsageError("these options are about VIA", "name the director's address, too")
    wishes = record.wishes or record.earlier
    if via is not None:
        wish = wished(via, reply_only, local_clients=local_clients, interface=interface)
        wishes = {wish.family: wish}
    views = look(wishes, client or ())
    cut = trial.unfinished(paths.gateway, paths.lock)
    earlier = via is None and bool(record.earlier)
    if output_format is not Output.TABLE:
        began = None if cut is None else cut.began
        output.document(gateway_json.show_document(views, began, earlier=earlier), output_format)
    else:
        theme.show(theme.result_console(), Lines([*gateway.view_lines(views)]))
    if earlier:
        output.talk("note: this was set before the last boot, and 'lvsnat gateway set' ends there")
    if cut is not None:
        output.talk(
            f"note: the trial of {words.moment(cut.began)} was cut off and its changes may stand:"
            f" {trial.DECIDE}"
        )
