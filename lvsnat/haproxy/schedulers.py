"""IPVS's schedulers in HAProxy's words, and the weights and ranks that go with them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lvsnat.model.endpoint import Endpoint
from lvsnat.model.service import RealServer, Scheduler, SchedulerFlag, VirtualService

MAX_WEIGHT: Final = 256
"""HAProxy's own limit."""

_LINES: Final[Mapping[Scheduler, tuple[str, ...]]] = {
    Scheduler.RR: ("balance roundrobin",),
    Scheduler.WRR: ("balance roundrobin",),
    Scheduler.LC: ("balance leastconn",),
    Scheduler.WLC: ("balance leastconn",),
    Scheduler.SED: ("balance leastconn",),
    Scheduler.NQ: ("balance leastconn",),
    Scheduler.SH: ("balance source", "hash-type map-based"),
    Scheduler.MH: ("balance source", "hash-type consistent"),
    Scheduler.DH: ("balance hash dst", "hash-type consistent"),
    Scheduler.LBLC: ("balance hash dst", "hash-type consistent", "hash-balance-factor 150"),
    Scheduler.LBLCR: ("balance hash dst", "hash-type consistent", "hash-balance-factor 150"),
    Scheduler.FO: ("balance roundrobin",),
    Scheduler.OVF: ("balance first",),
    Scheduler.TWOS: ("balance random(2)",),
}
_UNWEIGHTED = frozenset({Scheduler.RR, Scheduler.LC, Scheduler.DH, Scheduler.FO, Scheduler.OVF})
"""IPVS's rr, lc and dh know no weight but 0; in fo and ovf a weight is a rank."""
_RANKED = frozenset({Scheduler.FO, Scheduler.OVF})
_PORT_FLAGS = frozenset({SchedulerFlag.SH_PORT, SchedulerFlag.MH_PORT})


def hashes_port(service: VirtualService) -> bool:
    """Whether the client's port is part of what chooses the server."""
    return bool(service.flags & _PORT_FLAGS)


def balance_lines(service: VirtualService) -> tuple[str, ...]:
    """How a backend chooses."""
    lines = _LINES[service.scheduler]
    # A backend does not know the client's port any more, so the frontend keeps it.
    return ("balance hash src,concat(:,sess.sp)", *lines[1:]) if hashes_port(service) else lines


def listening_lines(service: VirtualService) -> tuple[str, ...]:
    """What the choice asks of the frontend."""
    if hashes_port(service):
        return ("tcp-request connection set-var(sess.sp) src_port",)
    return ()


def weights(service: VirtualService) -> Mapping[Endpoint, int]:
    """What HAProxy is told: at most 256, in the same proportions; 0 takes nothing new."""
    servers = service.servers
    if service.scheduler in _UNWEIGHTED:
        return {server.endpoint: min(server.weight, 1) for server in servers}
    largest = max((server.weight for server in servers), default=0)
    return {server.endpoint: _scaled(server.weight, largest) for server in servers}


def is_scaled(service: VirtualService) -> bool:
    return service.scheduler not in _UNWEIGHTED and any(
        server.weight > MAX_WEIGHT for server in service.servers
    )


def _scaled(weight: int, largest: int) -> int:
    if largest <= MAX_WEIGHT or weight == 0:
        return weight
    return max(1, round(weight * MAX_WEIGHT / largest))


def ranks(service: VirtualService) -> Mapping[Endpoint, int]:
    """The order in which servers are asked, from 1, where the weight means an order."""
    if service.scheduler not in _RANKED:
        return {}
    best_first = sorted(service.servers, key=lambda server: -server.weight)
    return {server.endpoint: rank for rank, server in enumerate(best_first, start=1)}


def server_words(service: VirtualService, server: RealServer) -> tuple[str, ...]:
    """What the scheduler and the thresholds add to a server's line."""
    words: tuple[str, ...] = ()
    rank = ranks(service).get(server.endpoint)
    limits = [server.upper] if server.upper else []
    if service.scheduler is Scheduler.OVF and server.weight:
        limits.append(server.weight)
    if limits:
        words += ("maxconn", str(min(limits)))
    if rank is not None:
        words += ("id", str(rank))
    if rank is not None and rank > 1 and service.scheduler is Scheduler.FO:
        words += ("backup",)
    return words
