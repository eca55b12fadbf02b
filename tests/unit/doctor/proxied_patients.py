"""A director in haproxy-tproxy as the doctor knows it, in good health, and ways to make it ill."""

from __future__ import annotations

from dataclasses import replace

from unit.doctor.patients import (
    CLIENT,
    CONFIG,
    FIRST,
    HOST,
    SECOND,
    VIP,
    healthy,
    server,
    status,
    way,
)

from lvsnat.doctor.facts import Facts, Opening, Sample
from lvsnat.doctor.proxyfacts import Load, ProxyFacts, Serving
from lvsnat.host.returns import Return
from lvsnat.host.seen import Answer, RouteKind, SeenRoute, SeenRule
from lvsnat.model.carrier import Carrier
from lvsnat.model.endpoint import Endpoint, Family
from lvsnat.model.mode import Mode
from lvsnat.model.status import (
    Counters,
    DirectorStatus,
    HostStatus,
    ServerStats,
    ServerStatus,
    Sync,
)

V4 = Family.IPV4
WEB_PLACE = Endpoint(VIP, 80)
PROXIED = replace(CONFIG, mode=Mode.HAPROXY_TPROXY)
OURS = SeenRule(V4, 100, 1, 1, 233)
MAIN = SeenRule(V4, 32766, table=254)
SERVING = Serving(4711, limit=20_000)
HEALTHY = ProxyFacts(
    processes=frozenset({4710, 4711}),
    serving=SERVING,
    runtime="/run/lvsnat/haproxy/runtime.sock",
    heard=frozenset({WEB_PLACE}),
    loads={"web": Load(3, 20_000)},
    ports={(CLIENT.address, FIRST): 12},
    room=22_528,
    rules={V4: (SeenRule(V4, 0, table=255), OURS, MAIN)},
    routes={(V4, 233): (SeenRoute(V4, 233, "default", RouteKind.LOCAL, "lo"),)},
    returns=(Return(FIRST.address, "eth1", Answer(RouteKind.LOCAL, "lo")),),
)
FORWARDED = (Return(FIRST.address, "eth1", way("eth0", "192.168.1.1")),)
DIVERT = {"divert": "socket wildcard 1 return; socket transparent 1 mark"}


def thing(what: str, sync: Sync, seen: dict[str, str] | None = None) -> HostStatus:
    return HostStatus(what, sync, DIVERT if what.startswith("nft") else {}, seen)


TABLE = thing("nft table inet lvsnat", Sync.IN_SYNC, DIVERT)
ROUTE = thing("local route ipv4 default dev lo table 233", Sync.IN_SYNC)
RULE = thing("routing rule ipv4 100: fwmark 0x1/0x1 lookup 233", Sync.IN_SYNC)


def proxied(*servers: ServerStatus, host: tuple[HostStatus, ...] = ()) -> DirectorStatus:
    """A status of one service that HAProxy has."""
    now = status(*(servers or (carried(FIRST), carried(SECOND))))
    services = tuple(replace(one, carriers=(Carrier.HAPROXY,)) for one in now.services)
    return replace(
        now, mode=Mode.HAPROXY_TPROXY, services=services, host=host or (ROUTE, RULE, TABLE)
    )


def carried(endpoint: Endpoint, *, came: int = 5) -> ServerStatus:
    """A server with what HAProxy counts: no packets."""
    stats = ServerStats(totals=Counters(1, None, None, 9, came))
    return replace(server(endpoint), stats=stats)


def transparent(
    proxy: ProxyFacts = HEALTHY, now: DirectorStatus | None = None, *clients: Endpoint
) -> Facts:
    """HAProxy as given, and the rest in good health; ``clients`` wait for the first server."""
    known = now or proxied()
    opening = {Opening(Endpoint(client.address, 0), FIRST): None for client in clients}
    return replace(
        healthy(),
        config=PROXIED,
        status=known,
        host=HOST,
        proxy=proxy,
        samples=(Sample(0, known, opening), Sample(3, known, opening)),
    )
