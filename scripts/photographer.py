"""Pictures of a terminal in which lvsnat is at work; run by scripts/pictures, inside the lab.

A picture is a function in PICTURES that types into a terminal; its name is the file's.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

from labkit.topology import Network, dual_subnet
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text
from terminal import Terminal
from walkthrough import add, drift_by_hand, request, start

QUIET = Terminal(put=lambda _text: None)
WEB_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def status(terminal: Terminal, net: Network) -> None:
    """A director that has carried some traffic."""
    for service in start(net):
        add(QUIET, net, service)
        for _ in range(4):
            request(QUIET, net, service)
    terminal.type(net.director, "lvsnat", "status")


def plan(terminal: Terminal, net: Network) -> None:
    """Drift that somebody made by hand."""
    for service in start(net):
        add(QUIET, net, service)
    drift_by_hand(terminal, net)
    terminal.type(net.director, "lvsnat", "plan")


PICTURES: dict[str, Callable[[Terminal, Network], None]] = {"status": status, "plan": plan}


def take(name: str, folder: Path) -> None:
    """Lay out a network, let the scene happen and draw its terminal."""
    screen: list[str] = []
    terminal = Terminal(put=screen.append, colour=True)
    with dual_subnet() as net:
        PICTURES[name](terminal, net)
    text = Text.from_ansi("".join(screen).strip())
    width = max(len(line) for line in text.plain.splitlines())
    console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True)
    console.print(text)
    drawing = console.export_svg(title="lvsnat", theme=MONOKAI, unique_id=name)
    # A page must not fetch fonts from somebody else's server.
    lines = (line.rstrip() for line in WEB_FONTS.sub("", drawing).strip().splitlines())
    (folder / f"{name}.svg").write_text("\n".join([*lines, ""]), encoding="utf-8")
    print(f"docs/images/{name}.svg")


def main(names: list[str]) -> int:
    """Take the pictures named, or all."""
    unknown = sorted(set(names) - PICTURES.keys())
    if unknown:
        print(f"error: no picture {', '.join(unknown)}", file=sys.stderr)
        print(f"hint:  pictures are {', '.join(PICTURES)}", file=sys.stderr)
        return 2
    for name in names or PICTURES:
        take(name, Path(os.environ["LVSNAT_RESULTS"]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
