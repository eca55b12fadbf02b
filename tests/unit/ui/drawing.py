"""Draw on a terminal of a known width."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType

from lvsnat.ui import theme


def drawn(*renderables: RenderableType, width: int = 80, colour: bool = False) -> str:
    """What a terminal of this width shows."""
    console = Console(
        file=io.StringIO(),
        width=width,
        theme=theme.THEME,
        force_terminal=True,
        color_system="standard" if colour else None,
        highlight=False,
    )
    theme.show(console, *renderables)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()
