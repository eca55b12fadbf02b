"""How output looks: one console for the result, one for the talk.

A terminal gets colour and its own width. A pipe gets plain text and lines of any length, so that
grep finds what stands on one line. NO_COLOR and FORCE_COLOR go before both.
"""

from __future__ import annotations

import io
import sys
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.theme import Theme

from lvsnat.ui import pipes

UNLIMITED: Final = 1_000_000
"""The width of a pipe."""

THEME: Final = Theme(
    {
        "create": "green",
        "change": "yellow",
        "remove": "red",
        "good": "green",
        "warn": "yellow",
        "bad": "bold red",
        "title": "bold",
        "sorted": "bold underline",
        "quiet": "dim",
        "error": "bold red",
        "hint": "cyan",
    }
)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Go on in silence: a reader that went away (``| head``) must not end the work it watched.

        Rich would exit here, which is half-way through an apply that draws its progress.
        """
        self.quiet = True
        pipes.silence(self.file)


def result_console() -> Console:
    """Where answers go: standard output."""
    return _console(stderr=False)


def talk_console() -> Console:
    """Where everything else goes: standard error."""
    return _console(stderr=True)


def show(console: Console, *renderables: RenderableType) -> None:
    """Draw one below the other; what does not fit is never cut off."""
    try:
        # In one print: each one is written and flushed by itself.
        console.print(Group(*renderables), crop=False)
    except OSError as error:
        console.quiet = True
        pipes.give_up(console.file, error)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    if isinstance(stream, io.TextIOWrapper) and not stream.encoding.lower().startswith("utf"):
        # An arrow must not end a command in a locale that has none.
        stream.reconfigure(errors="replace")
    return _Console(
        stderr=stderr,
        theme=THEME,
        width=None if stream.isatty() else UNLIMITED,
        highlight=False,
        markup=False,
        emoji=False,
    )
