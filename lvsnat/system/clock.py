"""Time, and which boot it belongs to."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final, Protocol

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Clock(Protocol):
    """Time, as whoever waits for something is handed it."""

    def now(self) -> float:
        """Seconds since the epoch, by the wall clock."""
        ...

    def monotonic(self) -> float:
        """Seconds that nobody sets back, to measure how long something takes."""
        ...

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def boot_id() -> str | None:
    """What tells this boot of the kernel from every other one; None where that is hidden."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip() or None
    except OSError:
        return None
