"""lvsnat export: the services in the form of another program."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from lvsnat.cli import output
from lvsnat.cli.context import Session
from lvsnat.model.mode import Mode

app = typer.Typer(help="Write the services in the form of another program.")

ExportLiveOption = Annotated[
    bool, typer.Option("--live", help="Write the kernel's table, not the configuration.")
]
ThresholdsOption = Annotated[
    bool,
    typer.Option(
        "--with-thresholds/--without-thresholds",
        help="Write the servers' thresholds, which 'ipvsadm -Sn' forgets.",
    ),
]

ModeOption = Annotated[
    Mode, typer.Option("--mode", help="Write what this mode uses, whatever the mode is now.")
]


@app.command(name="ipvsadm")
def export_ipvsadm(
    ctx: typer.Context,
    *,
    live: ExportLiveOption = False,
    with_thresholds: ThresholdsOption = True,
) -> None:
    """Write the services as 'ipvsadm -Sn' does and 'ipvsadm -R' reads it."""
    from lvsnat.interop.ipvsadm.live import saved
    from lvsnat.interop.ipvsadm.printer import render
    from lvsnat.ipvs.resources import expand

    director = Session.of(ctx).director()
    if live:
        text = render(director.table(), saved(director.timeouts()), thresholds=with_thresholds)
    else:
        config = director.config()
        text = render(expand(config), config.ipvs.timeouts, thresholds=with_thresholds)
    output.text(text)


@app.command(name="haproxy")
def export_haproxy(ctx: typer.Context) -> None:
    """Write the TCP services as a haproxy.cfg, for an HAProxy that you run yourself.

    It is what the mode haproxy-tproxy uses, whatever the mode is now. What HAProxy does not do
    exactly as IPVS does is said beside it.
    """
    from lvsnat.haproxy.export import export_text
    from lvsnat.haproxy.mapping import cautions

    config = Session.of(ctx).director().config()
    text = export_text(config)
    for caution in cautions(config):
        output.talk(f"note: {caution}")
    output.text(text)


@app.command(name="nft")
def export_nft(ctx: typer.Context, mode: ModeOption = Mode.HAPROXY_TPROXY) -> None:
    """Write lvsnat's nft rules for 'nft -f', for an HAProxy that you run yourself.

    What they need beside them, routing and kernel settings, is said in comments.
    """
    from lvsnat.host.export import script

    output.text(script(replace(Session.of(ctx).director().config(), mode=mode, switching=None)))
