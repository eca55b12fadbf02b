"""lvsnat stats, lvsnat mode."""

from __future__ import annotations

import json

import pytest
from cli.commandline import CommandLine

from lvsnat.errors import ExitCode
from lvsnat.ipvs.resources import IpvsService
from lvsnat.model.connection import TableState
from lvsnat.model.endpoint import parse_kernel_listener
from lvsnat.model.resource import Key
from lvsnat.model.status import Counters, Rates, ServerStats, ServiceStats

SERVICE = Key("service", "tcp/192.168.1.50:80")
SERVER = Key("server", "tcp/192.168.1.50:80 192.168.2.55:80")
TOTALS = Counters(123_456, 1_234_567, 2_345_678, 1_234_567, 9_876_543_210)
RATES = Rates(12, 345, 456, 512, 98_765)
STRANGER = IpvsService(parse_kernel_listener("udp/10.0.0.1:53"), "rr")


@pytest.fixture
def busy(web: CommandLine) -> CommandLine:
    web.kernel.counters[SERVICE] = ServiceStats(TOTALS, RATES)
    web.kernel.counters[SERVER] = ServerStats(5, 3, 0, TOTALS, RATES)
    return web


def test_stats_draws_totals_and_rates_in_short(busy: CommandLine) -> None:
    titles, service, server, idle = busy.ok("stats").splitlines()

    assert titles.split("  ")[0] == "SERVICE / SERVER"
    assert service.split("  ")[0] == "web tcp/192.168.1.50:80"
    numbers = "123 k 1.2 M 2.3 M 1.2 MB 9.9 GB 12 345 456 512 B 99 kB"
    assert " ".join(server.split()) == f"192.168.2.55:80 {numbers}"
    assert idle.split() == ["192.168.2.56:80", *["0"] * 10]


def test_exact_stats_have_every_digit(busy: CommandLine) -> None:
    server = busy.ok("stats", "--exact").splitlines()[2].split()

    assert server[1:6] == ["123456", "1234567", "2345678", "1234567", "9876543210"]


def test_rates_alone_are_rates_alone(busy: CommandLine) -> None:
    titles, service, *_ = busy.ok("stats", "--rate", "--exact").splitlines()

    assert " ".join(titles.split()[3:]) == "CONN/S PACKETS IN/S PACKETS OUT/S IN/S OUT/S"
    assert service.split()[2:] == ["12", "345", "456", "512", "98765"]


def test_documents_are_always_exact(busy: CommandLine) -> None:
    (service,) = json.loads(busy.ok("stats", "web", "-o", "json"))["services"]

    assert service["name"] == "web"
    assert service["servers"][0]["address"] == "192.168.2.55:80"
    assert service["servers"][0]["stats"]["totals"]["bytes_out"] == 9_876_543_210


def test_zero_shows_the_counters_and_zeroes_them(busy: CommandLine) -> None:
    result = busy("stats", "--zero", "--exact")

    assert result.exit_code == ExitCode.DONE
    assert "9876543210" in result.stdout
    assert result.stderr == (
        "zeroed the counters of 1 service and 2 servers; the table shows them as they were\n"
    )
    assert busy.kernel.counters[SERVER] == ServerStats(active=5, inactive=3)
    assert "9876543210" not in busy.ok("stats", "--exact")


def test_a_dry_run_zeroes_nothing(busy: CommandLine) -> None:
    result = busy("stats", "--zero", "--dry-run")

    assert result.stderr == (
        "would zero the counters of 1 service and 2 servers\ndry run: nothing was changed\n"
    )
    assert busy.kernel.counters[SERVICE] == ServiceStats(TOTALS, RATES)


def test_what_somebody_else_made_is_zeroed_only_by_its_listener(busy: CommandLine) -> None:
    carried = ServiceStats(TOTALS, RATES)
    busy.kernel.state[STRANGER.key] = STRANGER
    busy.kernel.counters[STRANGER.key] = carried

    everything = busy("stats", "--zero", "-o", "json")
    assert busy.kernel.counters[STRANGER.key] == carried
    assert json.loads(everything.stdout)["zeroed"] == ["web"]
    assert "note: 1 service of somebody else left alone" in everything.stderr

    busy.ok("stats", "udp/10.0.0.1:53", "--zero")
    assert busy.kernel.counters[STRANGER.key] == ServiceStats()


def test_the_counters_of_a_service_of_several_ports_are_those_of_its_mark(
    lvsnat: CommandLine,
) -> None:
    lvsnat.ok("service", "add", "many", "tcp/192.168.1.50:8000-8100")
    (key,) = lvsnat.kernel.state
    lvsnat.kernel.counters[key] = ServiceStats(TOTALS, RATES)

    lvsnat.ok("stats", "many", "--zero")

    assert lvsnat.kernel.counters[key] == ServiceStats()


@pytest.mark.parametrize("options", [["--zero", "--watch", "2"], ["--dry-run"]], ids=" ".join)
def test_options_that_make_no_sense_are_refused(busy: CommandLine, options: list[str]) -> None:
    assert busy("stats", *options).exit_code == ExitCode.USAGE


@pytest.mark.parametrize("command", ["stats", "status"])
def test_counters_that_stand_still_are_said_to(busy: CommandLine, command: str) -> None:
    busy.kernel.table = TableState(estimating=False)

    assert "rates and counters stand still" in busy.ok(command)


def test_status_says_how_full_the_table_of_connections_is(busy: CommandLine) -> None:
    busy.kernel.table = TableState(12, 1 << 30)

    assert "connection table: 12 of 1.1 G\n" in busy.ok("status")
    assert json.loads(busy.ok("status", "-o", "json"))["table"] == {
        "connections": 12,
        "limit": 1 << 30,
        "estimating": True,
    }


def test_mode_says_what_it_is(web: CommandLine) -> None:
    assert web.ok("mode").startswith("lvs-nat: the kernel's IPVS forwards")
    assert json.loads(web.ok("mode", "-o", "json")) == {
        "schema": "lvsnat/mode/1",
        "mode": "lvs-nat",
        "phase": "lvs-nat",
        "switch": None,
        "in_sync": True,
        "host": [],
    }
