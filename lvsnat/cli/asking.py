"""Questions to the person at the terminal. Nobody there is a refusal, never a guess."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios

from lvsnat.cli import output
from lvsnat.errors import RefusedError

YES = frozenset({b"y", b"yes"})
_LINE = 1024


def insist(*, yes: bool) -> None:
    """Raise RefusedError where a question could not be answered."""
    if not yes and not sys.stdin.isatty():
        raise RefusedError(
            "this asks before it begins, and there is no terminal to ask on",
            "--yes answers; nothing was changed",
        )


def forget_what_was_typed() -> None:
    """Discard what was typed before the question: it was no answer to it."""
    with contextlib.suppress(termios.error, OSError):
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


def confirm(question: str) -> None:
    """Ask, and raise RefusedError unless the answer is yes."""
    forget_what_was_typed()
    output.talk(f"{question} [y/N] ")
    # As bytes: what cannot be read in this locale is not yes either.
    if sys.stdin.buffer.readline().strip().lower() not in YES:
        raise RefusedError("the answer was not yes", "nothing was changed")


def line_within(seconds: float) -> str | None:
    """What is typed until ENTER; None after so long, or when the terminal is gone."""
    descriptor = sys.stdin.fileno()
    ready, _, _ = select.select([descriptor], [], [], seconds)
    if not ready:
        return None
    try:
        typed = os.read(descriptor, _LINE)
    except OSError:  # EIO: the terminal went away.
        return None
    return typed.decode(errors="replace").strip() if typed else None
