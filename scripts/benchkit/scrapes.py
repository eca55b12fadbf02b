"""How long a scrape of the metrics takes, and how long it keeps the daemon's loop from its work.

    python -m benchkit.scrapes      with scripts/ on PYTHONPATH; needs no kernel and no root

Made-up counters of real types; a thread that looks at the clock stands for the loop.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from ipaddress import IPv4Address
from urllib.request import urlopen

from lvsnat.daemon.exposition import Exposition
from lvsnat.daemon.metrics import Metrics
from lvsnat.health.outcome import ServiceHealth
from lvsnat.model.endpoint import AddressListener, Endpoint, Protocol
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

SERVICES, SERVERS = 2_000, 4
ROUNDS = 7
NAP = 0.001
_COUNTS = Counters(123456, 12345678, 1234567, 1234567890, 9876543210)


@dataclass(frozen=True, slots=True)
class Scrape:
    """The middle one of several, in seconds and bytes."""

    series: int
    size: int
    seconds: float
    held: float
    """The longest time that the loop did not get to run, beyond its own nap."""


def measure(*, per_server: bool) -> Scrape:
    """Scrape again and again over HTTP on loopback."""
    metrics = Metrics()
    metrics.per_server = per_server
    services = [_service(number) for number in range(SERVICES)]
    health = [ServiceHealth(str(one.name), one.listen, up=SERVERS, quorum=1) for one in services]
    metrics.update(DirectorStatus(Mode.LVS_NAT, tuple(services)), health, at=time.time())
    exposition = Exposition(Endpoint.parse("127.0.0.1:0"), metrics.registry)
    try:
        return _middle(exposition.port)
    finally:
        exposition.close()


def _middle(port: int) -> Scrape:
    found = []
    for _ in range(ROUNDS):
        loop = _Loop()
        loop.start()
        started = time.monotonic()
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
            text = answer.read()
        took = time.monotonic() - started
        held = loop.stop()
        series = sum(not line.startswith(b"#") for line in text.splitlines())
        found.append(Scrape(series, len(text), took, held))
    return sorted(found, key=lambda one: one.seconds)[ROUNDS // 2]


class _Loop(threading.Thread):
    """Naps, and notes how late it woke at worst."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._over = threading.Event()
        self._worst = 0.0

    def run(self) -> None:
        while not self._over.is_set():
            before = time.monotonic()
            time.sleep(NAP)
            self._worst = max(self._worst, time.monotonic() - before - NAP)

    def stop(self) -> float:
        self._over.set()
        self.join()
        return self._worst


def _service(number: int) -> ServiceStatus:
    vip, first = IPv4Address("10.0.0.1") + number, IPv4Address("172.16.0.1") + number * SERVERS
    servers = tuple(_server(Endpoint(first + one, 8080)) for one in range(SERVERS))
    return ServiceStatus(
        AddressListener(Protocol.TCP, Endpoint(vip, 80)),
        Sync.IN_SYNC,
        f"service-{number}",
        stats=ServiceStats(_COUNTS),
        servers=servers,
    )


def _server(endpoint: Endpoint) -> ServerStatus:
    real, stats = RealServer(endpoint), ServerStats(12, 34, 5, _COUNTS)
    up = Health(HealthState.UP)
    return ServerStatus(endpoint, Sync.IN_SYNC, real, real, stats, checked=up)


def main() -> None:
    """Measure both forms, and print a table."""
    print(f"| metrics of {SERVICES:,} x {SERVERS} | series | size | a scrape | the loop waits |")
    print("| --- | --- | --- | --- | --- |")
    for per_server in (True, False):
        one = measure(per_server=per_server)
        print(
            f"| `per_server = {str(per_server).lower()}` | {one.series:,} | {one.size / 1e6:.1f} MB"
            f" | {one.seconds:.2f} s | {one.held * 1000:.0f} ms |"
        )


if __name__ == "__main__":
    main()
