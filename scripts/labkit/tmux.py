"""A terminal of tmux's on a host: keys go in, and what its screen shows comes out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from labkit.errors import LabError
from labkit.host import Host

PATIENCE = 60.0
"""Seconds: an emulated machine takes long to start Python."""


@dataclass(frozen=True, slots=True)
class Tmux:
    """One command on one terminal."""

    host: Host
    socket: str

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names of them: ``Down``, ``Enter``, ``d``."""
        self._run("send-keys", "-t", "0", *keys)

    def screen(self, *, colour: bool = False) -> str:
        """What the terminal shows; with ``colour`` the escape sequences that make it so."""
        return self._run("capture-pane", "-p", *(["-e"] if colour else []), "-t", "0")

    def resize(self, width: int, height: int) -> None:
        """Give the terminal another size, in two steps: of one, a busy machine may tell nobody."""
        for columns in (width - 1, width):
            self._run("resize-window", "-t", "0", "-x", str(columns), "-y", str(height))
            time.sleep(0.2)

    def until(self, *words: str) -> str:
        """Wait for a screen that has all these words; LabError if it does not come."""
        deadline = time.monotonic() + PATIENCE
        while not all(word in (shown := self.screen()) for word in words):
            if time.monotonic() > deadline:
                msg = f"the screen does not show {' and '.join(words)}:\n{shown}"
                raise LabError(msg)
            time.sleep(0.1)
        return shown

    def _run(self, *words: str) -> str:
        return self.host.run("tmux", "-u", "-S", self.socket, *words).stdout


@contextmanager
def tmux(host: Host, *command: str, width: int = 80, height: int = 24) -> Iterator[Tmux]:
    """Start a command on a terminal of this size; at the end both are gone."""
    terminal = Tmux(host, str(host.home / "tmux"))
    size = ("-x", str(width), "-y", str(height))
    host.run(
        "env", "LC_ALL=C.UTF-8", "tmux", "-u", "-S", terminal.socket, "-f", "/dev/null",
        "new-session", "-d", *size, *command, ";", "set", "-g", "remain-on-exit", "on",
    )  # fmt: skip
    try:
        yield terminal
    finally:
        host.run("tmux", "-S", terminal.socket, "kill-server", check=False)
