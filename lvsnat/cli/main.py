"""The root of the command line: what holds for every command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lvsnat.cli.commands import Root
from lvsnat.cli.context import Session

app = typer.Typer(
    name="lvsnat",
    cls=Root,
    # Plain help: Rich would take more than half of its time, and it goes through a pipe as it is.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lvsnat {_version()}")
        raise typer.Exit


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("lvsnat")
    except metadata.PackageNotFoundError:
        return "(not installed)"


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="PATH",
        envvar="LVSNAT_CONFIG",
        help="The configuration; /etc/lvsnat/lvsnat.toml where nothing is said.",
    ),
]
VersionOption = Annotated[
    bool,
    typer.Option(
        "--version", is_eager=True, callback=_show_version, help="Show the version and exit."
    ),
]


@app.callback(invoke_without_command=True)
def root(
    ctx: typer.Context, *, config: ConfigOption = None, version: VersionOption = False
) -> None:
    """Run a layer-4 NAT load balancer on this host.

    The configuration says what should be; every command that changes something edits it and makes
    the kernel follow. Exit codes: 0 done, 1 failed, 2 usage, 3 differs (plan --exit-code),
    4 refused as unsafe, 5 partly applied.
    """
    del version
    session = Session.of(ctx)
    session.config = config
    source = ctx.get_parameter_source("config")
    session.named = source is not None and source.name == "COMMANDLINE"
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())
