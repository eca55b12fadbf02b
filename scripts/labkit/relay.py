"""Carry what a command inside prints to our own stdout and stderr while it runs."""

from __future__ import annotations

import os
import selectors
import sys
import time
from pathlib import Path
from typing import Protocol


class Relay(Protocol):
    """Something that carries output, a bounded time at once."""

    def step(self, seconds: float) -> None:
        """Carry what there is, waiting no longer than told."""

    def finish(self) -> None:
        """Carry what is left after the end."""


class NoRelay:
    """For a command that has our own stdout and stderr."""

    def step(self, seconds: float) -> None:
        """Wait only."""
        time.sleep(min(seconds, 0.02))

    def finish(self) -> None:
        """Nothing is left."""


class PipeRelay:
    """From two pipes, read until both are closed."""

    def __init__(self, stdout: int, stderr: int) -> None:
        """Take over the read ends."""
        self._selector = selectors.DefaultSelector()
        self._selector.register(stdout, selectors.EVENT_READ, 1)
        self._selector.register(stderr, selectors.EVENT_READ, 2)

    def step(self, seconds: float) -> None:
        """Carry what arrives, or wait."""
        if not self._selector.get_map():
            time.sleep(min(seconds, 0.02))
            return
        for key, _ in self._selector.select(seconds):
            chunk = os.read(key.fd, 65536)
            if chunk:
                put(key.data, chunk)
            else:
                self._selector.unregister(key.fd)
                os.close(key.fd)

    def finish(self) -> None:
        """Read what the pipes still hold; all writers are gone by now."""
        while self._selector.get_map():
            self.step(0)
        self._selector.close()


class FileRelay:
    """From two files that grow."""

    def __init__(self, folder: Path) -> None:
        """Read `stdout` and `stderr` of the control folder."""
        self._files = {}
        for target, name in ((1, "stdout"), (2, "stderr")):
            (folder / name).touch()
            self._files[target] = (folder / name).open("rb", buffering=0)

    def step(self, seconds: float) -> None:
        """Carry what was added, and let some more be."""
        self._carry()
        time.sleep(min(seconds, 0.1))

    def finish(self) -> None:
        """Carry the rest."""
        self._carry()
        for file in self._files.values():
            file.close()

    def _carry(self) -> None:
        for target, file in self._files.items():
            while chunk := file.read(65536):
                put(target, chunk)


def put(target: int, chunk: bytes) -> None:
    """Write all of it to our stdout (1) or stderr (2)."""
    stream = sys.stdout if target == 1 else sys.stderr
    stream.buffer.write(chunk)
    stream.flush()
