"""A live status over a director whose kernel is a fake, and what its screen says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from textual.pilot import Pilot

from lvsnat.ui.live.app import Live
from lvsnat.ui.live.doors import Doors


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
        """Press keys, and wait until all that follows has happened."""
        await self.pilot.press(*keys)
        await self.settle()

    async def read(self) -> None:
        await self.app.take()
        await self.pilot.pause()

    async def settle(self) -> None:
        """Wait for what works beside the screen; a question waits for an answer."""
        for _ in range(200):
            await self.pilot.pause(0.01)
            waiting = [one for one in self.app.workers if not one.is_finished]
            if not waiting or len(self.app.screen_stack) > 1:
                break
        await self.pilot.pause()


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
