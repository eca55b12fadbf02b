"""What the two threads of the daemon hand to each other. Values only."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from lvsnat.health.outcome import Decision, Transition
from lvsnat.health.pace import Pace
from lvsnat.health.track import Track
from lvsnat.health.values import Target
from lvsnat.model.config import Config
from lvsnat.plan.overlay import Overrides


@dataclass(frozen=True, slots=True)
class Order:
    """What the checks are made for."""

    config: Config
    """In the phase that this host is in."""
    overrides: Overrides


@dataclass(frozen=True, slots=True)
class News:
    """What the checks have come to."""

    order: Order
    """What they were made for."""
    decision: Decision
    tracks: Mapping[Target, Track]
    """A copy: it stays as it is."""
    pace: Pace | None = None
    """How the engine did lately."""


@dataclass(frozen=True, slots=True)
class Told:
    """All that was put into a mailbox since it was emptied."""

    news: News | None = None
    transitions: tuple[Transition, ...] = ()
    reload: bool = False
    stop: bool = False


@dataclass(slots=True)
class Mailbox:
    """Holds the newest news, and every transition, until they are taken. For two threads."""

    _news: News | None = None
    _transitions: list[Transition] = field(default_factory=list)
    _reload: bool = False
    _stop: bool = False
    _filled: threading.Condition = field(default_factory=threading.Condition)

    def put(self, news: News, transitions: Iterable[Transition] = ()) -> None:
        with self._filled:
            self._news = news
            self._transitions += transitions
            self._filled.notify()

    def reload(self) -> None:
        """Ask for a look at the configuration now."""
        with self._filled:
            self._reload = True
            self._filled.notify()

    def stop(self) -> None:
        with self._filled:
            self._stop = True
            self._filled.notify()

    def take(self, patience: float) -> Told:
        """Empty it, having waited at most so many seconds for something to be in it."""
        with self._filled:
            self._filled.wait_for(self._has_something, patience)
            told = Told(self._news, tuple(self._transitions), self._reload, self._stop)
            self._news, self._reload = None, False
            self._transitions.clear()
            return told

    def _has_something(self) -> bool:
        return self._news is not None or self._reload or self._stop


TOGETHER: Final = 0.02
"""Seconds for which what changes is gathered, so that servers that die together are one change."""
