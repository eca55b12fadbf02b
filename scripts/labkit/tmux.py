"""A terminal of tmux's on a host: keys go in, and what its screen shows comes out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from labkit.errors import LabError
from labkit.host import Host

PATIENCE = 180.0
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

    def resize(self, width: int, height: int, *words: str) -> str:
        """Give the terminal another size, and wait for a screen with all these words.

        In two steps, and again if need be: of one change a busy machine may tell nobody.
        """
        for _ in range(8):
            for columns in (width - 1, width):
                self._run("resize-window", "-t", "0", "-x", str(columns), "-y", str(height))
                time.sleep(0.2)
            with suppress(LabError):
                return self.until(*words, within=PATIENCE / 9)
        return self.until(*words, within=PATIENCE / 9)

    def until(self, *words: str, gone: str = "", within: float = PATIENCE) -> str:
        """Wait for a screen that has all these words, and not what is to be gone, or LabError."""
        deadline = time.monotonic() + within
        while True:
            shown = self.screen()
            if all(word in shown for word in words) and not (gone and gone in shown):
                return shown
            if time.monotonic() > deadline:
                wanted = " and ".join([*words, *([f"no {gone}"] if gone else [])])
                msg = f"the screen does not show {wanted}:\n{shown}"
                raise LabError(msg)
            time.sleep(0.1)

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
