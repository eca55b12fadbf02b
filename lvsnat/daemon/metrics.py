"""Numbers for Prometheus: counted by the daemon's loop, served by a thread of their own.

The loop never waits for who asks: it hands over one value, and the thread reads the last one.
Series and their labels: docs/how-to/metrics-and-alerts.md.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from threading import Lock

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from lvsnat.daemon.exposition import Exposition
from lvsnat.daemon.series import Seen, series
from lvsnat.health.outcome import ServiceHealth, Transition
from lvsnat.health.pace import Pace
from lvsnat.health.values import Answer
from lvsnat.model.endpoint import Endpoint
from lvsnat.model.health import CheckType
from lvsnat.model.status import DirectorStatus

_ANSWERS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
"""Seconds: a check on the same network takes a millisecond, a hung one its timeout."""
_APPLIES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics(Collector):
    """What the daemon does and what it sees. Nothing is counted before it has happened."""

    def __init__(self) -> None:
        # Else each counter has a second series, which no rule and no panel asks for.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.per_server = True
        """Whether each server has series of its own."""
        self._seen: Seen | None = None
        self._transitions: Tally[tuple[str, str, str]] = Tally()
        self._counting = Lock()
        self._exposition: Exposition | None = None
        known = self.registry
        Info("lvsnat_build", "What runs.", registry=known).info({"version": version("lvsnat")})
        self._checks = Counter(
            "lvsnat_checks", "Checks that the daemon has made.", ["type", "result"], registry=known
        )
        self._answers = Histogram(
            "lvsnat_check_duration_seconds",
            "From the question to the answer, or to the timeout.",
            ["type"],
            buckets=_ANSWERS,
            registry=known,
        )
        self._applies = Histogram(
            "lvsnat_apply_duration_seconds",
            "To carry out a plan.",
            buckets=_APPLIES,
            registry=known,
        )
        self._failures = Counter(
            "lvsnat_apply_failures", "Plans that could not be carried out.", registry=known
        )
        self._changes = Counter("lvsnat_changes", "Changes that were carried out.", registry=known)
        self._good = Gauge(
            "lvsnat_config_last_reload_successful",
            "Whether the configuration could be read when it was read last.",
            registry=known,
        )
        self._good_at = Gauge(
            "lvsnat_config_last_reload_success_timestamp_seconds",
            "When a configuration that could be read was read last.",
            registry=known,
        )
        ProcessCollector(registry=self.registry)
        self.registry.register(self)

    def update(
        self,
        status: DirectorStatus,
        health: Sequence[ServiceHealth],
        *,
        at: float,
        drift: int = 0,
        problems: int = 0,
        pace: Pace | None = None,
    ) -> None:
        """Hand over the last look: ``at`` in seconds since the epoch, ``drift`` in resources."""
        names = {service.name for service in status.services}
        with self._counting:
            gone = [labels for labels in self._transitions if labels[0] not in names]
            for labels in gone:  # otherwise a service that comes and goes would leave series behind
                del self._transitions[labels]
            transitions = dict(self._transitions)
        by_name = {service.name: service for service in health}
        self._seen = Seen(at, status, by_name, transitions, drift, problems, pace)

    def changed(self, transitions: Iterable[Transition]) -> None:
        """Count what is another way than it was."""
        with self._counting:
            for one in transitions:
                self._transitions[one.service, str(one.concern), one.after] += 1

    def checked(self, kind: CheckType, answer: Answer) -> None:
        """Count an answer."""
        result = "maintenance" if answer.maintenance else "success" if answer.ok else "failure"
        self._checks.labels(str(kind), result).inc()
        self._answers.labels(str(kind)).observe(answer.took)

    def applied(self, seconds: float, changes: int, *, failed: bool = False) -> None:
        """Count a plan that was carried out, or was not."""
        self._applies.observe(seconds)
        self._changes.inc(changes)
        if failed:
            self._failures.inc()

    def reloaded(self, at: float, *, good: bool) -> None:
        """Say whether the configuration could be read, at so many seconds since the epoch."""
        self._good.set(good)
        if good:
            self._good_at.set(at)

    def serve(self, place: Endpoint | None) -> None:
        """Answer at this place and nowhere else; LvsnatError where that cannot be."""
        if self._exposition is not None:
            if self._exposition.place == place:
                return
            self._exposition.close()
            self._exposition = None
        if place is not None:
            self._exposition = Exposition(place, self.registry)

    def collect(self) -> Iterator[Metric]:
        """The series of the last look; called by the thread that serves."""
        seen = self._seen
        if seen is not None:
            yield from series(seen, per_server=self.per_server)
