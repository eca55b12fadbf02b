"""The live status: reads again and again, shows what it read, asks before it changes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import ClassVar, Final, TypeVar

from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.events import Event, Key
from textual.widgets import Footer, Input, Static
from textual.worker import Worker

from lvsnat.errors import LvsnatError
from lvsnat.ui.live import board as boards
from lvsnat.ui.live.board import Board, Boards, Look, Measure, Place, Sort
from lvsnat.ui.live.bottom import Filter, Message
from lvsnat.ui.live.doors import Action, Doors, Wish
from lvsnat.ui.live.keys import ACTIONS, KEYS, LOOKS
from lvsnat.ui.live.screens import Details, Keys, Notice, Question, summary
from lvsnat.ui.live.table import Table, Titles

Answer = TypeVar("Answer")
EVERY: Final = 1.0
"""Seconds between two readings."""


class Live(App[None]):
    """``lvsnat status --live``."""

    ENABLE_COMMAND_PALETTE = False
    CSS = LOOKS
    BINDINGS: ClassVar[list[BindingType]] = KEYS

    def __init__(self, doors: Doors, *, every: float | None = EVERY) -> None:
        """``every``: seconds between two readings; None: only when somebody asks."""
        super().__init__(ansi_color=True)
        self.theme = "ansi-dark"
        self.look = Look()
        self.board: Board | None = None
        self._doors, self._every = doors, every
        self._boards = Boards()
        self._paused = False
        self._failure = ""
        self._before_filter: Place | None = None
        self._summary, self._message = Static(id="summary"), Message()
        self._asking: Worker[None] | None = None
        # One thread each: what they hold open is used by no other.
        self._reader = ThreadPoolExecutor(1, "reader")
        self._writer = ThreadPoolExecutor(1, "writer")

    def compose(self) -> ComposeResult:
        yield self._summary
        titles = Titles()
        yield titles
        yield Table(titles)
        yield self._message
        yield Filter()
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self.table.focus()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            with suppress(RuntimeError, ValueError):  # Not in the main thread.
                loop.add_signal_handler(number, self.exit)
        self.run_worker(self._read_on())

    def close(self) -> None:
        """Wait for what is being carried out, so that it is whole."""
        self._reader.shutdown(cancel_futures=True)
        self._writer.shutdown(cancel_futures=True)

    @property
    def table(self) -> Table:
        return self.screen_stack[0].query_one(Table)

    async def take(self) -> None:
        """Read once, and show it; what fails is said, and the last picture stays."""
        try:
            self.board = await self._in(self._reader, self._read)
        except LvsnatError as error:
            self._failure = error.message.splitlines()[0]
        else:
            self._failure = ""
        self._show()

    async def _read_on(self) -> None:
        await self.take()
        while self._every is not None:
            loop = asyncio.get_running_loop()
            began = loop.time()
            if not self._paused:
                await self.take()
            took = loop.time() - began
            # Of a reading that takes long, keys get half of the time.
            await asyncio.sleep(max(self._every - took, took))

    def _read(self) -> Board:
        return self._boards.of(self._doors.read())

    async def _in(self, thread: ThreadPoolExecutor, call: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(thread, call)

    def _show(self) -> None:
        board = self.board
        if board is not None:
            self.table.show(boards.rows(board, self.look), board, self.look)
            self._summary.update(summary(board, max(self.size.width, 20)))
        self._mention()

    def _tell(self, text: str, *, till_key: bool = False) -> None:
        self._message.tell(text, till_key=till_key)
        self._mention()

    async def on_event(self, event: Event) -> None:
        """Before a key does what it does, forget what the last one could not do."""
        if isinstance(event, Key) and not event.is_forwarded and self._message.key_came():
            self._mention()
        await super().on_event(event)

    def _mention(self) -> None:
        """The line below the table: what went wrong, else what was done, else how it looks."""
        if self._failure:
            self._message.say(f"not read: {self._failure}; what you see is older", "bold red")
        else:
            looks = "; ".join(filter(None, [self._manner(), self.table.cut_off]))
            self._message.say(self._message.told or looks)

    def _manner(self) -> str:
        services = sum(row.server is None for row in self.table.rows)
        said = ["PAUSED"] if self._paused else []
        return "  ".join([*said, *self.look.said(services)])

    def _looking(self, look: Look) -> None:
        self.look = look
        self._message.hush()
        self._show()
        self.table.select(self.table.cursor)  # It may stand elsewhere now: have it in view.

    # What keys and the mouse do.

    async def action_quit(self) -> None:
        self.exit()

    async def action_keys(self) -> None:
        await self.push_screen(Keys())

    async def action_read(self) -> None:
        await self.take()

    def action_pause(self) -> None:
        self._paused = not self._paused
        self._mention()

    def action_sort(self) -> None:
        orders = list(Sort)
        following = orders[(orders.index(self.look.sort) + 1) % len(orders)]
        self._looking(replace(self.look, sort=following))

    def action_turn(self) -> None:
        self._looking(replace(self.look, turned=not self.look.turned))

    def action_measure(self) -> None:
        measures = list(Measure)
        following = measures[(measures.index(self.look.measure) + 1) % len(measures)]
        self._looking(replace(self.look, measure=following))

    def on_titles_sorted(self, event: Titles.Sorted) -> None:
        again = event.sort is self.look.sort
        turned = not self.look.turned if again else False
        self._looking(replace(self.look, sort=event.sort, turned=turned))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool:
        """Whether a key means this now: a letter of the filter means itself."""
        del parameters
        return action not in ACTIONS or not self._filter.has_focus

    def action_filter(self) -> None:
        if not self.look.filter and (row := self.table.selected) is not None:
            self._before_filter = row.place
        # The next keys are for it, however fast they are typed.
        self._filter.display = True
        self.screen.set_focus(self._filter)

    def action_unfilter(self) -> None:
        chosen = None if self._filter.has_focus else self.table.selected
        self._filter.value = ""
        self._filter.display = False
        self.screen.set_focus(self.table)
        if self.look.filter:
            self._looking(replace(self.look, filter=""))
            self.table.go_to(self._before_filter if chosen is None else chosen.place)

    def on_input_changed(self, event: Input.Changed) -> None:
        self._looking(replace(self.look, filter=event.value))

    def on_input_submitted(self) -> None:
        self._filter.display = False
        self.screen.set_focus(self.table)

    @property
    def _filter(self) -> Input:
        return self.screen_stack[0].query_one(Filter)

    def action_turn_over(self) -> None:
        if (row := self.table.selected) is not None:
            self.action_open(row.service.listen in self.look.closed)

    def action_open(self, wanted: bool) -> None:  # noqa: FBT001 - a binding has it so
        """Show the servers of the selected service, or close it, and go to its line."""
        row = self.table.selected
        if row is None:
            return
        one = {row.service.listen}
        closed = self.look.closed - one if wanted else self.look.closed | one
        if row.server is not None and not wanted:
            self.table.go_to((row.service.listen, None))
        self._looking(replace(self.look, closed=closed))

    def action_all(self) -> None:
        if self.board is not None:
            every = frozenset(service.listen for service in self.board.status.services)
            closed = frozenset() if self.look.closed else every
            self._looking(replace(self.look, closed=closed))

    def on_table_moved(self) -> None:
        self._mention()

    def on_table_toggled(self) -> None:
        self.action_turn_over()

    def on_table_opened(self) -> None:
        self.action_details()

    def action_details(self) -> None:
        self._ask(self._details())

    async def _details(self) -> None:
        row = self.table.selected
        if row is None:
            return
        name = row.service.name or str(row.service.listen)
        server = None if row.server is None else row.server.endpoint
        try:
            detail = await self._in(self._writer, lambda: self._doors.detail(name, server))
        except LvsnatError as error:
            await self.push_screen(Notice(error))
        else:
            await self.push_screen(Details(name, server, detail))

    def action_change(self, action: str) -> None:
        self._ask(self._change(Action(action)))

    def _ask(self, work: Coroutine[None, None, None]) -> None:
        """One thing at a time: what is being carried out is not asked about once more."""
        if self._asking is not None and not self._asking.is_finished:
            work.close()
        else:
            self._asking = self.run_worker(work)

    async def _change(self, action: Action) -> None:
        """Plan it, show the plan, and carry out what was shown if the answer is yes."""
        row = self.table.selected
        if row is None or row.server is None or row.service.name is None:
            self._tell("select a server of the configuration first", till_key=True)
            return
        wish = Wish(action, row.service.name, row.server.endpoint)
        try:
            proposal = await self._in(self._writer, lambda: self._doors.propose(wish))
            if proposal.idle:
                self._tell(f"{wish}: nothing would change")
                return
            if not await self.push_screen_wait(Question(wish, proposal)):
                self._tell("nothing was changed")
                return
            done = await self._in(
                self._writer, lambda: self._doors.carry_out(wish, proposal.fingerprint)
            )
        except LvsnatError as error:
            await self.push_screen(Notice(error))
            return
        self._tell(f"{wish}: {done}")
        await self.take()


def run(doors: Doors) -> int:
    """Show it until somebody quits; not 0 after a mistake of ours, which Textual has printed."""
    app = Live(doors)
    try:
        app.run()
    finally:
        app.close()
    return app.return_code or 0
