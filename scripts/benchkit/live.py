"""How quick ``lvsnat status --live`` is over 2,000 services of 4 servers, on a terminal of its own.

Keys are pressed while it reads the kernel each second, and the time counts until the terminal is
told something. Nothing moves in the kernel, so that nothing else is drawn.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median

from benchkit.process import BenchError, Place, fresh
from benchkit.report import table
from benchkit.tables import Size, configuration

SIZE = Size(2_000, 4)
COLUMNS, LINES = 200, 60
KEYS = 40
SETTLED = 12.0
"""Seconds after which the rates stand still."""
PATIENCE = 60.0
QUIET = 0.3
_READER = """
import sys, time
from lvsnat.cli.context import Session
from lvsnat.cli.live import doors
from lvsnat.ui.live.board import Boards, Look, rows
there = doors(lambda: Session().director(mention=False), lambda status: status)
boards, found = Boards(), []
for _ in range(int(sys.argv[1])):
    began = time.monotonic()
    reading = there.read()
    read = time.monotonic()
    rows(boards.of(reading), Look())
    found.append(f"{read - began} {time.monotonic() - read}")
print("\\n".join(found[1:]))
"""


@dataclass(frozen=True, slots=True)
class LiveResults:
    """Seconds, of each time."""

    kernel: str
    start: float
    """Until the first service is on the screen."""
    answers: list[float]
    """From a key to the first byte that answers it."""
    reads: list[float]
    """A reading of the director."""
    boards: list[float]
    """What is made of a reading: rates, order, lines."""
    busy: float
    """The share of a processor that it takes while nobody presses a key."""


def measure_live(rounds: int, kernel: str, folder: Path) -> LiveResults:
    """Fill a kernel, and look at it."""
    with fresh(folder) as place:
        (place.folder / "lvsnat.toml").write_text(configuration(SIZE))
        place.run("lvsnat", "apply")
        took = place.folder / "took"
        place.run(sys.executable, "-c", _READER, str(rounds + 2), stdout=took)
        pairs = [tuple(map(float, line.split())) for line in took.read_text().splitlines()]
        terminal = _Terminal(place)
        try:
            start = terminal.until("service-0")
            terminal.rest(SETTLED)
            busy = terminal.busy(5.0)
            answers = [terminal.press(key) for key in _keys()]
        finally:
            terminal.close()
    reads, boards = zip(*pairs, strict=True)
    return LiveResults(kernel, start, answers, list(reads), list(boards), busy)


def live_markdown(found: LiveResults) -> str:
    """Write the table."""
    rows = [
        ["until the first service is on the screen", f"{found.start:.1f} s", ""],
        ["a reading of the kernel, beside the screen", *_two(found.reads)],
        ["rates and order of all lines", *_two(found.boards)],
        ["from a key to the screen", *_two(found.answers)],
        ["processor while nobody presses a key", f"{found.busy:.0%}", ""],
    ]
    opening = (
        f"`lvsnat status --live` over {SIZE} on the kernel {found.kernel}, {COLUMNS} columns and"
        f" {LINES} lines, {len(found.answers)} keys."
    )
    return "\n".join([opening, "", *table(("what", "middle", "worst"), rows)]) + "\n"


def _two(seconds: list[float]) -> list[str]:
    return [f"{1000 * median(seconds):.0f} ms", f"{1000 * max(seconds):.0f} ms"]


def _keys() -> list[str]:
    """Lines and pages, down and up again: each draws something."""
    chance = Random(7)  # noqa: S311 - no secret depends on it
    return [chance.choice(["j", "\x1b[6~"]) for _ in range(KEYS)]


class _Terminal:
    """``lvsnat status --live``, and we are the terminal."""

    def __init__(self, place: Place) -> None:
        self._pid, self._ours = pty.fork()
        if self._pid == 0:
            command = ["ip", "netns", "exec", place.namespace, "lvsnat", "status", "--live"]
            os.execvpe(command[0], command, {**place.environment, "TERM": "xterm-256color"})  # noqa: S606
        size = struct.pack("HHHH", LINES, COLUMNS, 0, 0)
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, size)
        self._chance = Random(11)  # noqa: S311 - no secret depends on it

    def until(self, text: str) -> float:
        """Read until it says this; how long that took."""
        began, said = time.monotonic(), ""
        while text not in said:
            if time.monotonic() - began > PATIENCE or not self._waits(PATIENCE):
                raise BenchError(f"lvsnat status --live does not say {text}: {said[-300:]!r}")
            said += os.read(self._ours, 65536).decode(errors="replace")
        return time.monotonic() - began

    def rest(self, seconds: float) -> None:
        """Take what it says for so long."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._waits(left):
                os.read(self._ours, 65536)

    def press(self, key: str) -> float:
        """Seconds until something answers; pressed at any moment of a reading."""
        self.rest(QUIET + self._chance.random())
        began = time.monotonic()
        os.write(self._ours, key.encode())
        if not self._waits(PATIENCE):
            raise BenchError("lvsnat status --live does not answer a key")
        return time.monotonic() - began

    def busy(self, seconds: float) -> float:
        """The share of a processor that it takes."""
        before = self._ticks()
        self.rest(seconds)
        return (self._ticks() - before) / os.sysconf("SC_CLK_TCK") / seconds

    def close(self) -> None:
        with suppress(OSError):  # EIO is how a terminal says that nobody writes any more.
            os.write(self._ours, b"q")
            self.rest(PATIENCE)
        os.close(self._ours)
        os.waitpid(self._pid, 0)

    def _ticks(self) -> int:
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def _waits(self, seconds: float) -> bool:
        return bool(select.select([self._ours], [], [], seconds)[0])
