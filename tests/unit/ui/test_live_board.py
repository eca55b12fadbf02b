"""Which lines the live status has, in which order, and what they say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvsnat.model.endpoint import Endpoint, parse_listener
from lvsnat.model.mode import Mode
from lvsnat.model.override import Override, Reason
from lvsnat.model.service import RealServer, VirtualService
from lvsnat.model.status import (
    Counters,
    DirectorStatus,
    Drain,
    Health,
    HealthState,
    Rates,
    ServerStats,
    ServerStatus,
    ServiceStats,
    ServiceStatus,
    Sync,
)
from lvsnat.ui.counts import Condition, condition
from lvsnat.ui.live.board import Board, Boards, Look, Measure, Row, Sort, rows
from lvsnat.ui.live.cells import Layout, cells, sparkline, state, titles
from lvsnat.ui.live.doors import Reading

DOWN = Health(HealthState.DOWN, "connection refused", 12)
NOW = 1_800_000_000.0


def server(host: int, weight: int = 1, rate: int = 0, **more: object) -> ServerStatus:
    endpoint = Endpoint.parse(f"192.168.2.{host}:80")
    real = RealServer(endpoint, weight)
    stats = ServerStats(active=host, rates=Rates(rate, rate, rate, rate, rate))
    return replace(ServerStatus(endpoint, Sync.IN_SYNC, real, real, stats), **more)  # type: ignore[arg-type]


def service(name: str, *servers: ServerStatus, rate: int = 0) -> ServiceStatus:
    listen = parse_listener(f"tcp/192.168.1.{len(name)}:80")
    made = VirtualService(name, listen)
    stats = ServiceStats(Counters(), Rates(rate))
    return ServiceStatus(listen, Sync.IN_SYNC, name, made, made, stats, servers)


WEB = service("web", server(55, 3, rate=2), server(56, rate=9), rate=11)
MAIL = service("mail", server(60, checked=DOWN), server(61), rate=40)


def board(*services: ServiceStatus) -> Board:
    status = DirectorStatus(Mode.LVS_NAT, services)
    return Boards().of(Reading(status, 0.0, NOW))


def names(found: list[Row]) -> list[str]:
    return [
        str(row.service.name) if row.server is None else str(row.server.endpoint.address)[-2:]
        for row in found
    ]


@pytest.mark.parametrize(
    ("look", "expected"),
    [
        (Look(), ["web", "55", "56", "mail", "60", "61"]),
        (Look(turned=True), ["mail", "61", "60", "web", "56", "55"]),
        (Look(Sort.NAME), ["mail", "60", "61", "web", "55", "56"]),
        (Look(Sort.STATE), ["mail", "60", "61", "web", "55", "56"]),
        (Look(Sort.WEIGHT), ["web", "55", "56", "mail", "60", "61"]),
        (Look(Sort.HELD), ["mail", "61", "60", "web", "56", "55"]),
        (Look(Sort.CONNECTIONS), ["mail", "60", "61", "web", "56", "55"]),
        (Look(Sort.BYTES), ["web", "56", "55", "mail", "60", "61"]),
        (Look(closed=frozenset({WEB.listen})), ["web", "mail", "60", "61"]),
        (Look(filter="WEB"), ["web", "55", "56"]),
        (Look(filter="down"), ["mail", "60"]),
        (Look(filter="web 2.56"), ["web", "56"]),
        (Look(filter="refused", closed=frozenset({MAIL.listen})), ["mail", "60"]),
        (Look(filter="nobody"), []),
        (Look(filter="one-way"), []),
    ],
)
def test_the_lines_stand_as_somebody_wants_them(look: Look, expected: list[str]) -> None:
    assert names(rows(board(WEB, MAIL), look)) == expected


@given(sort=st.sampled_from(Sort), turned=st.booleans(), text=st.text(max_size=3))
def test_however_it_is_looked_at_a_server_stands_below_its_service(
    *, sort: Sort, turned: bool, text: str
) -> None:
    found = rows(board(WEB, MAIL), Look(sort, turned, text))

    assert len({row.place for row in found}) == len(found)
    above = None
    for row in found:
        above = row.service if row.server is None else above
        assert row.service is above


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (server(55), "in-sync"),
        (server(55, checked=Health(HealthState.UP)), "up"),
        (server(55, checked=DOWN), "down 12 s: connection refused"),
        (server(55, 0, override=Override(Reason.DRAINED), drain=Drain(12)), "drained, 12 left"),
        (server(55, override=Override(Reason.DRAINED), drain=Drain(0, 0)), "drained, empty"),
        (
            server(55, override=Override(Reason.DRAINED), drain=Drain(12, 90)),
            "drained, 12 left, about 1:30 min",
        ),
        (
            server(55, override=Override(Reason.DISABLED, NOW + 90), drain=Drain(3)),
            "disabled for 1:30 min, 3 left",
        ),
        (server(55, one_way=True), "one-way"),
        (server(55, one_way=True, checked=DOWN), "one-way, down 12 s: connection refused"),
        (server(55, sync=Sync.MISSING, seen=None, stats=None), "missing"),
        (server(55, sorry=True), "sorry"),
    ],
)
def test_a_server_says_how_it_is_and_why(one: ServerStatus, said: str) -> None:
    assert state(Row(service("web", one), one), NOW).text == said


@pytest.mark.parametrize(
    ("servers", "expected"),
    [
        ([server(55), server(56)], Condition.UP),
        ([server(55), server(56, 0, override=Override(Reason.DRAINED))], Condition.UP),
        ([server(55), server(56, checked=DOWN)], Condition.DEGRADED),
        ([server(55), server(56, sync=Sync.MISSING, seen=None)], Condition.DEGRADED),
        ([server(55, checked=DOWN)], Condition.DOWN),
        ([server(55, 0)], Condition.DOWN),
        ([server(55), server(56, one_way=True)], Condition.DEGRADED),
        ([server(55, one_way=True)], Condition.DOWN),
        ([], Condition.DOWN),
    ],
)
def test_a_service_is_up_degraded_or_down(servers: list[ServerStatus], expected: Condition) -> None:
    assert condition(service("web", *servers)) is expected
    without = replace(service("web", *servers), vip_missing=True)
    assert condition(without) is Condition.DOWN


@given(st.integers(1, 400))
def test_a_line_is_never_wider_than_the_terminal(width: int) -> None:
    layout, shown = Layout.of(width), board(WEB, MAIL)

    for row in rows(shown, Look()):
        line = "".join(part.text for part in layout.fitted(cells(row, shown, Look(), layout)))
        assert len(line) <= max(width, 15)
    assert "".join(part.text for part in layout.fitted(titles(Look())))


def test_80_columns_have_the_name_the_state_the_weight_and_the_rate() -> None:
    layout = Layout.of(79)

    line = "".join(part.text for part in layout.fitted(titles(Look())))

    assert line.split()[-5:] == ["STATE", "WEIGHT", "ACTIVE", "CONN/S", "HISTORY"]


@given(st.lists(st.integers(0, 10**9), max_size=40), st.integers(1, 30))
def test_a_history_line_is_as_wide_as_its_column(values: list[int], width: int) -> None:
    line = sparkline(values, width)

    assert len(line) == width
    if values and 0 < values[-1] == max(values[-width:]):
        assert line[-1] == "█"


def test_the_highest_bar_is_the_largest_and_nothing_is_no_bar() -> None:
    assert sparkline([0, 1, 4, 8], 6) == "   ▁▄█"


def test_a_click_on_a_title_finds_what_it_sorts_by() -> None:
    layout = Layout.of(200)

    assert layout.sort_at(0) is Sort.NAME
    assert layout.sort_at(199) is None


def test_a_measure_adds_both_directions() -> None:
    assert [one.of(Rates(1, 2, 3, 4, None)) for one in Measure] == [1, 5, 4]
