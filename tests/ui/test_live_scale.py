"""2,000 services of 4 servers: how much is drawn, which does not depend on the machine."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from benchkit.farm import STATUS, turned
from ui.looking import looking

from lvsnat.ui.live.doors import Detail, Doors, Proposal, Reading, Wish

SIZE = (200, 60)


class Moving:
    """A director of which few servers move from one reading to the next."""

    def __init__(self) -> None:
        self.status = STATUS
        self.at = 0.0

    def read(self) -> Reading:
        self.at += 2
        return Reading(self.status, self.at, 1_800_000_000 + self.at)

    def doors(self) -> Doors:
        return Doors(self.read, _nothing, lambda *_: "", lambda *_: Detail())


def _nothing(wish: Wish) -> Proposal:
    return Proposal((), str(wish), idle=True)


def test_a_reading_draws_what_changed_and_is_seen() -> None:
    moving = Moving()

    async def happen() -> None:
        async with looking(moving.doors(), SIZE) as screen:
            table = screen.app.table
            assert len(table.rows) == 10_000
            one_line = len(table._columns.shown)
            for _ in range(3):  # until the rates come from differences
                await screen.read()
            # Twice the lines, as a resize draws them all.
            assert 0 < table.cells_drawn <= 4 * SIZE[1] * one_line

            before = table.cells_drawn
            await screen.read()
            assert table.cells_drawn == before

            moving.status = turned(STATUS, service=0, server=1)
            await screen.read()
            assert one_line <= table.cells_drawn - before <= 2 * one_line

            before = table.cells_drawn
            moving.status = turned(moving.status, service=1_900, server=1)
            await screen.read()
            # Not on the screen; the server above still has a rate that changes.
            assert table.cells_drawn - before <= 2 * one_line

    asyncio.run(happen())


def test_a_step_draws_two_lines_and_a_page_a_page() -> None:
    async def happen() -> None:
        async with looking(Moving().doors(), SIZE) as screen:
            table = screen.app.table
            one_line = len(table._columns.shown)
            before = table.cells_drawn
            await screen.press("down")
            assert table.cells_drawn - before == 2 * one_line

            before = table.cells_drawn
            await screen.press("end")
            assert table.cells_drawn - before <= SIZE[1] * one_line
            assert "service-1999" in screen.text

    asyncio.run(happen())


def test_a_filter_of_one_service_shows_it_alone() -> None:
    async def happen() -> None:
        async with looking(Moving().doors(), SIZE) as screen:
            await screen.press("slash", *"service-1234 ")
            assert len(screen.app.table.rows) == 5

    asyncio.run(happen())


def test_a_status_of_the_same_values_is_no_other_status() -> None:
    assert turned(STATUS, 0, 0) != STATUS
    assert replace(STATUS) == STATUS
