"""What health lays over the desired state, beside what an operator does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvsnat.haproxy.resources import ProxiedServer
from lvsnat.ipvs.resources import IpvsServer, IpvsService
from lvsnat.model.endpoint import Endpoint, parse_kernel_listener
from lvsnat.model.override import Override, Reason
from lvsnat.model.resource import Key, state_of
from lvsnat.plan.overlay import HealthOverlay, overlay

LISTEN = parse_kernel_listener("tcp/192.168.1.50:80")
SERVICE = IpvsService(LISTEN, "wlc")
FIRST, SECOND, THIRD = (
    IpvsServer(LISTEN, Endpoint.parse(f"192.168.2.{host}:80"), 3) for host in (55, 56, 57)
)
SORRY = IpvsServer(LISTEN, Endpoint.parse("192.168.2.99:80"), standby=True)
DESIRED = state_of([SERVICE, FIRST, SECOND, THIRD, SORRY])
HELD = {FIRST.seat: Override(Reason.DRAINED)}
NOW = 1000.0

seats = st.sampled_from([FIRST.seat, SECOND.seat, THIRD.seat, Key("server", "gone")])
overlays = st.builds(
    HealthOverlay,
    st.dictionaries(seats, st.sampled_from([None, 0, 1, 9])),
    st.sampled_from([frozenset(), frozenset({SORRY.seat})]),
)


def test_a_sorry_server_is_there_only_where_health_says_so() -> None:
    assert SORRY.key not in overlay(DESIRED, {}, NOW)
    assert SORRY.key not in overlay(DESIRED, HELD, NOW)
    laid = overlay(DESIRED, {}, NOW, HealthOverlay(standby=frozenset({SORRY.seat})))
    assert laid[SORRY.key] == SORRY


def test_weights_are_changed_and_servers_are_taken_out() -> None:
    laid = overlay(DESIRED, {}, NOW, HealthOverlay({FIRST.seat: 0, SECOND.seat: None}))

    assert laid[FIRST.key] == FIRST.with_weight(0)
    assert SECOND.key not in laid
    assert laid[THIRD.key] == THIRD


@given(overlays, st.sampled_from([{}, HELD]))
def test_an_override_wins_and_nothing_new_comes(
    health: HealthOverlay, held: dict[Key, Override]
) -> None:
    laid = overlay(DESIRED, held, NOW, health)

    assert list(laid) == [key for key in DESIRED if key in laid]
    assert SERVICE.key in laid
    if held:
        assert laid[FIRST.key] == FIRST.with_weight(0)
    assert overlay(laid, held, NOW, health) == laid


@pytest.mark.parametrize(
    ("weight", "wish", "asked", "told"),
    [
        (3, 3, 1, 1),
        (256, 1000, 500, 128),
        (256, 1000, 1, 1),
        (1, 10, 5, 1),
        (3, 3, 0, 0),
        (100, 100, 900, 256),
        (3, None, 2, 2),
    ],
)
def test_haproxy_gets_the_share_in_its_own_scale(
    weight: int, wish: int | None, asked: int, told: int
) -> None:
    server = ProxiedServer(LISTEN, FIRST.endpoint, weight, wish=wish)

    assert server.with_share(asked).weight == told


def test_haproxy_keeps_the_line_of_a_server_that_is_taken_out() -> None:
    server = ProxiedServer(LISTEN, FIRST.endpoint, 3, wish=3)

    laid = overlay(state_of([server]), {}, NOW, HealthOverlay({server.seat: None}))

    assert laid == state_of([server.with_weight(0)])
