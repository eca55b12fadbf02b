"""Where errors become words and exit codes. What is not foreseen here keeps its traceback."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

import typer
from typer.core import TyperGroup

from lvsnat.cli import output
from lvsnat.errors import ExitCode, LvsnatError

INTERRUPTED = 130
"""What a shell reports of a program that Ctrl-C ended."""


class ErrorBoundary(TyperGroup):
    """The root command: it ends every run, in a terminal as in a test."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: object,
    ) -> NoReturn:
        del standalone_mode  # Typer's way of ending a run is what is replaced here.
        try:
            result = super().main(
                args,
                prog_name,
                complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )
        except LvsnatError as error:
            output.error(error.message, error.hint)
            sys.exit(error.code)
        except typer.TyperException as error:
            output.error(*_usage(error))
            sys.exit(ExitCode.USAGE)
        if result == INTERRUPTED:
            output.talk("interrupted")
        # Typer hands back the code of a typer.Exit; the commands themselves return nothing.
        sys.exit(result if isinstance(result, int) else ExitCode.DONE)


def _usage(error: typer.TyperException) -> tuple[str, str]:
    """Typer's message in the form of our own, and where to read on."""
    message = error.format_message().rstrip(".")
    context: typer.Context | None = getattr(error, "ctx", None)
    command = context.command_path if context else "lvsnat"
    return message[:1].lower() + message[1:], f"'{command} --help' shows what it takes"
