"""A line that is never wrapped and never cut, in parts of different styles.

Segments and no Rich text: laying out a text that needs no layout takes Rich half a millisecond,
which thousands of changes turn into seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rich.console import Console, ConsoleOptions
from rich.segment import Segment


class Part(NamedTuple):
    """A text and the style of the theme that it is drawn in."""

    text: str
    style: str = ""


class Line:
    """Parts side by side; empty at first."""

    def __init__(self, *parts: Part) -> None:
        self.parts = [*parts]

    def add(self, text: str, style: str = "") -> Line:
        self.parts.append(Part(text, style))
        return self

    @property
    def plain(self) -> str:
        return "".join(part.text for part in self.parts)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        del options
        if not console.is_terminal:
            yield Segment(f"{self.plain}\n")
            return
        for text, style in self.parts:
            yield Segment(text, console.get_style(style) if style else None)
        yield Segment.line()
