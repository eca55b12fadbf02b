"""The kernel's counters of services and servers: observations, never compared. No I/O here."""

from __future__ import annotations

from lvsnat.ipvs.codec import ServerEntry, ServiceEntry
from lvsnat.ipvs.wire import AttributeReader
from lvsnat.model.status import Counters, Rates, ServerStats, ServiceStats

# Both forms have the same kinds in the same order: five totals, then five rates. Their lengths
# differ, and the reader goes by the length.
_READER = AttributeReader(tuple(range(1, 11)))


def service_stats(entry: ServiceEntry) -> ServiceStats:
    return ServiceStats(*_totals_and_rates(entry.stats64, entry.stats))


def server_stats(entry: ServerEntry) -> ServerStats:
    return ServerStats(
        entry.active,
        entry.inactive,
        entry.persistent,
        *_totals_and_rates(entry.stats64, entry.stats),
    )


def _totals_and_rates(stats64: bytes | None, stats: bytes | None) -> tuple[Counters, Rates]:
    """The 64-bit form, which kernels have since 4.1; before that the one that overflows."""
    body = stats64 or stats
    if body is None:
        return Counters(), Rates()
    numbers = [number or 0 for number in _READER.read(body, 0, len(body))]
    return Counters(*numbers[:5]), Rates(*numbers[5:])
