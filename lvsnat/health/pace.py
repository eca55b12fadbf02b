"""Whether the checks keep their pace. Numbers only."""

from __future__ import annotations

from dataclasses import dataclass

WINDOW = 5.0
"""Seconds; what is told covers the last one or two of them."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How the engine does."""

    lag: float
    """The greatest number of seconds by which a check was begun late, in the last ten."""
    targets: int
    running: int
    waiting: int
    """Checks that are due and wait for a socket or a program to become free."""
    programs: int


class Lag:
    """The greatest lateness of the last while."""

    __slots__ = ("_before", "_ends", "_now")

    def __init__(self) -> None:
        self._now = self._before = 0.0
        self._ends = 0.0

    def note(self, late: float, now: float) -> None:
        if now >= self._ends:
            self._before = self._now if now < self._ends + WINDOW else 0.0
            self._now, self._ends = 0.0, now + WINDOW
        self._now = max(self._now, late)

    def greatest(self, now: float) -> float:
        if now >= self._ends + WINDOW:
            return 0.0
        return max(self._now, self._before if now < self._ends else 0.0)
