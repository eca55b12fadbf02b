"""What a terminal shows while somebody waits."""

from __future__ import annotations

import io

from rich.console import Console

from lvsnat.ui import progress


def test_a_line_tells_the_news_and_is_gone_at_the_end() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80, _environ={})

    with progress.spinner(console, "draining 192.168.2.55:80") as show:
        show("3 active", 245)

    assert "draining 192.168.2.55:80: 3 active (4:05 min left)" in screen.getvalue()
    assert screen.getvalue().endswith("\x1b[2K")
