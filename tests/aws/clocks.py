"""A clock whose time passes by sleeping alone."""

from __future__ import annotations


class TurningClock:
    """Counts what was slept."""

    def __init__(self) -> None:
        self.time = 1_000_000.0
        self.sleeps: list[float] = []

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.time += seconds
