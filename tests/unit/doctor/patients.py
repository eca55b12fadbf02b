"""A director as the doctor knows it, in good health, and ways to make it ill."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_interface

from lvsnat.doctor.facts import Facts, HostFacts, Opening, Sample
from lvsnat.host.placement import AssignedAddress
from lvsnat.host.rules import WANTED
from lvsnat.host.seen import Answer, RouteKind
from lvsnat.host.transparency import EXAMPLE
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Endpoint, IPAddress, parse_listener
from lvsnat.model.service import RealServer, VirtualService
from lvsnat.model.status import (
    Counters,
    DirectorStatus,
    ServerStats,
    ServerStatus,
    ServiceStatus,
    Sync,
)

FIRST, SECOND = (Endpoint.parse(f"192.168.2.{last}:8080") for last in (55, 56))
VIP = ip_address("192.168.1.50")
CLIENT = Endpoint.parse("203.0.113.10:40000")
NEIGHBOUR = Endpoint.parse("192.168.2.200:40000")
WEB = VirtualService(
    "web",
    parse_listener("tcp/192.168.1.50:80"),
    servers=(RealServer(FIRST), RealServer(SECOND)),
)
CONFIG = Config(services=(WEB,))


def address(text: str, interface: str) -> AssignedAddress:
    both = ip_interface(text)
    return AssignedAddress(interface, both.ip, both.network)


def server(endpoint: Endpoint, *, weight: int = 1, packets_out: int = 5) -> ServerStatus:
    value = RealServer(endpoint, weight)
    stats = ServerStats(totals=Counters(packets_in=9, packets_out=packets_out))
    return ServerStatus(endpoint, Sync.IN_SYNC, value, value, stats)


def held_back(endpoint: Endpoint) -> ServerStatus:
    """Its weight was set to 0, and not by lvsnat."""
    wanted = RealServer(endpoint, weight=1)
    return replace(server(endpoint, weight=0), sync=Sync.CHANGED, wanted=wanted)


def status(*servers: ServerStatus, service: VirtualService = WEB) -> DirectorStatus:
    """A status of one service."""
    mine = servers or (server(FIRST), server(SECOND))
    one = ServiceStatus(service.listen, Sync.IN_SYNC, service.name, service, service, None, mine)
    return DirectorStatus(CONFIG.mode, (one,))


def way(interface: str, gateway: str | None = None) -> Answer:
    return Answer(RouteKind.UNICAST, interface, gateway)


WAYS: dict[IPAddress, Answer] = {
    FIRST.address: way("eth1"),
    SECOND.address: way("eth1"),
    **{client: way("eth0", "192.168.1.1") for client in EXAMPLE.values()},
}
ASSIGNED = (
    address("127.0.0.1/8", "lo"),
    address("192.168.1.10/24", "eth0"),
    address("192.168.1.50/32", "eth0"),
    address("192.168.2.10/24", "eth1"),
)
HOST = HostFacts(
    kernel=(6, 12),
    settings={rule.name: rule.value for rule in WANTED} | {"net.ipv4.vs.conn_reuse_mode": "1"},
    filters={"all": "0", "eth0": "0", "eth1": "0"},
    listing=(),
    assigned=ASSIGNED,
    ways=WAYS,
)


def healthy() -> Facts:
    """Everything known, and nothing wrong."""
    now = status()
    return Facts(CONFIG, now, HOST, (Sample(0, now), Sample(3, now)))


def on(host: HostFacts) -> Facts:
    return replace(healthy(), host=host)


def setting(name: str, value: str) -> Facts:
    return on(replace(HOST, settings={**HOST.settings, name: value}))


def seen(now: DirectorStatus) -> Facts:
    return replace(healthy(), status=now, samples=(Sample(0, now), Sample(3, now)))


def waiting(*clients: Endpoint, at: Endpoint = FIRST, now: DirectorStatus | None = None) -> Facts:
    """Clients that ask again and again, and whose connections do not open."""
    known = now or status()
    opening = {Opening(client, at, "web"): 59 for client in clients}
    begun = {Opening(Endpoint(client.address, 7), at, "web"): 59 for client in clients}
    return replace(
        healthy(),
        status=known,
        samples=(Sample(0, known, opening), Sample(3, known, opening | begun)),
    )


def rising(name: str, host: HostFacts, *, by: int = 1) -> Facts:
    """One of the kernel's counters rises between the looks."""
    now = status()
    samples = (Sample(0, now, counters={name: 7}), Sample(3, now, counters={name: 7 + by}))
    return replace(healthy(), host=host, samples=samples)


def refusing(
    begun: int = 3, *, packets: int | None = None, size: int = 40, service: VirtualService = WEB
) -> Facts:
    """The first server's connections of IPv4 between the looks, and packets that came back."""
    came = begun if packets is None else packets
    looks = []
    for count in (
        Counters(9, 9, 9, 900, 900),
        Counters(9 + begun, 9, 9 + came, 900, 900 + came * size),
    ):
        first = replace(server(FIRST), stats=ServerStats(totals=count))
        looks.append(status(first, server(SECOND), service=service))
    samples = (Sample(0, looks[0]), Sample(3, looks[1]))
    return replace(healthy(), status=looks[1], samples=samples)


def given_up(*clients: Endpoint, now: DirectorStatus) -> Facts:
    """The same, and nobody has asked again meanwhile."""
    before = {Opening(client, FIRST, "web"): 59 for client in clients}
    after = dict.fromkeys(before, 56)
    return replace(healthy(), status=now, samples=(Sample(0, now, before), Sample(3, now, after)))
