"""lvsnat run: the daemon."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from lvsnat.cli import words
from lvsnat.cli.context import Session
from lvsnat.model.daemon import LogFormat

LogOption = Annotated[
    LogFormat | None,
    typer.Option(
        "--log",
        parser=words.one_of(LogFormat, "a form of log"),
        metavar="FORM",
        help="How the log is written: text or json; without it, as the configuration says.",
        show_default=False,
    ),
]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Log each answer, too.")]


def run(ctx: typer.Context, *, log: LogOption = None, verbose: VerboseOption = False) -> None:
    """Watch the real servers, and keep the kernel as it should be, until SIGTERM or Ctrl-C.

    Servers that fail get no new connections, until they are well again; drift is repaired; a change
    of the configuration is carried out by itself, and by SIGHUP at once. Logs to standard error.
    """
    from lvsnat.daemon import daemon

    session = Session.of(ctx)
    session.insist_on_config()
    director = session.director()
    daemon.run(director, daemon.Manner(log, verbose), environment=os.environ, stream=sys.stderr)
