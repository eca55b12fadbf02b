"""A director as the metrics see it, and its series as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from lvsnat.daemon.metrics import Metrics
from lvsnat.health.outcome import Concern, ServiceHealth, Transition
from lvsnat.health.pace import Pace
from lvsnat.health.values import Answer
from lvsnat.model.endpoint import Endpoint, parse_listener
from lvsnat.model.health import CheckType
from lvsnat.model.mode import Mode
from lvsnat.model.service import RealServer
from lvsnat.model.status import (
    Counters,
    DirectorStatus,
    Health,
    HealthState,
    ServerStats,
    ServerStatus,
    ServiceStats,
    ServiceStatus,
    Sync,
)

ONE, TWO = map(Endpoint.parse, ("192.168.2.55:80", "192.168.2.56:80"))
SORRY = Endpoint.parse("192.168.2.99:80")
Labels = tuple[tuple[str, str], ...]


def server(endpoint: Endpoint, weight: int = 1) -> ServerStatus:
    """One that is up, or down where it has no weight."""
    real = RealServer(endpoint, weight)
    stats = ServerStats(2, 3, 1, Counters(5, 50, 40, 5000, 4000))
    checked = Health(HealthState.UP if weight else HealthState.DOWN)
    return ServerStatus(endpoint, Sync.IN_SYNC, real, real, stats, checked=checked)


def service(name: str | None = "web", listen: str = "tcp/192.168.1.50:80") -> ServiceStatus:
    return ServiceStatus(
        parse_listener(listen),
        Sync.IN_SYNC if name else Sync.UNMANAGED,
        name,
        stats=ServiceStats(Counters(10, 100, 80, 10000, 8000)),
        servers=(server(ONE), server(TWO, 0)),
    )


def status(*services: ServiceStatus) -> DirectorStatus:
    return DirectorStatus(Mode.LVS_NAT, services or (service(),))


def health(name: str = "web") -> ServiceHealth:
    listen = parse_listener("tcp/192.168.1.50:80")
    return ServiceHealth(name, listen, up=1, quorum=2, lost=True, sorry=SORRY)


def metrics(*, per_server: bool = True) -> Metrics:
    """Metrics of a director to which everything has happened that they know."""
    found = Metrics()
    found.per_server = per_server
    found.checked(CheckType.TCP, Answer(ok=True, detail="", took=0.003))
    found.checked(CheckType.AGENT, Answer(ok=True, detail="maint", maintenance=True))
    found.checked(CheckType.TCP, Answer(ok=False, detail="refused"))
    found.applied(0.2, 3)
    found.applied(0.3, 0, failed=True)
    found.reloaded(1000.0, good=True)
    down = Transition(Concern.SERVER, "web", TWO, "up", "down", "connection refused", 999.0)
    found.changed([down, replace(down, at=1001.0)])
    pace = Pace(0.25, targets=7, running=2, waiting=0, programs=0)
    found.update(status(), [health()], at=1002.5, drift=4, problems=1, pace=pace)
    return found


def scraped(port: int, host: str = "127.0.0.1") -> str:
    with urlopen(f"http://{host}:{port}/metrics", timeout=60) as answer:
        text: str = answer.read().decode()
    return text


def samples(text: str) -> Mapping[str, Mapping[Labels, float]]:
    """All series by name and labels, as Prometheus's own reader has them."""
    found: dict[str, dict[Labels, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            assert labels not in found.setdefault(sample.name, {}), "a series is told twice"
            found[sample.name][labels] = sample.value
    return found
