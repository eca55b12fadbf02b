"""A line that is wrapped on a terminal, under its own text; a pipe gets it whole, for grep."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from rich.console import Console, ConsoleOptions
from rich.segment import Segment

from lvsnat.ui.lines import Line, Part

_LEAST: Final = 20
"""So many columns a text gets on the narrowest terminal."""
_PIECE: Final = re.compile(r"\(?'[^']+'\S*|\S+")
"""A word, or a command between single quotes with what follows it."""


def wrapped(text: str, width: int) -> list[str]:
    """Lines of ``width`` at most; a command between single quotes is never cut, even a longer one.

    It is to be copied as it stands.
    """
    lines: list[str] = []
    width = max(_LEAST, width)
    for piece in _PIECE.findall(text):
        if lines and len(lines[-1]) + 1 + len(piece) <= width:
            lines[-1] += f" {piece}"
        else:
            lines.append(piece)
    return lines or [""]


class Hanging(Line):
    """Parts of which the last one is wrapped; what comes before it is the width of its margin."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        *head, text = self.parts
        margin = sum(len(part.text) for part in head)
        if not console.is_terminal or not text.text.strip():
            yield from super().__rich_console__(console, options)
            return
        first, *more = wrapped(text.text, options.max_width - margin)
        yield from Line(*head, Part(first, text.style)).__rich_console__(console, options)
        for line in more:
            shown = Line(Part(" " * margin), Part(line, text.style))
            yield from shown.__rich_console__(console, options)
