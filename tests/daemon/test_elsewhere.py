"""What HAProxy says of its servers, as the daemon publishes it."""

from __future__ import annotations

from lvsnat.daemon.elsewhere import elsewhere
from lvsnat.model.carrier import Carrier
from lvsnat.model.endpoint import Endpoint, parse_listener
from lvsnat.model.mode import Mode
from lvsnat.model.service import RealServer
from lvsnat.model.status import (
    DirectorStatus,
    Health,
    HealthState,
    ServerStats,
    ServerStatus,
    ServiceStatus,
    Sync,
)

NOW = 1_800_000_000.0
LISTEN = parse_listener("tcp/192.168.1.50:80")


def server(number: int, health: Health | None) -> ServerStatus:
    endpoint = Endpoint.parse(f"192.168.2.{number}:80")
    wanted = RealServer(endpoint, weight=3)
    return ServerStatus(endpoint, Sync.IN_SYNC, wanted, wanted, ServerStats(health=health))


def status(*servers: ServerStatus, carrier: Carrier = Carrier.HAPROXY) -> DirectorStatus:
    service = ServiceStatus(LISTEN, Sync.IN_SYNC, "web", servers=servers, carriers=(carrier,))
    return DirectorStatus(Mode.HAPROXY_TPROXY, (service,))


def test_each_server_that_it_checks_has_its_word() -> None:
    down = Health(HealthState.DOWN, "L4CON in 0ms: Connection refused", 12)

    [service] = elsewhere(
        status(server(55, Health(HealthState.UP, None, 60)), server(56, down)), NOW
    )

    assert (service.name, service.up) == ("web", 1)
    up, dead = service.servers
    assert (up.state, up.weight, up.wanted, up.since) == (HealthState.UP, 3, 3, NOW - 60)
    assert (dead.state, dead.weight, dead.since) == (HealthState.DOWN, None, NOW - 12)
    assert dead.reason == "L4CON in 0ms: Connection refused"


def test_what_it_does_not_check_is_not_its_to_say() -> None:
    unchecked = Health(HealthState.UNCHECKED)

    assert elsewhere(status(server(55, unchecked), server(56, None)), NOW) == ()


def test_what_the_kernel_carries_is_not_its_to_say() -> None:
    up = Health(HealthState.UP)

    assert elsewhere(status(server(55, up), carrier=Carrier.IPVS), NOW) == ()
