"""lvsnat gateway: the way back on a real server, a lone small install without IPVS."""

from __future__ import annotations

import typer

from lvsnat.cli import gateway_changing, gateway_looking, gateway_render

app = typer.Typer(help="On a real server: send its replies back through the director.")
app.command()(gateway_looking.show)
app.command("set")(gateway_changing.set_)
app.command()(gateway_changing.unset)
app.command()(gateway_render.render)
