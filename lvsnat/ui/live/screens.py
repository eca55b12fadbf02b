"""What comes before the table: the keys, a question, the details of one line."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import ClassVar, Final

from rich.console import Console, RenderableType
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from lvsnat.errors import LvsnatError
from lvsnat.model.endpoint import Endpoint
from lvsnat.ui import theme
from lvsnat.ui.connections import connection_table
from lvsnat.ui.health import health_view
from lvsnat.ui.lines import Line, Part
from lvsnat.ui.live.board import Board
from lvsnat.ui.live.doors import Detail, Proposal, Wish
from lvsnat.ui.live.keys import ALL_KEYS
from lvsnat.ui.services import service_detail
from lvsnat.ui.status import summary_line, table_lines
from lvsnat.ui.summary import Glance, Items

_CLOSE: Final = "escape,q,enter"


class Keys(ModalScreen[None]):
    """All keys."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding(f"{_CLOSE},question_mark", "dismiss", "Close")]

    def compose(self) -> ComposeResult:
        yield VerticalScroll(Static(Text(ALL_KEYS)), classes="box keys")


class Question(ModalScreen[bool]):
    """A plan, and whether to carry it out."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Do it"),
        Binding("n,escape,q", "answer(False)", "Leave it"),
    ]

    def __init__(self, wish: Wish, proposal: Proposal) -> None:
        super().__init__()
        self._wish, self._proposal = wish, proposal

    def compose(self) -> ComposeResult:
        width = max(self.app.size.width - 8, 20)
        refused = self._proposal.refusal is not None
        with Vertical(classes="box"):
            with VerticalScroll(can_focus=False):
                yield Static(drawn(_question(self._wish, self._proposal), width))
            with Horizontal(classes="answers"):
                if not refused:
                    yield Button("y  do it", id="yes", compact=True)
                yield Button("n  leave it", id="no", compact=True)

    def on_mount(self) -> None:
        self.query_one("#no", Button).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        _ = self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:  # noqa: FBT001 - a binding has it so
        if not (yes and self._proposal.refusal is not None):
            _ = self.dismiss(yes)


class Notice(ModalScreen[None]):
    """What went wrong, whole: it may be longer than a line."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding(_CLOSE, "dismiss", "Close")]

    def __init__(self, error: LvsnatError) -> None:
        super().__init__()
        self._error = error

    def compose(self) -> ComposeResult:
        lines = _problem("error", self._error.message, self._error.hint)
        yield VerticalScroll(Static(drawn(lines, max(self.app.size.width - 8, 20))), classes="box")


class Details(ModalScreen[None]):
    """Configuration, last check results and connections of a service or a server."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding(_CLOSE, "dismiss", "Close")]

    def __init__(self, name: str, server: Endpoint | None, detail: Detail) -> None:
        super().__init__()
        self._service, self._server, self._detail = name, server, detail

    def compose(self) -> ComposeResult:
        width = max(self.app.size.width - 8, 20)
        shown = drawn(_detail_view(self._service, self._server, self._detail, width), width)
        yield VerticalScroll(Static(shown), classes="box")


def drawn(renderables: Iterable[RenderableType], width: int) -> Text:
    """What the other views draw, as a text that a widget takes, in the terminal's own colours."""
    console = Console(
        file=io.StringIO(),
        width=width,
        theme=theme.THEME,
        force_terminal=True,
        color_system="standard",
        highlight=False,
        markup=False,
        emoji=False,
        no_color=False,  # Who wants none has it taken out of the whole screen.
    )
    with console.capture() as captured:
        theme.show(console, *renderables)
    return Text.from_ansi(captured.get().rstrip("\n"))


def summary(board: Board, width: int) -> Text:
    """What stands above the table."""
    status = board.status
    lines = Glance(status, board.overview, board.total), *table_lines(status.table)
    return drawn([Items(summary_line(status)), *lines], width)


def _question(wish: Wish, proposal: Proposal) -> Iterator[RenderableType]:
    yield Text(f"{wish}?", "title")
    yield Line()
    yield from proposal.lines
    for note in proposal.notes:
        yield Text(f"note: {note}")
    if proposal.refusal is not None:
        yield Line()
        yield from _problem("refused", proposal.refusal, proposal.hint)


def _problem(what: str, message: str, hint: str | None) -> Iterator[Text]:
    yield Text.assemble((f"{what}: ", "error"), message)
    if hint:
        yield Text.assemble(("hint: ", "hint"), hint)


def _detail_view(
    name: str, server: Endpoint | None, detail: Detail, width: int
) -> Iterator[RenderableType]:
    yield Text(name if server is None else f"{name} {server}", "title")
    yield Line()
    if detail.service is None:
        yield Line(Part("not in the configuration: somebody else made it", "warn"))
    else:
        yield from service_detail(detail.service)
    if detail.report is not None:
        yield Line()
        yield from health_view(detail.report, detailed=True)
    yield Line()
    if not detail.connections:
        yield Line(Part("no connections"))
        return
    yield from connection_table(detail.connections, width)
    if detail.more:
        yield Line(Part(f"the first {len(detail.connections)}; there are more"))
