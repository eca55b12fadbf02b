"""A live status over a director whose kernel is a fake, and what its screen says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from textual.pilot import Pilot

from lvsnat.ui.live.app import Live
from lvsnat.ui.live.doors import Doors

TURNS = 50
"""So often everything that can go on has gone on, and nothing came of it."""


@dataclass(frozen=True)
class Screen:
    """A live status on a terminal of some size."""

    app: Live
    pilot: Pilot[None]

    @property
    def lines(self) -> list[str]:
        """What the terminal shows."""
        width, height = self.app.size
        whole = self.app.screen._compositor.render_strips()
        return [strip.crop(0, width).text.rstrip() for strip in whole[:height]]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def line(self, word: str) -> str:
        """The first line that has a word."""
        return next(line for line in self.lines if word in line)

    async def press(self, *keys: str) -> None:
        """Press keys, and wait until all that follows from each has happened."""
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    async def click(self, selector: str, offset: tuple[int, int] = (0, 0)) -> None:
        """Click into a widget, and wait until all that follows has happened."""
        await self.pilot.click(selector, offset=offset)
        await self.settle()

    async def read(self) -> None:
        await self.app.take()
        await self._still()

    async def settle(self) -> None:
        """Wait for what works beside the screen; a question waits for an answer."""
        await self._still()
        while self._works() and len(self.app.screen_stack) == 1:
            await asyncio.sleep(0.01)
            await self._still()

    def _works(self) -> bool:
        return any(not one.is_finished for one in self.app.workers)

    async def _still(self) -> None:
        """Wait until no widget has a message to take, and all is drawn.

        Textual's own way is to look whether the process is idle, which on a busy machine it is
        also in the middle.
        """
        turns = 0
        while turns < TURNS:
            await asyncio.sleep(0)
            turns = 0 if self._moves() else turns + 1

    def _moves(self) -> bool:
        screen = self.app.screen
        widgets = [self.app, *screen.walk_children(with_self=True)]
        to_be_drawn: asyncio.Event = screen._update_timer._active
        left = [to_be_drawn.is_set(), *screen._callbacks]
        return any(left) or any(one.message_queue_size for one in widgets)


@asynccontextmanager
async def looking(doors: Doors, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Screen]:
    """Show it, once read; it reads again when a test says so."""
    app = Live(doors, every=None)
    try:
        async with app.run_test(size=size) as pilot:
            screen = Screen(app, pilot)
            await screen.settle()
            yield screen
    finally:
        app.close()
