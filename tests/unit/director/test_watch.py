"""What several looks at a director tell: servers that are one-way, and when a drain ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvsnat.director.watch import Looks, time_left
from lvsnat.model.connection import TableState
from lvsnat.model.endpoint import Endpoint, parse_listener
from lvsnat.model.mode import Mode
from lvsnat.model.override import Override, Reason
from lvsnat.model.service import RealServer
from lvsnat.model.status import (
    Counters,
    DirectorStatus,
    Drain,
    Health,
    HealthState,
    Rates,
    ServerStats,
    ServerStatus,
    ServiceStatus,
    Sync,
)

FIRST, SECOND = Endpoint.parse("192.168.2.55:80"), Endpoint.parse("192.168.2.56:80")
WEB, LOGS, MARK = "tcp/192.168.1.50:80", "udp/192.168.1.50:514", "fwmark/7"
PACKETS = (7, 7)
"""Of a server that answers."""


def server(endpoint: Endpoint, came: tuple[int, int], **more: object) -> ServerStatus:
    """A server of the kernel's that so many packets went to and came from."""
    stats = ServerStats(totals=Counters(0, *came, 0, 0))
    real = RealServer(endpoint)
    return replace(ServerStatus(endpoint, Sync.IN_SYNC, real, real, stats), **more)  # type: ignore[arg-type]


def proxied(active: int, came: int) -> ServerStatus:
    """A server of HAProxy's that so many bytes came from."""
    totals = Counters(active, None, None, 0, came)
    return server(FIRST, PACKETS, stats=ServerStats(active=active, totals=totals))


def status(*servers: ServerStatus, listen: str = WEB, estimating: bool = True) -> DirectorStatus:
    service = ServiceStatus(parse_listener(listen), Sync.IN_SYNC, "web", servers=servers)
    return DirectorStatus(Mode.LVS_NAT, (service,), table=TableState(estimating=estimating))


class Director:
    """Hands out one status after the other."""

    def __init__(self) -> None:
        self.looks = Looks()
        self.asked = 0
        self.waits: Mapping[Endpoint, int] = {}

    def waiting(self) -> Mapping[Endpoint, int]:
        self.asked += 1
        return self.waits

    def see(self, seen: DirectorStatus, at: float = 0.0) -> list[bool]:
        """Which of its servers are one-way."""
        told = self.looks.of(seen, at, self.waiting)
        return [one.one_way for one in told.services[0].servers]


@pytest.mark.parametrize(
    ("one", "waiting", "expected"),
    [
        ((5, 0), 2, True),
        ((5, 0), 0, False),  # just begun, or nobody waits for long
        ((500, 0), 0, True),
        ((5, 1), 2, False),  # a flood of SYNs that nobody goes on with
        ((0, 0), 0, False),
    ],
)
def test_one_look_tells_of_a_server_that_has_never_answered(
    one: tuple[int, int],
    waiting: int,
    expected: bool,  # noqa: FBT001
) -> None:
    director = Director()
    director.waits = {FIRST: waiting}

    assert director.see(status(server(FIRST, one), server(SECOND, PACKETS))) == [expected, False]


def test_one_look_tells_of_a_server_that_answers_no_more() -> None:
    rates = Rates(1, 3, 0)
    broken = server(FIRST, PACKETS)
    assert broken.stats is not None
    broken = replace(broken, stats=replace(broken.stats, rates=rates))
    director = Director()
    director.waits = {FIRST: 1}

    assert director.see(status(broken)) == [True]


def test_the_table_is_read_once_and_only_where_the_counters_leave_a_doubt() -> None:
    director = Director()

    director.see(status(server(FIRST, PACKETS), server(SECOND, (0, 0))))
    assert director.asked == 0
    director.see(status(server(FIRST, (1, 0)), server(SECOND, (1, 0)), listen=LOGS))
    assert director.asked == 0

    Director.see(other := Director(), status(server(FIRST, (1, 0)), server(SECOND, (1, 0))))
    assert other.asked == 1


def seen_over_time(
    *packets: tuple[int, int], listen: str = WEB, beat: float = 2.0, other: int = 0
) -> list[bool]:
    """Whether a server is one-way at each look; the other one has sent so many packets."""
    director = Director()
    return [
        director.see(
            status(server(FIRST, one), server(SECOND, (other, other)), listen=listen), at * beat
        )[0]
        for at, one in enumerate(packets)
    ]


def test_packets_in_and_none_out_over_time() -> None:
    broken = [(10, 10), (12, 10), (13, 10), (15, 10), (15, 10), (19, 11), (20, 11)]

    assert seen_over_time(*broken) == [False, False, False, True, True, False, False]


