"""A command on a terminal that a test types into, hangs up, or kills."""

from __future__ import annotations

import os
import pty
import select
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import NoReturn

PATIENCE = 180.0
CTRL_C, CTRL_D, ENTER = "\x03", "\x04", "\n"


class Typed:
    """A process whose controlling terminal is ours."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.said = ""
        self.code: int | None = None
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            _become(command, environment)

    def expect(self, text: str) -> None:
        """Read until it has said this."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.said:
            assert time.monotonic() < deadline, f"no {text!r} in {self.said!r}"
            if not self._read():
                raise AssertionError(f"it ended without {text!r}: {self.said!r}")

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def hang_up(self) -> None:
        """Let the terminal go away, as when ssh loses its connection."""
        os.close(self._terminal)
        self._terminal = -1

    def kill(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def end(self) -> int:
        """Read to the end; how it ended, as a shell says it."""
        if self.code is None:
            while self._terminal >= 0 and self._read():
                pass
            _, status = os.waitpid(self.pid, 0)
            self.code = os.waitstatus_to_exitcode(status)
        return self.code

    def close(self) -> None:
        if self.code is None:
            with suppress(ProcessLookupError):
                self.kill(signal.SIGKILL)
            self.end()
        if self._terminal >= 0:
            self.hang_up()

    def _read(self) -> bool:
        if not select.select([self._terminal], [], [], 1.0)[0]:
            return True
        try:
            chunk = os.read(self._terminal, 65536)
        except OSError:  # EIO is how a terminal says that nobody writes any more.
            return False
        self.said += chunk.decode(errors="replace")
        return bool(chunk)


def _become(command: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    try:
        # What the tests read is what a capable terminal is told, whatever they are run on.
        capable = {**environment, "TERM": "xterm"}
        os.execvpe(command[0], [*command], capable)  # noqa: S606 - that is the point
    finally:
        os._exit(127)


@contextmanager
def typed(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[Typed]:
    """Start a command on a terminal; at the end it is gone."""
    process = Typed(command, environment)
    try:
        yield process
    finally:
        process.close()
