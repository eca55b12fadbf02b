from __future__ import annotations

from struct import pack

from lvsnat.ipvs import wire
from lvsnat.ipvs.codec import ServerEntry, ServiceEntry
from lvsnat.ipvs.counters import server_stats, service_stats
from lvsnat.ipvs.resources import IpvsServer, IpvsService
from lvsnat.model.endpoint import Endpoint, parse_kernel_listener
from lvsnat.model.status import Counters, Rates, ServerStats, ServiceStats

LISTEN = parse_kernel_listener("tcp/192.168.1.50:80")
SERVICE = IpvsService(LISTEN, "rr")
SERVER = IpvsServer(LISTEN, Endpoint.parse("192.168.2.55:80"))

BIG = 2**40
STATS64 = b"".join(wire.raw(kind, pack("=Q", BIG + kind)) for kind in range(1, 11))
STATS = b"".join(
    wire.raw(kind, pack("=Q" if kind in (4, 5) else "=I", kind)) for kind in range(1, 11)
)


def test_the_64_bit_counters_are_preferred() -> None:
    stats = service_stats(ServiceEntry(SERVICE, STATS64, STATS))

    assert stats == ServiceStats(
        Counters(BIG + 1, BIG + 2, BIG + 3, BIG + 4, BIG + 5),
        Rates(BIG + 6, BIG + 7, BIG + 8, BIG + 9, BIG + 10),
    )


def test_an_old_kernel_has_only_the_short_ones() -> None:
    stats = server_stats(ServerEntry(SERVER, 11, 12, 13, None, STATS))

    assert stats == ServerStats(11, 12, 13, Counters(1, 2, 3, 4, 5), Rates(6, 7, 8, 9, 10))


def test_no_counters_at_all_is_nothing_carried() -> None:
    assert service_stats(ServiceEntry(SERVICE, None, None)) == ServiceStats()
