"""The live status on a terminal of Textual's, over a director whose kernel is a fake."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cli.commandline import CommandLine
from ui.looking import Screen, looking
from watched import FIRST as BAD_SERVER
from watched import Watched, service

from lvsnat.cli.live import doors
from lvsnat.errors import LvsnatError
from lvsnat.ipvs.resources import IpvsServer
from lvsnat.model.connection import Connection
from lvsnat.model.endpoint import Endpoint
from lvsnat.model.resource import Key
from lvsnat.model.status import Counters, ServerStats
from lvsnat.testing import FakeBackend, FakeClock
from lvsnat.ui.live.doors import Doors

FIRST = Key("server", "tcp/192.168.1.50:80 192.168.2.55:80")
SECOND = Key("server", "tcp/192.168.1.50:80 192.168.2.56:80")
SIZES = [(80, 24), (200, 60)]


@pytest.fixture
def lvsnat(tmp_path: Path) -> CommandLine:
    """Two services, of two servers and of one."""
    line = CommandLine(tmp_path, FakeBackend())
    line.clock = FakeClock()
    line.ok(
        "service", "add", "web", "tcp/192.168.1.50:80", "--scheduler", "wrr",
        "--server", "192.168.2.55:80=3", "--server", "192.168.2.56:80",
    )  # fmt: skip
    line.ok("service", "add", "dns", "udp/192.168.1.50:53", "--server", "192.168.2.55:53")
    return line


def opened(lvsnat: CommandLine) -> Doors:
    return doors(lvsnat.director, lambda status: status)


def show(
    lvsnat: CommandLine,
    scene: Callable[[Screen], Awaitable[None]],
    size: tuple[int, int] = (80, 24),
    through: Doors | None = None,
) -> None:
    """Let a scene happen on a terminal of this size."""

    async def happen() -> None:
        async with looking(through or opened(lvsnat), size) as screen:
            await scene(screen)

    asyncio.run(happen())


def weight(lvsnat: CommandLine, key: Key) -> int:
    server = lvsnat.kernel.state[key]
    assert isinstance(server, IpvsServer)
    return server.weight


@pytest.mark.parametrize("size", SIZES)
def test_the_screen_has_a_summary_the_services_and_the_keys(
    lvsnat: CommandLine, size: tuple[int, int]
) -> None:
    lvsnat.kernel.counters[FIRST] = ServerStats(active=5, inactive=3)

    async def scene(screen: Screen) -> None:
        top = screen.lines.index(screen.line("SERVICE / SERVER"))
        assert " ".join(screen.lines[:top]).replace("out return", "out; return") == (
            "lvs-nat, in sync: 2 services, 3 servers, 8 connections (5 active)"
            " services: 2 up; 0 connections/s, 0/s in, 0/s out;"
            " return path unknown (no replies yet)"
        )
        assert screen.lines[top].split()[:6] == [
            "SERVICE", "/", "SERVER", "STATE", "WEIGHT", "ACTIVE",
        ]  # fmt: skip
        assert [line.split()[:2] for line in screen.lines[top + 1 : top + 6]] == [
            ["▾", "web"], ["192.168.2.55:80", "in-sync"], ["192.168.2.56:80", "in-sync"],
            ["▾", "dns"], ["192.168.2.55:53", "in-sync"],
        ]  # fmt: skip
        assert screen.lines[top + 2].split()[2:4] == ["3", "5"]
        assert "q quit" in screen.lines[-1]
        assert max(map(len, screen.lines)) <= size[0]
        assert len(screen.lines) == size[1]

    show(lvsnat, scene, size)


def test_rates_come_from_what_has_passed_between_two_readings(lvsnat: CommandLine) -> None:
    async def scene(screen: Screen) -> None:
        for total in (100, 200, 300):
            assert lvsnat.clock is not None
            lvsnat.clock.sleep(2)
            lvsnat.kernel.counters[FIRST] = ServerStats(totals=Counters(total))
            await screen.read()

        titles, line = screen.line("SERVICE / SERVER"), screen.line("192.168.2.55:80")
        at = titles.index("CONN/S")
        assert line[at : at + 6].split() == ["50"]
        assert "█" in line

    show(lvsnat, scene)


def test_the_filter_works_as_it_is_typed_and_escape_ends_it(lvsnat: CommandLine) -> None:
    async def scene(screen: Screen) -> None:
        await screen.press("slash", *"2.56")
        assert "192.168.2.56:80" in screen.text
        assert "192.168.2.55" not in screen.text
        assert "filter: 2.56 (1 service)" in screen.text

        await screen.press("enter", "down", "d")
        assert "drain web 192.168.2.56:80?" in screen.text

        await screen.press("n", "escape")
        assert "dns" in screen.text

        await screen.press("slash", *"udp/")
        assert "filter: udp/ (1 service)" in screen.text

    show(lvsnat, scene)


def test_a_filter_that_is_given_up_leaves_the_line_selected_that_was(lvsnat: CommandLine) -> None:
    async def scene(screen: Screen) -> None:
        await screen.press("down", "down", "slash", *"dns")
        assert screen.lines[-1].split("  ")[0] == "enter keep this filter esc no filter"
        await screen.press("escape")
        selected = screen.app.table.selected
        assert selected is not None
        assert str(selected.server and selected.server.endpoint) == "192.168.2.56:80"
        assert screen.lines[-1].startswith("q quit ? keys")

        await screen.press("slash", *"nothing like it", "escape", "up", "d")
        assert "drain web 192.168.2.55:80?" in screen.text
        await screen.press("n", "slash", *"dns", "enter", "down", "escape")
        selected = screen.app.table.selected
        assert selected is not None
        assert selected.service.name == "dns"

    show(lvsnat, scene)


def test_sorting_goes_round_and_turns(lvsnat: CommandLine) -> None:
    lvsnat.kernel.counters[SECOND] = ServerStats(active=7)

    async def scene(screen: Screen) -> None:
        await screen.press("s")
        assert screen.text.index("▾ dns") < screen.text.index("▾ web")
        assert "sorted by name" in screen.text

        await screen.press("s", "s", "s")
        assert "sorted by connections" in screen.text
        assert screen.text.index("2.56:80") < screen.text.index("2.55:80")

        await screen.press("S")
        assert screen.text.index("▾ dns") < screen.text.index("▾ web")
        assert screen.text.index("2.55:80") < screen.text.index("2.56:80")

    show(lvsnat, scene)


def test_services_close_and_open_and_the_selected_line_stays_selected(lvsnat: CommandLine) -> None:
    async def scene(screen: Screen) -> None:
        await screen.press("end", "home", "down", "left")
        assert "▸ web" in screen.text
        assert "2.56:80" not in screen.text
        selected = screen.app.table.selected
        assert selected is not None
        assert selected.service.name == "web"

        await screen.press("space")
        assert "2.56:80" in screen.text

        await screen.press("a")
        assert "192.168.2" not in screen.text
        await screen.press("a")
        assert "2.55:53" in screen.text

    show(lvsnat, scene)


def test_the_mouse_selects_closes_and_sorts(lvsnat: CommandLine) -> None:
    async def scene(screen: Screen) -> None:
        await screen.click("Table", offset=(10, 2))
        await screen.press("d")
        assert "drain web 192.168.2.56:80?" in screen.text
        await screen.click("#no")

        await screen.click("Table", offset=(0, 0))
        assert "▸ web" in screen.text
        await screen.click("Titles", offset=(3, 0))
        assert "sorted by name" in screen.text

    show(lvsnat, scene)


@pytest.mark.parametrize("size", SIZES)
def test_a_drain_is_shown_and_carried_out_when_confirmed(
    lvsnat: CommandLine, size: tuple[int, int]
) -> None:
    lvsnat.kernel.counters[FIRST] = ServerStats(active=12)

    async def scene(screen: Screen) -> None:
        await screen.press("down", "d")
        assert "drain web 192.168.2.55:80?" in screen.text
        assert "~ server 192.168.2.55:80 of tcp/192.168.1.50:80  weight 3 → 0" in screen.text
        assert weight(lvsnat, FIRST) == 3

        await screen.press("y")
        assert weight(lvsnat, FIRST) == 0
        assert "drained, 12 left" in screen.text
        assert "drain web 192.168.2.55:80: 0 created, 1 changed, 0 removed" in screen.text

        await screen.press("e", "y")
        assert weight(lvsnat, FIRST) == 3

    show(lvsnat, scene, size)


@pytest.mark.parametrize("answer", ["n", "escape", "enter"])
def test_a_drain_that_is_not_confirmed_changes_nothing(lvsnat: CommandLine, answer: str) -> None:
    before = len(lvsnat.changes)

    async def scene(screen: Screen) -> None:
        await screen.press("down", "d", answer)

        assert "nothing was changed" in screen.text
        assert len(lvsnat.changes) == before

    show(lvsnat, scene)


def test_disable_and_weights_take_the_same_way(lvsnat: CommandLine) -> None:
    async def scene(screen: Screen) -> None:
        await screen.press("down", "plus", "y")
        assert weight(lvsnat, FIRST) == 4
        assert "192.168.2.55:80" in lvsnat.config
        await screen.press("minus", "y", "minus", "y")
        assert weight(lvsnat, FIRST) == 2

        await screen.press("x", "y")
        assert "disabled, empty" in screen.text
        await screen.press("x")
        assert "nothing would change" in screen.text

    show(lvsnat, scene)


def test_a_refused_plan_says_why_and_has_no_yes(lvsnat: CommandLine) -> None:
    lvsnat.ok("server", "drain", "web", "192.168.2.56:80")

    async def scene(screen: Screen) -> None:
        await screen.press("down", "d")
        assert "left without a server that takes connections" in screen.text
        assert "'lvsnat server drain web 192.168.2.55:80 --force'" in screen.text
        assert "do it" not in screen.text.replace("does it", "")

        await screen.press("y")
        assert "refused" in screen.text
        await screen.press("n")
        assert weight(lvsnat, FIRST) == 3

    show(lvsnat, scene, (120, 30))


def test_a_plan_that_moved_since_it_was_shown_is_not_carried_out(lvsnat: CommandLine) -> None:
    async def scene(screen: Screen) -> None:
        await screen.press("down", "d")
        lvsnat.ok("server", "set", "web", "192.168.2.55:80", "--weight", "9")
        await screen.press("y")

        assert "something has moved" in screen.text
        assert weight(lvsnat, FIRST) == 9

    show(lvsnat, scene, (200, 60))


def test_a_kernel_that_refuses_is_told_of(lvsnat: CommandLine) -> None:
    async def scene(screen: Screen) -> None:
        await screen.press("down", "d")
        lvsnat.kernel.refusals[FIRST] = 12
        await screen.press("y")

        assert "the kernel is out of memory" in screen.text
        await screen.press("escape")
        assert "▾ web" in screen.text

    show(lvsnat, scene, (200, 60))


def test_a_service_has_nothing_to_drain(lvsnat: CommandLine) -> None:
    async def scene(screen: Screen) -> None:
        await screen.press("d")

        assert "select a server of the configuration first" in screen.text
        await screen.press("p")
        assert "select a server" not in screen.text
        assert "PAUSED" in screen.text

    show(lvsnat, scene)


def test_a_reading_that_fails_is_said_and_the_next_one_goes_on(lvsnat: CommandLine) -> None:
    real = opened(lvsnat)
    failing = [True]

    def read() -> object:
        if failing[0]:
            raise LvsnatError("netlink: no buffer space")
        return real.read()

    async def scene(screen: Screen) -> None:
        assert "not read: netlink: no buffer space" in screen.text
        failing[0] = False
        await screen.read()
        assert "▾ web" in screen.text
        assert "not read" not in screen.text

        failing[0] = True
        await screen.read()
        assert "not read" in screen.text
        assert "▾ web" in screen.text

    show(lvsnat, scene, through=replace(real, read=read))  # type: ignore[arg-type]


def test_details_have_the_configuration_and_the_connections(lvsnat: CommandLine) -> None:
    client, virtual = Endpoint.parse("203.0.113.9:4000"), Endpoint.parse("192.168.1.50:80")
    for host in (55, 56):
        server = Endpoint.parse(f"192.168.2.{host}:80")
        lvsnat.kernel.connections.append(
            Connection("tcp", client, virtual, server, "ESTABLISHED", 890)
        )

    async def scene(screen: Screen) -> None:
        await screen.press("enter")
        assert "scheduler   wrr" in screen.text
        assert screen.text.count("203.0.113.9:4000") == 2

        await screen.press("escape", "down", "enter")
        assert screen.text.count("203.0.113.9:4000") == 1
        assert "ESTABLISHED" in screen.text

    show(lvsnat, scene)


def test_a_failed_check_is_the_state_and_in_the_details(
    lvsnat: CommandLine, tmp_path: Path
) -> None:
    watched = Watched(tmp_path / "watched", FakeBackend(), service())
    watched.publish(BAD_SERVER)
    watched.apply()
    through = doors(lambda: watched.director, lambda status: status)

    async def scene(screen: Screen) -> None:
        assert "degraded 1/2" in screen.line("▾ web")
        assert screen.line("192.168.2.55").split()[1] == "down"
        await screen.press("down")
        assert "connection refused" in screen.lines[-2]

        await screen.press("enter")
        assert "tcp: down  connection refused" in screen.text

    show(lvsnat, scene, (120, 40), through)


def test_a_server_that_is_one_way_says_so_and_is_found(lvsnat: CommandLine) -> None:
    async def scene(screen: Screen) -> None:
        for packets in (10, 12, 14, 16):
            assert lvsnat.clock is not None
            lvsnat.clock.sleep(2)
            lvsnat.kernel.counters[FIRST] = ServerStats(totals=Counters(1, packets, 10))
            await screen.read()
        assert "return path 1 server one-way" in screen.text
        assert "degraded 1/2" in screen.line("▾ web")

        await screen.press("slash", *"one-way", "enter", "down")
        assert "192.168.2.56" not in screen.text
        assert "packets in, none out; 'lvsnat doctor' says why" in screen.lines[-2]

        lvsnat.kernel.counters[FIRST] = ServerStats(totals=Counters(1, 20, 14))
        await screen.press("escape")
        await screen.read()
        assert "return path ok" in screen.text

    show(lvsnat, scene, (120, 30))


def test_a_drain_says_how_long_it_takes(lvsnat: CommandLine) -> None:
    lvsnat.ok("server", "drain", "web", "192.168.2.55:80")

    async def scene(screen: Screen) -> None:
        for left in (12, 9):
            lvsnat.kernel.counters[FIRST] = ServerStats(active=left)
            await screen.read()
            assert lvsnat.clock is not None
            lvsnat.clock.sleep(10)

        assert "drained, 9 left, about 30 s" in screen.text

    show(lvsnat, scene, (200, 60))


def test_a_pause_is_said_and_all_keys_are_on_one_screen(lvsnat: CommandLine) -> None:
    async def scene(screen: Screen) -> None:
        await screen.press("p")
        assert "PAUSED" in screen.text
        await screen.press("p")
        assert "PAUSED" not in screen.text

        await screen.press("question_mark")
        for key in ("drain, disable, enable", "filter as you type", "pause", "quit"):
            assert key in screen.text
        await screen.press("escape")
        assert "▾ web" in screen.text

    show(lvsnat, scene)


def test_without_colour_the_selected_line_is_reversed_and_nothing_is_coloured(
    lvsnat: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def scene(screen: Screen) -> None:
        strips = screen.app.screen._compositor.render_strips()
        styles = [part.style for strip in strips for part in strip if part.style is not None]

        assert all(style.color is None or style.color.is_default for style in styles)
        assert all(style.bgcolor is None or style.bgcolor.is_default for style in styles)
        selected = screen.lines.index(screen.line("▾ web"))
        assert any(part.style and part.style.reverse for part in strips[selected])

    show(lvsnat, scene)


@pytest.mark.parametrize("more", [(), ("--watch", "2"), ("-o", "json")])
def test_without_a_terminal_it_is_a_mistake_of_the_command(
    lvsnat: CommandLine, more: tuple[str, ...]
) -> None:
    result = lvsnat("status", "--live", *more)

    assert result.exit_code == 2
    assert ("--watch 2 shows it" in result.stderr) == (not more)
