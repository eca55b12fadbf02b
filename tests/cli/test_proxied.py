"""The commands about servers in haproxy-tproxy: the same words, tables and documents."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from cli.commandline import CommandLine

from lvsnat.errors import ExitCode
from lvsnat.haproxy.resources import ProxiedServer, ProxiedService
from lvsnat.ipvs.resources import IpvsServer, IpvsService
from lvsnat.model.carrier import Carrier
from lvsnat.model.connection import Connection
from lvsnat.model.endpoint import Endpoint, parse_kernel_listener, parse_listener
from lvsnat.model.status import (
    Counters,
    Health,
    HealthState,
    Rates,
    ServerStats,
    ServiceStats,
)
from lvsnat.testing import FakeBackend, FakeClock
from lvsnat.testing.proxy import COUNTED

LISTEN = parse_listener("tcp/192.168.1.50:80")
FIRST, SECOND = "192.168.2.55:80", "192.168.2.56:80"
SERVICE = ProxiedService(LISTEN, ()).key
SERVER = ProxiedServer(LISTEN, Endpoint.parse(FIRST)).key
OTHER = ProxiedServer(LISTEN, Endpoint.parse(SECOND)).key
DNS = IpvsService(parse_kernel_listener("udp/192.168.1.50:53"), "").key
TOTALS = Counters(123_456, None, None, 1_234_567, 9_876_543_210)
RATES = Rates(12, None, None, None, None)
DOWN = Health(HealthState.DOWN, "L4CON in 0ms: Connection refused", 12)
CONFIGURATION = """\
mode = "haproxy-tproxy"

