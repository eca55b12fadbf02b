"""What the doctor has found, on a terminal and in a pipe."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from lvsnat.doctor.codes import TABLE, Entry
from lvsnat.doctor.names import Code
from lvsnat.ui.doctor import entry_lines, finding_lines, report_lines
from lvsnat.ui.hanging import wrapped
from lvsnat.ui.lines import Line
from lvsnat.ui.tables import Lines
from lvsnat.ui.theme import THEME

FIRST = replace(TABLE[Code.SERVER_DOWN].example, scope=("web", "192.168.2.55:8080"))
SECOND = replace(
    FIRST,
    subject="web 192.168.2.56:8080",
    remedy="another remedy",
    scope=("web", "192.168.2.56:8080"),
)


def drawn(lines: Iterable[Line], width: int = 80) -> list[str]:
    """As a terminal of this width without colours has them."""
    file = io.StringIO()
    console = Console(
        file=file, width=width, theme=THEME, force_terminal=True, color_system=None, highlight=False
    )
    console.print(Lines([*lines]), crop=False)
    return file.getvalue().splitlines()


@pytest.mark.parametrize("entry", TABLE.values(), ids=str)
def test_a_terminal_gets_no_line_that_is_too_long_but_for_commands(entry: Entry) -> None:
    for line in drawn(entry_lines(entry))[1:]:
        text = line[12:].strip() if line.startswith("  ") else line
        assert len(line) <= 80 or wrapped(text, 0) == [text] or line.startswith(("broken", "risk"))


def test_what_is_wrapped_hangs_under_its_text() -> None:
    lines = drawn(finding_lines(replace(FIRST, why="because " * 20)))

    at = next(number for number, line in enumerate(lines) if line.startswith("  why "))
    assert lines[at + 1].startswith(f"{' ' * 12}because")


@given(st.text("ab' ;(", max_size=80), st.integers(0, 60))
def test_wrapping_keeps_every_word(text: str, width: int) -> None:
    assert " ".join(wrapped(text, width)).split() == text.split()


def test_a_command_is_not_cut_and_gets_a_line_of_its_own() -> None:
    said = "do it: 'one two three four five six'; then rest"

    assert wrapped(said, 32) == ["do it:", "'one two three four five six';", "then rest"]
    assert wrapped(said, 20)[1] == "'one two three four five six';"
    assert wrapped("the servers' own, of 'a b' and the others'", 100) == [
        "the servers' own, of 'a b' and the others'"
    ]


def test_findings_that_differ_in_their_server_are_one_block() -> None:
    lines = [line.plain for line in report_lines([FIRST, SECOND], ())]

    assert lines[1:3] == [
        "broken  SERVER_DOWN  web 192.168.2.55:8080",
        "broken  SERVER_DOWN  web 192.168.2.56:8080",
    ]
    assert [line[:8] for line in lines[3:7]] == ["  seen  ", "  expect", "  why   ", "  remedy"]
    assert lines[6].endswith("; the same for the others")
    assert lines[7].startswith("2 broken; ")


def test_what_differs_in_what_was_seen_says_whose_it_is() -> None:
    lines = [line.plain for line in report_lines([FIRST, replace(SECOND, seen="no answer")], ())]

    assert lines[4] == "  seen      web 192.168.2.56:8080: no answer"


def test_others_are_blocks_of_their_own() -> None:
    elsewhere = replace(SECOND, why="for another reason")

    lines = [line.plain for line in report_lines([FIRST, elsewhere], ())]

    assert len(lines) == 1 + 5 + 5 + 1
