"""The rest of a switch of modes, left to systemd by a command that does not wait."""

from __future__ import annotations

import os

import typer

from lvsnat.cli import output, system
from lvsnat.cli.context import Session
from lvsnat.model.mode import Mode


def leave(ctx: typer.Context, mode: Mode) -> None:
    """Have systemd finish the switch to a mode, and say so."""
    from lvsnat.director import detached

    detached.leave(detached.command(system.this_program(), mode, _environment(ctx)))
    output.talk(f"{detached.UNIT} finishes the switch; 'lvsnat mode' shows how far it is")


def _environment(ctx: typer.Context) -> dict[str, str]:
    """Where the files are, for whoever goes on in our place."""
    paths = Session.of(ctx).director(mention=False).paths
    named = {
        "LVSNAT_CONFIG": paths.config,
        "LVSNAT_STATE_DIR": paths.state,
        "LVSNAT_RUN_DIR": paths.run,
    }
    search = os.environ.get("PATH")
    places = {name: str(path.absolute()) for name, path in named.items()}
    return places if search is None else {**places, "PATH": search}