[[service]]
name = "web"
listen = "tcp/192.168.1.50:80"
scheduler = "wrr"
servers = [{ address = "192.168.2.55:80", weight = 3 }, { address = "192.168.2.56:80" }]
"""
UDP = """
[[service]]
name = "dns"
listen = "udp/192.168.1.50:53"
servers = [{ address = "192.168.2.55:53" }]
"""


def serving(folder: Path, text: str) -> CommandLine:
    """A director whose HAProxy serves what a configuration asks of it, in sync."""
    lvsnat = CommandLine(folder, FakeBackend())
    lvsnat.kernel.loaded = False
    lvsnat.paths.config.write_text(text)
    lvsnat.ok("apply")
    lvsnat.proxy.carried_out.clear()
    return lvsnat


@pytest.fixture
def web(tmp_path: Path) -> CommandLine:
    """One service and two servers, in sync."""
    return serving(tmp_path, CONFIGURATION)


@pytest.fixture
def busy(web: CommandLine) -> CommandLine:
    """The same with traffic, and the first server down."""
    web.proxy.counters[SERVICE] = ServiceStats(TOTALS, RATES)
    web.proxy.counters[SERVER] = ServerStats(5, 0, 2, TOTALS, RATES, DOWN)
    well = Health(HealthState.UP, "L4OK in 0ms", 99)
    web.proxy.counters[OTHER] = ServerStats(totals=COUNTED, rates=RATES_OF_NOTHING, health=well)
    return web


def weight(lvsnat: CommandLine, endpoint: str = FIRST) -> int:
    server = lvsnat.proxy.state[ProxiedServer(LISTEN, Endpoint.parse(endpoint)).key]
    assert isinstance(server, ProxiedServer)
    return server.weight


def session(port: int, server: str = FIRST) -> Connection:
    return Connection(
        "tcp",
        Endpoint.parse(f"203.0.113.9:{port}"),
        Endpoint.parse("192.168.1.50:80"),
        Endpoint.parse(server),
        "ESTABLISHED",
        299,
        service="web",
        carrier=Carrier.HAPROXY,
    )


def test_nothing_of_ipvs_is_made_or_asked_for(web: CommandLine) -> None:
    web.ok("status")

    assert web.kernel.state == {}
    assert web.changes == []


def test_status_is_the_same_table_and_says_who_serves(busy: CommandLine) -> None:
    summary, _, _, titles, service, first, second, *_ = busy.ok("status").splitlines()

    assert summary == (
        "haproxy-tproxy, in sync: 1 service, 2 servers, 5 connections (5 active), 1 down"
    )
    assert titles.split() == [
        "SERVICE", "/", "SERVER", "STATE", "CARRIER", "WEIGHT", "ACTIVE", "INACTIVE",
        "PERSISTENT", "CONN/S", "IN/S", "OUT/S", "CONNS", "IN", "OUT",
    ]  # fmt: skip
    assert service.split()[2:7] == ["in-sync", "haproxy", "wrr", "5", "0"]
    assert " ".join(first.split()) == (f"{FIRST} in-sync, down 3 5 0 2 12 - - 123 k 1.2 MB 9.9 GB")
    assert "down" not in second


def test_a_server_that_is_down_is_told_with_its_last_check(busy: CommandLine) -> None:
    assert f"down: web {FIRST} for 12 s: L4CON in 0ms: Connection refused\n" in busy.ok("status")


def test_a_document_has_the_health_and_null_for_what_nobody_counts(busy: CommandLine) -> None:
    document = json.loads(busy.ok("status", "-o", "json"))

    (service,) = document["services"]
    first, second = service["servers"]
    assert document["summary"]["down"] == 1
    assert service["carriers"] == ["haproxy"]
    assert first["health"] == {
        "state": "down", "detail": "L4CON in 0ms: Connection refused", "since": 12,
    }  # fmt: skip
    assert second["health"]["state"] == "up"
    assert first["stats"]["totals"]["packets_in"] is None
    assert first["stats"]["rates"]["bytes_in"] is None
    assert "health" not in first["stats"]


def test_stats_draw_a_dash_for_what_nobody_counts(busy: CommandLine) -> None:
    for options in ([], ["--exact"]):
        _, _, server, _ = busy.ok("stats", *options).splitlines()
        numbers = "123456 - - 1234567 9876543210" if options else "123 k - - 1.2 MB 9.9 GB"
        assert " ".join(server.split()) == f"{FIRST} {numbers} 12 - - - -"


def test_services_of_both_carriers_stand_in_one_table(tmp_path: Path) -> None:
    lvsnat = serving(tmp_path, CONFIGURATION + UDP)

    services = [line.split() for line in lvsnat.ok("status").splitlines() if "/192" in line]

    assert [(words[0], words[3]) for words in services] == [("web", "haproxy"), ("dns", "ipvs")]


def test_connections_are_those_of_haproxy(web: CommandLine) -> None:
    web.proxy.connections = [session(1001), session(1002, SECOND)]

    titles, first, _ = web.ok("connections").splitlines()
    (document,) = json.loads(web.ok("connections", "--server", SECOND, "-o", "json"))["connections"]

    assert titles.split() == [
        "CLIENT", "SERVICE", "SERVER", "STATE", "CARRIER", "EXPIRES", "LISTEN",
    ]  # fmt: skip
    assert " ".join(first.split()) == (
        f"203.0.113.9:1001 web {FIRST} ESTABLISHED haproxy 4:59 min tcp/192.168.1.50:80"
    )
    assert (document["client"], document["carrier"]) == ("203.0.113.9:1002", "haproxy")
    assert web.ok("connections", "--count") == "2\n"


def test_zeroing_zeroes_all_of_haproxy(busy: CommandLine) -> None:
    busy.ok("stats", "web", "--zero")

    server = busy.proxy.counters[SERVER]
    assert server == ServerStats(5, 0, 2, Counters(0, None, None), RATES_OF_NOTHING, DOWN)


RATES_OF_NOTHING = Rates(0, None, None, None, None)


def test_zeroing_one_of_several_is_refused_before_anything_is_zeroed(tmp_path: Path) -> None:
    mail = CONFIGURATION.replace('"web"', '"mail"').replace(":80", ":25")
    services = CONFIGURATION + mail.partition("\n\n")[2]
    lvsnat = serving(tmp_path, services)
    lvsnat.proxy.counters[SERVICE] = ServiceStats(TOTALS, RATES)

    for options in (["--zero"], ["--zero", "--dry-run"]):
        result = lvsnat("stats", "web", *options)

        assert result.exit_code == ExitCode.USAGE
        assert "cannot zero the counters of web alone: it has mail, too" in result.stderr
    assert lvsnat.proxy.counters[SERVICE] == ServiceStats(TOTALS, RATES)
    lvsnat.ok("stats", "--zero")
    assert lvsnat.proxy.counters[SERVICE] == ServiceStats(Counters(0, None, None), RATES_OF_NOTHING)


def test_drain_and_enable_change_the_weight_and_nothing_else(busy: CommandLine) -> None:
    result = busy("server", "drain", "web", FIRST)

    assert result.exit_code == ExitCode.DONE
    assert result.stdout == f"~ proxied server {FIRST} of tcp/192.168.1.50:80  weight 3 → 0\n"
    assert f"{FIRST} holds 5 active, 0 inactive, 2 persistent\n" in result.stderr
    assert weight(busy) == 0
    assert "in-sync, drained, down" in busy.ok("status")

    busy.ok("apply")
    assert weight(busy) == 0

    busy.ok("server", "enable", "web", FIRST)
    assert weight(busy) == 3


def test_drain_waits_for_the_sessions_to_end(busy: CommandLine) -> None:
    def ends(active: int) -> None:
        busy.proxy.counters[SERVER] = ServerStats(active)

    busy.clock = FakeClock(lambda: ends(2), lambda: ends(0))

    result = busy("server", "drain", "web", FIRST, "--wait")

    assert result.exit_code == ExitCode.DONE
    assert f"{FIRST} holds 0 active" in result.stderr


def test_a_drain_that_does_not_end_offers_what_this_mode_can_do(busy: CommandLine) -> None:
    busy.clock = FakeClock()

    result = busy("server", "drain", "web", FIRST, "--wait", "--deadline", "3s")

    assert result.exit_code == ExitCode.FAILED
    assert "not idle after 3 s: 5 active" in result.stderr
    assert f"'lvsnat server remove web {FIRST}' removes it and they go on" in result.stderr
    assert "cuts" not in result.stderr


def test_a_busy_server_is_removed_at_once_for_that_cuts_nothing(busy: CommandLine) -> None:
    result = busy("server", "remove", "web", FIRST)

    assert result.exit_code == ExitCode.DONE
    assert "5 active, 0 inactive, 2 persistent connections: they go on until they end," in (
        result.stderr
    )
    assert "for 15:00 min at most" in result.stderr
    assert SERVER not in busy.proxy.state
    assert FIRST not in busy.config


def test_what_would_be_removed_is_shown_first(busy: CommandLine) -> None:
    busy.ok("server", "remove", "web", FIRST, "--dry-run")

    assert SERVER in busy.proxy.state
    assert FIRST in busy.config


def test_drain_with_remove_waits_first(busy: CommandLine) -> None:
    there: list[bool] = []

    def ends() -> None:
        there.append(SERVER in busy.proxy.state)
        busy.proxy.counters[SERVER] = ServerStats()

    busy.clock = FakeClock(ends)

    busy.ok("server", "drain", "web", FIRST, "--remove")

    assert there == [True]
    assert SERVER not in busy.proxy.state


def test_disable_for_a_while_is_over_with_the_next_apply_after_it(web: CommandLine) -> None:
    clock = FakeClock()
    web.clock = clock

    web.ok("server", "disable", "web", FIRST, "--for", "10m")
    assert weight(web) == 0
    clock.sleep(601)
    web.ok("apply")

    assert weight(web) == 3


def test_persistence_of_the_kernel_is_no_concern_here(tmp_path: Path) -> None:
    lvsnat = serving(
        tmp_path,
        CONFIGURATION.replace('scheduler = "wrr"', "persistence = { timeout = 300 }"),
    )

    result = lvsnat("server", "drain", "web", FIRST)

    assert result.exit_code == ExitCode.DONE
    assert "expire_quiescent_template" not in result.stderr


def test_clients_with_a_cookie_are_spoken_of(tmp_path: Path) -> None:
    lvsnat = serving(
        tmp_path, CONFIGURATION + '\n[service.haproxy]\nmode = "http"\ncookie = "SRV"\n'
    )

    result = lvsnat("server", "drain", "web", FIRST)

    assert "note: clients that bring the cookie SRV for it go on reaching" in result.stderr


def test_udp_is_still_the_kernels(tmp_path: Path) -> None:
    lvsnat = serving(tmp_path, CONFIGURATION + UDP)

    result = lvsnat("server", "drain", "dns", "192.168.2.55:53", "--force")

    assert "note: UDP: a client that goes on sending stays on it" in result.stderr
    server = lvsnat.kernel.state[
        IpvsServer(
            parse_kernel_listener("udp/192.168.1.50:53"), Endpoint.parse("192.168.2.55:53")
        ).key
    ]
    assert isinstance(server, IpvsServer)
    assert server.weight == 0
    assert lvsnat.proxy.carried_out == []


def test_a_plan_shows_which_lines_go_and_come(web: CommandLine) -> None:
    service = web.proxy.state[SERVICE]
    assert isinstance(service, ProxiedService)
    lines = tuple(line.replace("balance wrr", "balance lc") for line in service.lines)
    web.proxy.state[SERVICE] = replace(service, lines=lines)

    first, *rest = web.ok("plan").splitlines()

    assert first == "~ proxied service tcp/192.168.1.50:80  configuration 1 line → 1 line"
    assert rest[:3] == [
        "      backend web",
        "    -     balance lc",
        "    +     balance wrr",
    ]
