"""lvsnat status --live for real: in tmux, on a director that carries connections."""

from __future__ import annotations

import pytest
from e2e.conftest import ipvsadm, lvsnat
from labkit.load import long_connections
from labkit.outside import soon
from labkit.tmux import Tmux, tmux
from labkit.topology import Network

pytestmark = pytest.mark.e2e

# The shell stays: that a program has ended, tmux sometimes learns late or never on a busy machine.
LIVE = ("sh", "-c", "lvsnat status --live; echo left with $?; exec sleep 300")
FIRST, SECOND = "192.168.2.55:8080", "192.168.2.56:8080"


@pytest.fixture
def net(dual: Network) -> Network:
    """A service with two servers."""
    for server in dual.servers:
        server.serve_tcp(8080)
    lvsnat(
        dual, "service", "add", "web", f"tcp/{dual.vip}:80", "--scheduler", "rr",
        "--server", FIRST, "--server", SECOND,
    )  # fmt: skip
    return dual


def cells(terminal: Tmux, word: str) -> list[str]:
    """What the line that has a word says."""
    return next((line for line in terminal.screen().splitlines() if word in line), "").split()


def weights(net: Network) -> list[str]:
    return [line.split()[-1] for line in ipvsadm(net, "-Sn") if line.startswith("-a")]


def test_a_person_looks_drains_and_leaves_while_clients_talk(net: Network) -> None:
    with (
        long_connections(net.client, net.vip, 80, count=6) as load,
        tmux(net.director, *LIVE) as terminal,
    ):
        shown = terminal.until("6 connections (6 active)", "▾ web", FIRST, "q quit")
        assert max(map(len, shown.splitlines())) <= 80
        assert soon(lambda: cells(terminal, FIRST)[1:4] == ["in-sync", "1", "3"])

        terminal.press("Down", "d")
        terminal.until(f"drain web {FIRST}?", "weight 1 → 0")
        assert weights(net) == ["1", "1"]
        terminal.press("n")
        terminal.until("nothing was changed")
        terminal.press("d")
        terminal.until(f"drain web {FIRST}?")
        terminal.press("y")
        terminal.until("drained, 3 left")
        assert weights(net) == ["0", "1"]

        terminal.press("Down", "d")
        terminal.until("refused:", "left without a server")
        terminal.press("Escape")
        terminal.until("▾ web", gone="refused:")

        terminal.resize(200, 60, "PACKETS/S", "CARRIER")
        terminal.press("/", "2", ".", "5", "6")
        terminal.until("filter: 2.56 (1 service)", gone=FIRST)
        terminal.press("Escape")
        terminal.until(FIRST)

        terminal.press("Up", "Enter")
        terminal.until("scheduler   rr", "ESTABLISHED")
        terminal.press("q")
        terminal.until("▾ web")
        terminal.press("q")
        terminal.until("left with 0")
        report = load.stop()

    assert report.breaks == 0


def test_what_clients_send_is_seen_within_seconds(net: Network) -> None:
    with tmux(net.director, *LIVE, width=200, height=60) as terminal:
        terminal.until("▾ web")
        terminal.press("h")
        terminal.until("history of packets/s")
        with long_connections(net.client, net.vip, 80, count=4, pause=0.02):
            terminal.until("4 connections (4 active)", "█")
        terminal.press("C-c")
        terminal.until("left with 0")


def test_a_terminal_that_goes_away_ends_it(net: Network) -> None:
    with tmux(net.director, *LIVE) as terminal:
        terminal.until("▾ web")
    assert soon(lambda: _running(net) == "")


def _running(net: Network) -> str:
    return net.director.run("pgrep", "-f", "status --live", check=False).stdout


def test_without_a_terminal_it_says_what_to_do_instead(net: Network) -> None:
    done = lvsnat(net, "status", "--live", code=2)

    assert "error: --live needs a terminal" in done.stderr
    assert "hint: --watch 2" in done.stderr
