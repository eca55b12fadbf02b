"""A table that drops columns where the terminal is narrow.

Rich's own tables wrap or cut cells that do not fit; an address on two lines is found by no eye and
by no grep. Here the least important column goes, and then the next, until the rest fits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from rich.console import Console, ConsoleOptions
from rich.segment import Segment

from lvsnat.ui.lines import Line, Part
from lvsnat.ui.words import NOTHING

GAP: Final = "  "
BLANK: Final = frozenset({"", NOTHING})
CHUNK: Final = 500
"""How many rows a streamed table holds at a time."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its title, and how long it is kept."""

    title: str
    keep: int | None = None
    """The lowest number is dropped first; None is never dropped."""
    right: bool = False
    """Numbers stand at the right."""
    optional: bool = False
    """Left out where no row has anything in it."""


Row = Sequence[Part]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under titles, drawn as wide as the place allows and not wider than they need."""

    columns: Sequence[Column]
    rows: Sequence[Row]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Line]:
        del console
        layout = Layout.of(self.columns, self.rows, options.max_width)
        yield layout.titles()
        yield from map(layout.line, self.rows)


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns are shown, and how wide."""

    columns: Sequence[Column]
    shown: Sequence[int]
    widths: Sequence[int]

    @classmethod
    def of(cls, columns: Sequence[Column], rows: Sequence[Row], available: int) -> Layout:
        """What is right for these rows."""
        widths = [
            max(len(column.title), *(len(row[index].text) for row in rows), 0)
            for index, column in enumerate(columns)
        ]
        useful = [
            index
            for index, column in enumerate(columns)
            if not column.optional or any(row[index].text not in BLANK for row in rows)
        ]
        return cls(columns, fitting(columns, widths, available, useful), widths)

    def titles(self) -> Line:
        return self.line([Part(column.title, "title") for column in self.columns])

    def line(self, row: Row) -> Line:
        line, behind = Line(), ""  # what is owed before the next cell: so no line ends in blanks
        for index in self.shown:
            text, style = row[index]
            padding = " " * (self.widths[index] - len(text))
            if not text:
                behind += padding + GAP
                continue
            before, after = (padding, "") if self.columns[index].right else ("", padding)
            line.add(f"{behind}{before}{text}", style)
            behind = after + GAP
        return line


@dataclass(frozen=True, slots=True)
class Lines:
    """Many lines drawn at once."""

    lines: Sequence[Line]

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[Line | Segment]:
        del options
        if console.is_terminal:
            yield from self.lines
        else:
            # A segment each, thousands at a time, is what takes the time.
            yield Segment("".join(f"{line.plain}\n" for line in self.lines))


def streamed(columns: Sequence[Column], rows: Iterable[Row], available: int) -> Iterator[Lines]:
    """A table of any length, some lines at a time: laid out by its first rows."""
    rows = iter(rows)
    chunk = list(islice(rows, CHUNK))
    layout = Layout.of(columns, chunk, available)
    yield Lines([layout.titles()])
    while chunk:
        yield Lines(list(map(layout.line, chunk)))
        chunk = list(islice(rows, CHUNK))


def fitting(
    columns: Sequence[Column],
    widths: Sequence[int],
    available: int,
    useful: Sequence[int] | None = None,
) -> list[int]:
    """The indexes of the columns to show."""
    shown = list(range(len(columns)) if useful is None else useful)
    droppable = [index for index in shown if columns[index].keep is not None]
    droppable.sort(key=lambda index: columns[index].keep or 0, reverse=True)
    while droppable and _width(shown, widths) > available:
        shown.remove(droppable.pop())
    return shown


def _width(shown: Sequence[int], widths: Sequence[int]) -> int:
    return sum(widths[index] for index in shown) + len(GAP) * (len(shown) - 1)
