"""The lines of services and servers as a widget that draws what is seen, and of that what changed.

Textual's DataTable holds and measures every cell; here thousands of lines are a list, and cells are
made for the dozens of lines that are on the screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import Click, Resize
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Static

from lvsnat.ui import words
from lvsnat.ui.lines import Part
from lvsnat.ui.live import cells as content
from lvsnat.ui.live.board import Board, Look, Place, Row, Sort
from lvsnat.ui.live.cells import Layout
from lvsnat.ui.theme import THEME

_CURSOR: Final = Style(reverse=True)
_MARK: Final = 2
"""Columns of the mark that opens and closes a service."""


class _Drawn:
    """What a line of the screen shows."""

    __slots__ = ("parts", "selected", "strip")

    def __init__(self, parts: Sequence[Part], strip: Strip, *, selected: bool) -> None:
        self.parts, self.selected, self.strip = parts, selected, strip


class Titles(Static):
    """The line with the names of the columns; a click sorts."""

    class Sorted(Message):
        """Somebody wants this order."""

        def __init__(self, sort: Sort) -> None:
            super().__init__()
            self.sort = sort

    def __init__(self) -> None:
        super().__init__()
        self._layout: Layout | None = None

    def show(self, layout: Layout, look: Look) -> None:
        self._layout = layout
        parts = layout.fitted(content.titles(look))
        self.update(Text.assemble(*((text, _style(style)) for text, style in parts)))

    def on_click(self, event: Click) -> None:
        sort = None if self._layout is None else self._layout.sort_at(event.x)
        if sort is not None:
            self.post_message(self.Sorted(sort))


class Table(ScrollView, can_focus=True):
    """Services and servers, one line each, with one of them selected."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "end(0)", "First", show=False),
        Binding("end", "end(-1)", "Last", show=False),
    ]

    class Moved(Message):
        """Another line is selected."""

    class Toggled(Message):
        """Somebody has clicked the mark of the selected service."""

    class Opened(Message):
        """Somebody has clicked the selected line once more."""

    def __init__(self, titles: Titles) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self.cursor = 0
        self.cells_drawn = 0
        """How many cells have been drawn so far: what a test of scale counts."""
        self._titles = titles
        self._board: Board | None = None
        self._look = Look()
        self._columns = Layout.of(80)
        self._drawn: dict[int, _Drawn] = {}

    @property
    def selected(self) -> Row | None:
        return self.rows[self.cursor] if self.rows else None

    def show(self, rows: list[Row], board: Board, look: Look) -> None:
        """Show these lines; the selected one stays selected, wherever it stands now."""
        place = None if self.selected is None else self.selected.place
        measured = look.measure is not self._look.measure
        self.rows, self._board, self._look = rows, board, look
        self.cursor = self._find(place)
        if self.virtual_size.height != len(rows):
            self.virtual_size = Size(0, len(rows))
        self._titles.show(self._columns, look)
        if measured:
            self._drawn.clear()
        self._redraw()

    def select(self, index: int) -> None:
        """Put the cursor on a line and have it in view."""
        old, self.cursor = self.cursor, max(0, min(index, len(self.rows) - 1))
        for line in {old, self.cursor}:
            self.refresh_line(line)
        self._into_view()
        self.post_message(self.Moved())

    def go_to(self, place: Place | None) -> None:
        """Select this line; the first where there is none such."""
        found = (index for index, row in enumerate(self.rows) if row.place == place)
        self.select(next(found, 0))

    @property
    def cut_off(self) -> str:
        """What has no room in the selected line: what is wrong with a server, in full."""
        row = self.selected
        if row is None or row.server is None or self._board is None:
            return ""
        said = content.state(row, self._board.now).text
        if row.server.one_way:
            return f"{row.server.endpoint}: {said}: {words.ONE_WAY}"
        return f"{row.server.endpoint}: {said}" if len(said) > self._columns.state else ""

    def render_line(self, y: int) -> Strip:
        """One line of the screen; asked by Textual, for lines that somebody sees."""
        index = y + self.scroll_offset.y
        width = self.size.width
        if self._board is None or not 0 <= index < len(self.rows):
            return Strip.blank(width, self.rich_style)
        parts, selected = self._parts(index), index == self.cursor
        drawn = self._drawn.get(index)
        if drawn is None or drawn.parts != parts or drawn.selected is not selected:
            drawn = _Drawn(parts, self._strip(parts, selected=selected), selected=selected)
            self._drawn[index] = drawn
            self.cells_drawn += len(parts)
        return drawn.strip

    def on_resize(self, event: Resize) -> None:
        del event
        self._columns = Layout.of(self.scrollable_content_region.width)
        self._drawn.clear()
        self._titles.show(self._columns, self._look)
        self._into_view()
        self.refresh()

    def on_click(self, event: Click) -> None:
        index = event.y + self.scroll_offset.y
        if not index < len(self.rows):
            return
        again = index == self.cursor
        self.select(index)
        if event.x < _MARK and self.rows[index].server is None:
            self.post_message(self.Toggled())
        elif again:
            self.post_message(self.Opened())

    def action_move(self, lines: int) -> None:
        self.select(self.cursor + lines)

    def action_page(self, pages: int) -> None:
        self.select(self.cursor + pages * max(self.size.height - 1, 1))

    def action_end(self, index: int) -> None:
        self.select(index if index >= 0 else len(self.rows) - 1)

    def _redraw(self) -> None:
        """Have those lines drawn that say another thing than before."""
        top, height = self.scroll_offset.y, self.size.height
        seen = range(top, top + height)
        self._drawn = {index: one for index, one in self._drawn.items() if index in seen}
        for index in seen:
            drawn = self._drawn.get(index)
            there = index < len(self.rows)
            if drawn is None or not there:
                stale = there or drawn is not None
                self._drawn.pop(index, None)
            else:
                stale = drawn.parts != self._parts(index)
                stale = stale or drawn.selected is not (index == self.cursor)
            if stale:
                self.refresh_line(index)

    def _parts(self, index: int) -> Sequence[Part]:
        assert self._board is not None  # noqa: S101 - there are lines only where there is a board
        row = content.cells(self.rows[index], self._board, self._look, self._columns)
        return self._columns.fitted(row)

    def _strip(self, parts: Sequence[Part], *, selected: bool) -> Strip:
        base = self.rich_style + _CURSOR if selected else self.rich_style
        segments = [Segment(text, base + _style(style)) for text, style in parts]
        return Strip(segments).adjust_cell_length(self.size.width, base)

    def _find(self, place: object) -> int:
        """Where a line stands now; the line in its place where it is gone."""
        if self.cursor < len(self.rows) and self.rows[self.cursor].place == place:
            return self.cursor
        found = (index for index, row in enumerate(self.rows) if row.place == place)
        return next(found, max(0, min(self.cursor, len(self.rows) - 1)))

    def _into_view(self) -> None:
        top, height = self.scroll_offset.y, max(self.size.height, 1)
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, force=True)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False, force=True)


def _style(name: str) -> Style:
    return THEME.styles[name] if name else Style.null()
