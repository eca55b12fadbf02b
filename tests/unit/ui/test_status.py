"""The state of a director on wide and narrow terminals."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.ui.drawing import drawn

from lvsnat.model.carrier import Carrier
from lvsnat.model.connection import TableState
from lvsnat.model.endpoint import Endpoint, parse_listener
from lvsnat.model.mode import Mode
from lvsnat.model.override import Override, Reason
from lvsnat.model.phase import Phase
from lvsnat.model.service import Persistence, RealServer, Scheduler, VirtualService
from lvsnat.model.status import (
    Counters,
    DirectorStatus,
    Drain,
    Health,
    HealthState,
    HostStatus,
    Rates,
    ServerStats,
    ServerStatus,
    ServiceStats,
    ServiceStatus,
    Sync,
)
from lvsnat.ui.jsonout import status_document
from lvsnat.ui.status import status_view, summary_line
from lvsnat.ui.summary import Items

VIP = parse_listener("tcp/192.168.1.50:80")
FIRST, SECOND = Endpoint.parse("192.168.2.55:80"), Endpoint.parse("192.168.2.56:80")
WEB = VirtualService("web", VIP, Scheduler.WRR)
TOTALS = Counters(12345, 0, 0, 1_200_000, 34_000_000)
RATES = Rates(12, 0, 0, 5000, 90_000)
STATUS = DirectorStatus(
    Mode.LVS_NAT,
    (
        ServiceStatus(
            VIP,
            Sync.IN_SYNC,
            "web",
            WEB,
            WEB,
            ServiceStats(TOTALS, RATES),
            (
                ServerStatus(
                    FIRST,
                    Sync.CHANGED,
                    RealServer(FIRST, 3),
                    RealServer(FIRST, 9),
                    ServerStats(5, 3, 0, TOTALS, RATES),
                ),
                ServerStatus(SECOND, Sync.MISSING, RealServer(SECOND)),
            ),
        ),
        ServiceStatus(parse_listener("udp/10.0.0.1:53"), Sync.UNMANAGED, stats=ServiceStats()),
    ),
    (
        HostStatus("address 192.168.1.50", Sync.IN_SYNC, {"on": "eth0"}, {"on": "eth0"}),
        HostStatus("sysctl net.ipv4.ip_forward", Sync.CHANGED, {"value": "1"}, {"value": "0"}),
        HostStatus("address 192.168.1.51", Sync.MISSING, {"on": "eth0"}),
    ),
)
HOST = """\

