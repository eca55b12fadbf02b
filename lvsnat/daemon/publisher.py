"""Writes down what the daemon knows: for itself after a restart, for every command, for systemd."""

from __future__ import annotations

import os
from typing import Final

from lvsnat.daemon.systemd import Manager
from lvsnat.daemon.telling import summary
from lvsnat.daemon.troubles import Troubles
from lvsnat.daemon.values import News
from lvsnat.director.paths import Paths
from lvsnat.errors import LvsnatError
from lvsnat.health import published
from lvsnat.health.outcome import ServiceHealth
from lvsnat.health.published import Published
from lvsnat.plan.overlay import HealthOverlay
from lvsnat.system import Clock, sweep, write_file

EVERY: Final = 5.0
"""Seconds from one publication to the next where nothing changes but the last answers."""


class Publisher:
    """Publishes news at once where they are to be acted upon, and else now and then.

    Without the lock that commands share: a trial may keep that for minutes. The file is one rename.
    """

    def __init__(self, paths: Paths, clock: Clock, manager: Manager, troubles: Troubles) -> None:
        self._path = paths.health
        self._clock = clock
        self._manager = manager
        self._troubles = troubles
        self._started = clock.now()
        self._said: tuple[tuple[str, ...], HealthOverlay | None] = ((), None)
        self.due = 0.0
        """Monotonic seconds."""
        # What a daemon that was killed had staged; no other one is at work now.
        sweep(self._path)

    def publish(
        self,
        news: News,
        elsewhere: tuple[ServiceHealth, ...],
        in_force: str | None,
        *,
        at_once: bool = False,
    ) -> None:
        """Publish, if it is due; a failure is noted and tried again.

        ``in_force`` is the configuration's text where the file's is not.
        """
        now, troubles = self._clock.monotonic(), self._troubles.lines
        saying = (troubles, news.decision.overlay)
        if now < self.due and not at_once and saying == self._said:
            return
        self.due, self._said = now + EVERY, saying
        told = Published(
            self._clock.now(),
            news.tracks,
            news.decision.memory,
            elsewhere,
            troubles,
            os.getpid(),
            self._started,
            in_force,
        )
        try:
            with self._troubles.noting("published health"):
                write_file(self._path, published.render(told))
        except LvsnatError:
            return
        self._manager.status(summary((*news.decision.services, *elsewhere)))
