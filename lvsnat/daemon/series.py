"""What is seen of a director, as the series of Prometheus. No I/O.

Series are named by the services of the configuration: their number is bounded by it, and what
somebody else made in the kernel has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from lvsnat.health.outcome import ServiceHealth
from lvsnat.health.pace import Pace
from lvsnat.model.status import (
    Counters,
    DirectorStatus,
    HealthState,
    ServerStats,
    ServerStatus,
    ServiceStatus,
    Sync,
)

Family = CounterMetricFamily | GaugeMetricFamily

_SERVING: Final = {HealthState.UP, HealthState.UNKNOWN, HealthState.UNCHECKED}


@dataclass(frozen=True, slots=True)
class Seen:
    """The last look at everything; the thread that serves reads nothing else."""

    at: float
    """Seconds since the epoch."""
    status: DirectorStatus
    health: Mapping[str, ServiceHealth] = field(default_factory=dict)
    """By the names of services."""
    transitions: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    """How many there were, by service, concern and what it became."""
    drift: int = 0
    """Resources that are not as the configuration says."""
    problems: int = 0
    """What keeps the daemon from its work, and is told in its log."""
    pace: Pace | None = None
    """How the checks keep up."""


def series(seen: Seen, *, per_server: bool) -> Iterator[Metric]:
    """Everything that was seen; ``per_server``: of each server by itself, too."""
    services = [one for one in seen.status.services if _is_ours(one)]
    yield from _director(seen)
    yield from _health(seen)
    yield from _services(services)
    if per_server:
        yield from _servers(services)


def _is_ours(service: ServiceStatus) -> bool:
    return service.name is not None and service.sync is not Sync.UNMANAGED


def _director(seen: Seen) -> Iterator[Metric]:
    mode = _gauge("mode_info", "How TCP reaches the servers.", "mode")
    mode.add_metric([str(seen.status.mode)], 1)
    yield mode
    yield GaugeMetricFamily(
        "lvsnat_last_look_timestamp_seconds", "When the kernel was looked at last.", seen.at
    )
    yield GaugeMetricFamily(
        "lvsnat_drift_resources", "Resources that are not as they should be.", seen.drift
    )
    yield GaugeMetricFamily(
        "lvsnat_problems", "What keeps the daemon from its work; its log says more.", seen.problems
    )
    if seen.pace is not None:
        yield GaugeMetricFamily(
            "lvsnat_check_targets", "Questions that are asked again and again.", seen.pace.targets
        )
        yield GaugeMetricFamily(
            "lvsnat_checks_running", "Checks that wait for an answer now.", seen.pace.running
        )
        yield GaugeMetricFamily(
            "lvsnat_check_lag_seconds", "The greatest lateness of a check of late.", seen.pace.lag
        )


def _health(seen: Seen) -> Iterator[Metric]:
    quorum = _gauge("service_quorum_servers", "So many servers must be up.", "service")
    lost = _gauge("service_quorum_lost", "Whether fewer servers are up than that.", "service")
    kept = _gauge(
        "service_fail_open", "Whether failed servers are kept: too many fail at once.", "service"
    )
    sorry = _gauge("service_sorry_active", "Whether the sorry server answers.", "service")
    for name, service in seen.health.items():
        quorum.add_metric([name], service.quorum)
        lost.add_metric([name], service.lost)
        kept.add_metric([name], service.fail_open)
        sorry.add_metric([name], service.sorry is not None)
    yield from (quorum, lost, kept, sorry)
    changes = _counter(
        "health_transitions",
        "Changes of servers, quorums, fail-open and sorry servers.",
        *("service", "concern", "to"),
    )
    for labels, number in seen.transitions.items():
        changes.add_metric(labels, number)
    yield changes


class _Traffic:
    """The families of what passes, for services and for servers alike."""

    def __init__(self, noun: str, *labels: str) -> None:
        self.current = _gauge(
            f"{noun}_current_connections", "Connections that it holds.", *labels, "state"
        )
        self.clients = _gauge(
            f"{noun}_persistent_clients", "Clients that are tied to a server.", *labels
        )
        self.connections = _counter(f"{noun}_connections", "Connections that it has had.", *labels)
        self.octets = _counter(f"{noun}_bytes", "Bytes that have passed.", *labels, "direction")
        self.packets = _counter(
            f"{noun}_packets", "Packets that have passed, as IPVS counts.", *labels, "direction"
        )

    def hold(self, labels: tuple[str, ...], servers: Iterable[ServerStats]) -> None:
        stats = list(servers)
        self.current.add_metric([*labels, "active"], sum(one.active for one in stats))
        self.current.add_metric([*labels, "inactive"], sum(one.inactive for one in stats))
        self.clients.add_metric(labels, sum(one.persistent for one in stats))

    def count(self, labels: tuple[str, ...], totals: Counters) -> None:
        self.connections.add_metric(labels, totals.connections)
        for family, direction, number in (
            (self.octets, "in", totals.bytes_in),
            (self.octets, "out", totals.bytes_out),
            (self.packets, "in", totals.packets_in),
            (self.packets, "out", totals.packets_out),
        ):
            if number is not None:
                family.add_metric([*labels, direction], number)

    def __iter__(self) -> Iterator[Metric]:
        yield from (self.current, self.clients, self.connections, self.octets, self.packets)


def _services(services: Iterable[ServiceStatus]) -> Iterator[Metric]:
    info = _gauge("service_info", "Where each service listens.", "service", "listen")
    counts = _gauge(
        "service_servers", "Servers by what their checks say of them.", "service", "state"
    )
    traffic = _Traffic("service", "service")
    for service in services:
        name = str(service.name)
        info.add_metric([name, str(service.listen)], 1)
        found = [*map(_state, _named(service))]
        for state in HealthState:
            counts.add_metric([name, str(state)], found.count(state))
        traffic.hold((name,), (one.stats for one in service.servers if one.stats is not None))
        if service.stats is not None:
            traffic.count((name,), service.stats.totals)
    yield from (info, counts, *traffic)


def _servers(services: Iterable[ServiceStatus]) -> Iterator[Metric]:
    labels = ("service", "server")
    up = _gauge("server_up", "Whether it can serve, as far as checks say.", *labels)
    weight = _gauge("server_weight", "Its share of new connections now.", *labels)
    traffic = _Traffic("server", *labels)
    for service in services:
        for server in _named(service):
            place = (str(service.name), str(server.endpoint))
            up.add_metric(place, _state(server) in _SERVING)
            weight.add_metric(place, 0 if server.seen is None else server.seen.weight)
            if server.stats is not None:
                traffic.hold(place, [server.stats])
                traffic.count(place, server.stats.totals)
    yield from (up, weight, *traffic)


def _state(server: ServerStatus) -> HealthState:
    return HealthState.UNCHECKED if server.health is None else server.health.state


def _named(service: ServiceStatus) -> Iterator[ServerStatus]:
    """The servers that the configuration has beside the sorry server."""
    return (one for one in service.servers if one.sync is not Sync.UNMANAGED and not one.sorry)


def _gauge(name: str, help_: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"lvsnat_{name}", help_, labels=labels)


def _counter(name: str, help_: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"lvsnat_{name}", help_, labels=labels)
