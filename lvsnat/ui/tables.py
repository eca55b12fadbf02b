"""A table that drops columns where the terminal is narrow.

Rich's own tables wrap or cut cells that do not fit; an address on two lines is found by no eye and
by no grep. Here the least important column goes, and then the next, until the rest fits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console, ConsoleOptions

from lvsnat.ui.lines import Line, Part

GAP: Final = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its title, and how long it is kept."""

    title: str
    keep: int | None = None
    """The lowest number is dropped first; None is never dropped."""
    right: bool = False
    """Numbers stand at the right."""


Row = Sequence[Part]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under titles, drawn as wide as the place allows and not wider than they need."""

    columns: Sequence[Column]
    rows: Sequence[Row]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Line]:
        del console
        widths = [
            max(len(column.title), *(len(row[index].text) for row in self.rows), 0)
            for index, column in enumerate(self.columns)
        ]
        shown = fitting(self.columns, widths, options.max_width)
        titles = [Part(column.title, "title") for column in self.columns]
        for row in (titles, *self.rows):
            yield self._line(row, shown, widths)

    def _line(self, row: Row, shown: Sequence[int], widths: Sequence[int]) -> Line:
        line, behind = Line(), ""  # what is owed before the next cell: so no line ends in blanks
        for index in shown:
            text, style = row[index]
            padding = " " * (widths[index] - len(text))
            before, after = (padding, "") if self.columns[index].right else ("", padding)
            line.add(f"{behind}{before}{text}", style)
            behind = after + GAP
        return line


def fitting(columns: Sequence[Column], widths: Sequence[int], available: int) -> list[int]:
    """The indexes of the columns to show."""
    shown = list(range(len(columns)))
    droppable = [index for index in shown if columns[index].keep is not None]
    droppable.sort(key=lambda index: columns[index].keep or 0, reverse=True)
    while droppable and _width(shown, widths) > available:
        shown.remove(droppable.pop())
    return shown


def _width(shown: Sequence[int], widths: Sequence[int]) -> int:
    return sum(widths[index] for index in shown) + len(GAP) * (len(shown) - 1)
