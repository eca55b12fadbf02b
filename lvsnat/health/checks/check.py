"""What the engine knows of every check. What is asked, and how, is in the module of its type."""

from __future__ import annotations

import select

from lvsnat.health.values import Answer, Target
from lvsnat.spawn import Child

IDLE = -1.0
"""When nothing is due: no time of a clock that only counts up."""


class Check:
    """One target's question, asked again and again with the same object.

    ``start`` begins to ask. It and ``resume`` return the answer once they have it; until then
    ``descriptor`` is to be waited for, for ``events`` (epoll(7)). Both may raise OSError, which is
    an answer, too. Times are seconds of the engine's clock.
    """

    __slots__ = ("began", "deadline", "descriptor", "due", "events", "quick", "running", "target")
    program = False
    """Whether it runs a program, and so counts as one of these instead of as a socket."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.due = self.deadline = IDLE
        self.began = 0.0
        self.running = False
        self.descriptor = -1
        self.events = select.EPOLLIN
        self.quick = False
        """Whether to look once more before waiting: the last answer was there as soon."""

    def start(self, now: float) -> Answer | None:
        raise NotImplementedError

    def resume(self, now: float) -> Answer | None:
        raise NotImplementedError

    def expired(self, now: float) -> Answer:
        """What it means that there was no answer in time."""
        return Answer(ok=False, detail=self.silence("no answer"), took=now - self.began)

    def stop(self) -> None:
        """Close what is open; there may be nothing."""
        raise NotImplementedError

    def remains(self) -> Child | None:
        """A program that was killed and has not ended yet; it is the caller's from now on."""
        return None

    def silence(self, what: str) -> str:
        return f"{what} within {self.target.check.timeout:g} s"