def test_the_last_packets_of_clients_need_no_answer() -> None:
    # An ACK, and later a RST.
    assert not any(seen_over_time((10, 10), (12, 10), (12, 10), (13, 10), (13, 10), (13, 10)))


def test_what_lies_within_one_beat_of_the_kernel_means_nothing() -> None:
    assert not any(seen_over_time((10, 10), (12, 10), (13, 10), (15, 10), beat=0.5))


def test_nobody_who_asks_for_a_minute_is_forgotten() -> None:
    director = Director()
    director.waits = {FIRST: 1}

    seen = [director.see(status(server(FIRST, (3, 0))), at)[0] for at in range(0, 80, 10)]

    assert seen == [True] * 7 + [False]


def test_looks_that_are_far_apart_tell_as_well() -> None:
    broken = [(10, 10), (20, 10), (30, 10), (40, 10)]

    assert seen_over_time(*broken, beat=300) == [False, False, False, True]


def test_counters_that_begin_anew_are_a_first_look() -> None:
    assert not any(seen_over_time((90, 90), (95, 90), (99, 90), (2, 0), (3, 0), (3, 2)))


@pytest.mark.parametrize("listen", [LOGS, MARK])
def test_a_server_of_logs_never_answers_and_one_of_names_does(listen: str) -> None:
    logs = [(100, 0), (200, 0), (300, 0), (400, 0), (500, 0)]

    assert not any(seen_over_time(*logs, listen=listen))
    assert seen_over_time(*logs, listen=listen, other=9)[-1]


def test_a_few_datagrams_may_stay_unanswered() -> None:
    # Somebody holds a tunnel open, and has nothing to say.
    alive = [(10 + number, 9) for number in range(20)]

    assert not any(seen_over_time(*alive, listen=LOGS, beat=25, other=9))


@pytest.mark.parametrize("state", [HealthState.DOWN, HealthState.MAINTENANCE])
def test_of_a_server_that_is_down_the_reason_is_known(state: HealthState) -> None:
    director = Director()
    director.waits = {FIRST: 1}

    assert director.see(status(server(FIRST, (5, 0), checked=Health(state)))) == [False]


def test_counters_that_stand_still_say_nothing() -> None:
    director = Director()
    director.waits = {FIRST: 1}

    assert director.see(status(server(FIRST, (5, 0)), estimating=False)) == [False]


def test_of_haproxy_one_look_tells_with_bytes() -> None:
    director = Director()
    director.waits = {FIRST: 1}

    assert director.see(status(proxied(2, 0))) == [True]
    assert director.see(status(proxied(2, 90)), 1) == [False]
    assert director.see(status(proxied(0, 90)), 2) == [False]


def test_of_haproxy_connections_that_wait_at_several_looks_tell() -> None:
    director = Director()
    director.waits = {FIRST: 1}

    seen = [director.see(status(proxied(2, 90)), at)[0] for at in range(7)]

    assert seen == [False, False, False, False, False, True, True]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3)), min_size=1, max_size=30))
def test_a_server_that_answers_at_each_look_is_never_one_way(
    steps: list[tuple[int, int]],
) -> None:
    packets, sent, came = [], 0, 0
    for more, back in steps:
        sent, came = sent + more, came + back
        packets.append((sent, came))

    assert not any(seen_over_time(*packets))


DRAINED = Override(Reason.DRAINED)


def drained(left: int) -> DirectorStatus:
    stats = ServerStats(active=left)
    return status(server(FIRST, PACKETS, stats=stats, override=DRAINED))


def test_a_drain_tells_what_is_left_and_then_how_long_it_takes() -> None:
    looks = Looks()
    seen = [
        looks.of(drained(left), 5.0 * at, dict).services[0].servers[0].drain
        for at, left in enumerate((12, 12, 9, 0))
    ]

    assert seen == [Drain(12), Drain(12), Drain(9, 30), Drain(0, 0)]


def test_a_server_that_nobody_drains_has_no_drain() -> None:
    looks = Looks()

    told = looks.of(status(server(FIRST, PACKETS)), 0.0, dict)

    assert told.services[0].servers[0].drain is None


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ((), None),
        (((0.0, 3),), None),
        (((0.0, 3), (1.0, 2)), None),
        (((0.0, 3), (10.0, 3)), None),
        (((0.0, 3), (10.0, 5)), None),
        (((0.0, 10), (10.0, 5)), 10),
        (((0.0, 0), (10.0, 10), (20.0, 5)), 10),
        (((0.0, 3), (1.0, 0)), 0),
    ],
)
def test_the_time_that_is_left_is_told_where_it_shows(
    held: tuple[tuple[float, int], ...], expected: int | None
) -> None:
    assert time_left(held) == expected
