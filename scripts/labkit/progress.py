"""Tell a person what a long step does and how long it has to go. Talks to stderr only."""

from __future__ import annotations

import sys
import time


def say(text: str) -> None:
    """Print one line of talk."""
    print(f"lab: {text}", file=sys.stderr, flush=True)


class Meter:
    """A count that grows to an expected total: one line on a terminal, else one now and then."""

    EVERY_SECONDS = 30.0

    def __init__(self, what: str, expected: int) -> None:
        """Start at nothing."""
        self._what = what
        self._expected = expected
        self._done = 0
        self._started = time.monotonic()
        self._terminal = sys.stderr.isatty()
        self._next = 0.0 if self._terminal else self.EVERY_SECONDS

    def step(self) -> None:
        """Count one, and show it when it is time to."""
        self._done += 1
        elapsed = time.monotonic() - self._started
        if elapsed < self._next:
            return
        self._next = elapsed + (0.2 if self._terminal else self.EVERY_SECONDS)
        # The expected total is an estimate, so that 100 % is left to the end.
        percent = min(99, self._done * 100 // self._expected)
        line = f"lab: {self._what}: {percent:2d} % after {elapsed:.0f} s"
        print(line, end="\r" if self._terminal else "\n", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Say how long it took."""
        elapsed = time.monotonic() - self._started
        print(f"lab: {self._what}: done in {elapsed:.0f} s   ", file=sys.stderr, flush=True)