host: 1 setting in-sync
host: sysctl net.ipv4.ip_forward: changed  value 0 → 1
host: address 192.168.1.51: missing
"""


@pytest.mark.parametrize("width", [30, 60, 75, 76, 80, 200])
def test_a_summary_breaks_between_its_items(width: int) -> None:
    whole = summary_line(STATUS)
    lines = drawn(Items(whole), width=width).splitlines()

    assert " ".join(lines) == whole.plain
    assert all(line.endswith((",", ";")) for line in lines[:-1])
    assert all(len(line) <= width for line in lines)


def test_80_columns_keep_what_is_most_asked_for() -> None:
    assert drawn(*status_view(STATUS), width=80) == (
        "lvs-nat, 4 differences: 2 services, 2 servers, 8 connections (5 active),\n"
        "1 unmanaged\n"
        "services: 0 up, 1 degraded, 1 down; 12 connections/s, 5.0 kB/s in, 90 kB/s out\n"
        "host 2 to put right; return path unknown (no replies yet)\n"
        "\n"
        "SERVICE / SERVER         STATE      WEIGHT  ACTIVE  INACTIVE  CONN/S    IN/S\n"
        "web tcp/192.168.1.50:80  in-sync       wrr       5         3      12  5.0 kB\n"
        "  192.168.2.55:80        changed       9→3       5         3      12  5.0 kB\n"
        "  192.168.2.56:80        missing         1       -         -       -       -\n"
        "udp/10.0.0.1:53          unmanaged       -       0         0       0       0\n" + HOST
    )


def test_40_columns_keep_names_and_states_on_one_line() -> None:
    table = drawn(*status_view(STATUS), width=40).split("\n\n")[1]

    assert table.splitlines() == [
        "SERVICE / SERVER   STATE      WEIGHT",
        "web                in-sync       wrr",
        "  192.168.2.55:80  changed       9→3",
        "  192.168.2.56:80  missing         1",
        "udp/10.0.0.1:53    unmanaged       -",
    ]


def test_a_wide_terminal_has_every_column() -> None:
    table = drawn(*status_view(STATUS), width=200).split("\n\n")[1]

    assert table.splitlines()[0].split() == [
        "SERVICE", "/", "SERVER", "STATE", "WEIGHT", "ACTIVE", "INACTIVE",
        "CONN/S", "PACKETS/S", "IN/S", "OUT/S", "CONNS", "PACKETS", "IN", "OUT",
    ]  # fmt: skip
    assert table.splitlines()[2].endswith("12345        0  1.2 MB  34 MB")


def test_limits_and_persistence_have_columns_where_somebody_set_them() -> None:
    limited = RealServer(FIRST, upper=8)
    service = VirtualService("web", VIP, persistence=Persistence(300, 24))
    server = ServerStatus(
        FIRST, Sync.IN_SYNC, limited, limited, ServerStats(active=5, inactive=3, persistent=2)
    )
    status = DirectorStatus(
        Mode.LVS_NAT,
        (ServiceStatus(VIP, Sync.IN_SYNC, "web", service, service, servers=(server,)),),
    )

    titles, first, second = drawn(*status_view(status), width=200).split("\n\n")[1].splitlines()

    at = titles.index("INACTIVE") + len("INACTIVE")
    assert titles[at:].split()[:2] == ["LIMIT", "PERSISTENT"]
    assert first[at:].split()[:2] == ["-", "300/24"]
    assert second[at:].split()[:2] == ["8/8", "2"]


def test_a_standstill_of_the_counters_is_said() -> None:
    status = DirectorStatus(Mode.LVS_NAT, table=TableState(estimating=False))

    assert "rates and counters stand still" in drawn(*status_view(status), width=200)


@pytest.mark.parametrize(
    ("connections", "said"), [(12, "12 of 1000"), (800, "800 of 1000 (80%)"), (None, "")]
)
def test_a_table_with_a_limit_says_how_full_it_is(connections: int | None, said: str) -> None:
    status = DirectorStatus(Mode.LVS_NAT, table=TableState(connections, 1000))

    lines = drawn(*status_view(status), width=200).splitlines()[1:]

    assert lines == ([f"connection table: {said}"] if said else [])


def test_a_state_has_a_colour_of_its_own() -> None:
    text = drawn(*status_view(STATUS), width=200, colour=True)

    assert "\x1b[33m        changed" in text
    assert "\x1b[1;31m        missing" in text


def test_a_document_has_numbers_and_not_words() -> None:
    document = status_document(STATUS)

    first, second = document["services"][0]["servers"]
    assert document["summary"] == {
        "services": 2, "servers": 2, "active": 5, "inactive": 3, "drift": 4, "unmanaged": 1,
        "down": 0, "one_way": 0, "answered": 0,
        "services_up": 0, "services_degraded": 1, "services_down": 1,
    }  # fmt: skip
    assert document["rates"]["bytes_in"] == 5000
    assert document["return_path"] == "unknown"
    service = document["services"][0]
    assert (service["condition"], service["serving"]) == ("degraded", 1)
    assert first["stats"]["rates"]["bytes_in"] == 5000
    assert (first["one_way"], first["drain"]) == (False, None)
    assert (second["state"], second["seen"], second["stats"]) == ("missing", None, None)
    assert document["host"][1] == {
        "what": "sysctl net.ipv4.ip_forward",
        "state": "changed",
        "wanted": {"value": "1"},
        "seen": {"value": "0"},
    }


def proxied(*servers: ServerStatus, carriers: tuple[Carrier, ...]) -> ServiceStatus:
    return ServiceStatus(
        VIP, Sync.IN_SYNC, "web", WEB, WEB, ServiceStats(), servers, carriers=carriers
    )


def test_a_switch_shows_its_phase_and_who_serves() -> None:
    both = (Carrier.HAPROXY, Carrier.IPVS)
    status = DirectorStatus(
        Mode.HAPROXY_TPROXY, (proxied(carriers=both),), switching=Phase.BOTH, ending=1
    )

    summary, _, ending, _, titles, service = drawn(*status_view(status), width=200).splitlines()

    assert summary.startswith("haproxy-tproxy (switching: both), in sync")
    assert ending == "1 more connection in HAProxy processes that end with their last one"
    assert service[titles.index("CARRIER") :].startswith("haproxy, ipvs ")


def test_the_way_back_shows_who_serves_as_well() -> None:
    status = DirectorStatus(Mode.LVS_NAT, (proxied(carriers=(Carrier.HAPROXY,)),))

    assert "CARRIER" in drawn(*status_view(status), width=200)


def server_in(state: HealthState, detail: str | None = None, **more: int) -> ServerStatus:
    wish = RealServer(FIRST)
    health = Health(state, detail, **more)
    return ServerStatus(FIRST, Sync.IN_SYNC, wish, wish, ServerStats(health=health))


def test_a_server_that_is_down_is_red_and_told_below() -> None:
    server = server_in(HealthState.DOWN, "L4TOUT in 2000ms", since=75)
    status = DirectorStatus(Mode.HAPROXY_TPROXY, (proxied(server, carriers=(Carrier.HAPROXY,)),))

    text = drawn(*status_view(status), width=200, colour=True)

    assert "\x1b[1;31m        in-sync, down\x1b[0m" in text
    assert "\x1b[1;31mdown: web 192.168.2.55:80" in text
    assert " for 1:15 min: L4TOUT in 2000ms" in text


def test_of_many_that_are_down_the_first_are_told() -> None:
    servers = [server_in(HealthState.DOWN)] * 12
    status = DirectorStatus(Mode.HAPROXY_TPROXY, (proxied(*servers, carriers=(Carrier.HAPROXY,)),))

    lines = drawn(*status_view(status), width=200).splitlines()

    assert lines[0].endswith(", 12 down")
    assert sum(line == "down: web 192.168.2.55:80" for line in lines) == 10
    assert lines[-1] == "down: 2 more"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (HealthState.UP, "in-sync "),
        (HealthState.UNCHECKED, "in-sync "),
        (HealthState.MAINTENANCE, "in-sync, maintenance "),
    ],
)
def test_only_what_is_not_well_is_said_of_health(state: HealthState, said: str) -> None:
    status = DirectorStatus(
        Mode.HAPROXY_TPROXY, (proxied(server_in(state), carriers=(Carrier.HAPROXY,)),)
    )

    server = drawn(*status_view(status), width=200).splitlines()[-1]

    assert server.startswith(f"  192.168.2.55:80        {said}")


def carrying(*servers: ServerStatus) -> DirectorStatus:
    return DirectorStatus(Mode.LVS_NAT, (proxied(*servers, carriers=(Carrier.IPVS,)),))


def serving(endpoint: Endpoint, packets_out: int, **more: object) -> ServerStatus:
    wish, stats = RealServer(endpoint), ServerStats(totals=Counters(1, 5, packets_out))
    return replace(ServerStatus(endpoint, Sync.IN_SYNC, wish, wish, stats), **more)  # type: ignore[arg-type]


def test_a_server_that_is_one_way_degrades_its_service_and_names_the_doctor() -> None:
    status = carrying(serving(FIRST, 0, one_way=True), serving(SECOND, 7))

    lines = drawn(*status_view(status), width=200).splitlines()

    assert lines[1].startswith("services: 0 up, 1 degraded; ")
    assert lines[1].endswith("; return path 1 server one-way")
    assert "  192.168.2.55:80        in-sync, one-way " in "\n".join(lines)
    assert lines[-1] == (
        "one-way: web 192.168.2.55:80: packets in, none out; 'lvsnat doctor' says why"
    )
    document = status_document(status)
    assert (document["return_path"], document["summary"]["one_way"]) == ("one-way", 1)
    assert document["services"][0]["servers"][0]["one_way"] is True


@pytest.mark.parametrize(("packets_out", "said"), [(7, "ok"), (0, "unknown (no replies yet)")])
def test_the_return_path_is_ok_once_a_server_has_answered(packets_out: int, said: str) -> None:
    status = carrying(serving(FIRST, packets_out))

    assert drawn(*status_view(status), width=200).splitlines()[1].endswith(f"; return path {said}")


def test_a_drain_says_below_how_far_it_is() -> None:
    drained, disabled = Override(Reason.DRAINED), Override(Reason.DISABLED)
    status = carrying(
        serving(FIRST, 7, override=drained, drain=Drain(12, 90)),
        serving(SECOND, 7, override=disabled, drain=Drain(0, 0)),
    )

    assert drawn(*status_view(status), width=200).splitlines()[-2:] == [
        "drained: web 192.168.2.55:80: 12 left, about 1:30 min",
        "disabled: web 192.168.2.56:80: empty",
    ]
    first = status_document(status)["services"][0]["servers"][0]
    assert first["drain"] == {"left": 12, "ends_in": 90}
