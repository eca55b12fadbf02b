"""The consoles: colour, width, and readers that go away."""

from __future__ import annotations

import io
import os
import pty
import sys
from contextlib import redirect_stdout

import pytest
from rich.console import Console

from lvsnat.ui import theme
from lvsnat.ui.lines import Line, Part
from lvsnat.ui.progress import bar

LINE = Line(Part("+ made", "create"))


def on_a_terminal() -> str:
    """What a terminal is sent."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal, redirect_stdout(terminal):
        theme.show(theme.result_console(), LINE)
    text = os.read(ours, 1000).decode()
    os.close(ours)
    return text


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


def test_a_terminal_gets_colour() -> None:
    assert on_a_terminal() == "\x1b[32m+ made\x1b[0m\r\n"


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    assert on_a_terminal() == "+ made\r\n"


def test_a_pipe_gets_plain_text_of_any_length() -> None:
    with redirect_stdout(io.StringIO()) as pipe:
        theme.show(theme.result_console(), "word " * 100)

    assert len(pipe.getvalue().splitlines()) == 1


def test_what_an_encoding_lacks_is_replaced() -> None:
    with redirect_stdout(io.TextIOWrapper(io.BytesIO(), "ascii")) as pipe:
        theme.show(theme.result_console(), Line(Part("1 → 3")))

    assert isinstance(pipe.buffer, io.BytesIO)
    assert pipe.buffer.getvalue() == b"1 ? 3\n"


def test_a_reader_that_goes_away_does_not_end_the_work() -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    with os.fdopen(theirs, "w") as pipe, redirect_stdout(pipe):
        console = theme.result_console()
        for _ in range(3):
            theme.show(console, LINE)

    assert sys.stdout is not pipe


def test_a_bar_is_gone_when_the_work_is_done() -> None:
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=True)

    with bar(console, "Applying", 2) as step:
        step()
        step()

    erase_line = "\x1b[2K"
    assert "Applying" in file.getvalue()
    assert file.getvalue().endswith(erase_line)
