"""A view that is drawn again in the same place."""

from __future__ import annotations

import io

from rich.console import Console
from rich.text import Text

from lvsnat.ui import theme
from lvsnat.ui.screen import Screen, frame


def test_a_frame_overwrites_the_one_before_it_without_blanking_it() -> None:
    assert frame("one\ntwo\n", rows=5) == "\x1b[Hone\x1b[K\ntwo\x1b[K\x1b[J"


def test_lines_without_room_are_counted() -> None:
    shown = frame("1\n2\n3\n4\n", rows=3)

    assert shown.replace("\x1b[K", "") == "\x1b[H1\n2\n(2 more lines)\x1b[J"


def test_a_screen_is_given_back_with_the_last_picture_on_the_usual_one() -> None:
    output = io.StringIO()
    console = Console(file=output, theme=theme.THEME, force_terminal=True, width=40, height=10)
    screen = Screen(console)

    with screen.shown():
        screen.draw([Text("first")])
        screen.draw([Text("second")])

    text = output.getvalue()
    entered, left = text.index("\x1b[?1049h"), text.index("\x1b[?1049l")
    assert entered < text.index("first") < text.index("second") < left
    assert text[left:].endswith("second\n")
    assert text.index("\x1b[?7l") < text.index("\x1b[?7h") < left
    assert "\x1b[?25h" in text[left - 20 :]
