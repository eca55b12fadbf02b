"""Hands what happens to the metrics, where the configuration asks for them; else it forgets it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from lvsnat.health.outcome import ServiceHealth, Transition
from lvsnat.health.pace import Pace
from lvsnat.health.values import Answer, Target
from lvsnat.model.daemon import DaemonOptions
from lvsnat.model.status import DirectorStatus

if TYPE_CHECKING:
    from lvsnat.daemon.metrics import Metrics


class Meter:
    """The metrics of a daemon. The library for them is loaded when they are first asked for."""

    def __init__(self) -> None:
        self._metrics: Metrics | None = None

    @property
    def on(self) -> bool:
        """Whether anybody can ask."""
        return self._metrics is not None

    def configure(self, options: DaemonOptions) -> None:
        """Serve as a configuration says; LvsnatError where its place is taken."""
        if options.metrics is None and self._metrics is None:
            return
        if self._metrics is None:
            from lvsnat.daemon.metrics import Metrics

            self._metrics = Metrics()
        self._metrics.per_server = options.per_server
        self._metrics.serve(options.metrics)
        if options.metrics is None:
            self._metrics = None

    def checked(self, target: Target, answer: Answer) -> None:
        """Count an answer; called by the thread of the checks."""
        if (metrics := self._metrics) is not None:
            metrics.checked(target.check.type, answer)

    def changed(self, transitions: Iterable[Transition]) -> None:
        if self._metrics is not None:
            self._metrics.changed(transitions)

    def applied(self, seconds: float, changes: int, *, failed: bool = False) -> None:
        """Count a plan; one that had nothing in it is none."""
        if self._metrics is not None and (changes or failed):
            self._metrics.applied(seconds, changes, failed=failed)

    def reloaded(self, at: float, *, good: bool) -> None:
        if self._metrics is not None:
            self._metrics.reloaded(at, good=good)

    def show(
        self,
        status: DirectorStatus,
        health: Sequence[ServiceHealth],
        *,
        at: float,
        drift: int,
        problems: int,
        pace: Pace | None,
    ) -> None:
        """Hand over one look at everything."""
        if self._metrics is not None:
            self._metrics.update(status, health, at=at, drift=drift, problems=problems, pace=pace)
