"""A view that is drawn again and again in the same place, and stays when it ends."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Final

from rich.console import Console, RenderableType

from lvsnat.ui import theme

_HOME: Final = "\x1b[H"
_CLEAR_LINE: Final = "\x1b[K"
_CLEAR_BELOW: Final = "\x1b[J"
_NO_WRAP, _WRAP = "\x1b[?7l", "\x1b[?7h"


class Screen:
    """The whole terminal, for as long as ``shown`` lasts."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._last = ""

    @property
    def rows(self) -> int:
        """How many lines there is room for."""
        return self.console.height

    def draw(self, renderables: Iterable[RenderableType]) -> None:
        """Replace what is on the screen; in one write and without blanking it, so no flicker."""
        with self.console.capture() as captured:
            theme.show(self.console, *renderables)
        self._last = captured.get()
        self._write(frame(self._last, self.rows))

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Take the terminal's other screen, and leave the last picture on the usual one."""
        try:
            with self.console.screen(hide_cursor=True):
                self._write(_NO_WRAP)
                try:
                    yield
                finally:
                    self._write(_WRAP)
        finally:
            self._write(self._last)

    def _write(self, text: str) -> None:
        self.console.file.write(text)
        self.console.file.flush()


def frame(text: str, rows: int) -> str:
    """What puts a text over the one before it, from the top; what has no room is counted."""
    lines = text.splitlines()
    if len(lines) > rows:
        hidden = len(lines) - rows + 1
        lines = [*lines[: rows - 1], f"({hidden} more lines)"]
    return _HOME + "\n".join(line + _CLEAR_LINE for line in lines) + _CLEAR_BELOW
