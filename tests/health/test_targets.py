"""Who is asked what."""

from __future__ import annotations

from dataclasses import replace

import pytest
from healthy import NOW
from watched import FIRST, service

from lvsnat.health.targets import carried_over, dampings, targets_of, watched
from lvsnat.health.track import Track
from lvsnat.health.values import Target
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Endpoint, parse_listener
from lvsnat.model.health import CheckType, HealthCheck
from lvsnat.model.mode import Mode
from lvsnat.model.phase import Phase
from lvsnat.model.policy import HealthPolicy
from lvsnat.model.service import RealServer
from lvsnat.model.status import HealthState

TCP, AGENT = HealthCheck(), HealthCheck(CheckType.AGENT, port=9000)


@pytest.mark.parametrize(
    ("listen", "check", "port"),
    [
        ("tcp/10.0.0.1:80", TCP, 8080),
        ("tcp/10.0.0.1:80", AGENT, 9000),
        ("tcp/10.0.0.1:80", HealthCheck(CheckType.PING), 0),
        ("tcp/10.0.0.1:80", HealthCheck(CheckType.EXEC, command=("/bin/true",)), 8080),
    ],
)
def test_a_check_goes_to_its_own_port_or_the_servers(
    listen: str, check: HealthCheck, port: int
) -> None:
    web = replace(service(), listen=parse_listener(listen), check=check)
    server = RealServer(Endpoint.parse("10.1.0.1:8080"))

    (target,) = targets_of(web, server, proxied=False)

    assert target == Target(server.endpoint.address, port, check)


@pytest.mark.parametrize(
    ("listen", "port"), [("tcp/10.0.0.1:8000-8100,9000", 8000), ("fwmark/7", 0)]
)
def test_a_server_that_keeps_the_clients_port_is_asked_at_the_first(listen: str, port: int) -> None:
    web = replace(service(), listen=parse_listener(listen))

    (target,) = targets_of(web, RealServer(Endpoint.parse("10.1.0.1:0")), proxied=False)

    assert target.port == port


def test_haproxys_own_check_is_left_to_it_once_it_has_the_service_alone() -> None:
    web = replace(service(), more_checks=(AGENT,))
    config = Config(Mode.HAPROXY_TPROXY, (web,))

    (alone,), (both,) = watched(config), watched(replace(config, switching=Phase.BOTH))

    assert [target.check for target in alone.targets[0]] == [AGENT]
    assert len(both.targets[0]) == 2, "IPVS has it, too, and knows no checks"


def test_of_services_that_share_a_target_the_longest_damping_holds() -> None:
    web = replace(service(), policy=HealthPolicy(damping=60))
    other = replace(web, name="other", policy=HealthPolicy(damping=600))

    assert set(dampings(watched(Config(services=(web, other)))).values()) == {600}


DOWN = Track(HealthState.DOWN, NOW, row=1)


@pytest.mark.parametrize(
    ("after", "known"),
    [
        (TCP, True),
        (HealthCheck(interval=9, rise=9), True),
        (HealthCheck(CheckType.HTTP), True),
        (HealthCheck(port=81), False),
        (HealthCheck(CheckType.PING), False),
    ],
)
def test_an_edited_check_goes_on_with_what_was_known_of_the_place(
    after: HealthCheck, *, known: bool
) -> None:
    target = Target(FIRST.address, 80, TCP)
    wanted = Target(FIRST.address, after.port or (0 if after.type is CheckType.PING else 80), after)

    found = dict(carried_over({target: DOWN}, [wanted]))

    assert [track.state for track in found.values()] == ([HealthState.DOWN] if known else [])


def test_another_question_that_is_new_begins_without_the_answers_to_an_old_one() -> None:
    old, new = Target(FIRST.address, 80, TCP), Target(FIRST.address, 80, HealthCheck(CheckType.UDP))

    assert dict(carried_over({old: DOWN}, [old, new])) == {old: DOWN}
