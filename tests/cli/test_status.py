"""lvsnat status."""

from __future__ import annotations

import json

import yaml
from cli.commandline import CommandLine

from lvsnat.errors import ExitCode
from lvsnat.model.resource import Key
from lvsnat.model.status import Counters, Rates, ServerStats

BUSY = ServerStats(
    active=5,
    inactive=3,
    totals=Counters(connections=12345, bytes_in=1_234_567, bytes_out=9_876_543_210),
    rates=Rates(connections=12, bytes_in=512, bytes_out=98_765),
)
BUSY_KEY = Key("server", "tcp/192.168.1.50:80 192.168.2.55:80")


def test_status_draws_services_with_their_servers(web: CommandLine) -> None:
    web.kernel.counters[BUSY_KEY] = BUSY

    assert web.ok("status").splitlines() == [
        "lvs-nat, in sync: 1 service, 2 servers, 8 connections (5 active)",
        "services: 1 up; 0 connections/s, 0/s in, 0/s out",
        "",
        (
            "SERVICE / SERVER         STATE    WEIGHT  ACTIVE  INACTIVE  CONN/S   IN/S  OUT/S"
            "  CONNS      IN     OUT"
        ),
        (
            "web tcp/192.168.1.50:80  in-sync     wrr       5         3       0      0      0"
            "      0       0       0"
        ),
        (
            "  192.168.2.55:80        in-sync       3       5         3      12  512 B  99 kB"
            "  12345  1.2 MB  9.9 GB"
        ),
        (
            "  192.168.2.56:80        in-sync       1       0         0       0      0      0"
            "      0       0       0"
        ),
    ]


def test_status_says_what_is_missing_and_what_next(web: CommandLine) -> None:
    del web.kernel.state[BUSY_KEY]

    result = web("status")

    assert "1 difference" in result.stdout
    assert "  192.168.2.55:80        missing       3       -" in result.stdout
    assert result.stderr == "'lvsnat plan' shows the differences, 'lvsnat apply' ends them\n"
    assert result.exit_code == ExitCode.DONE


def test_status_of_one_service_leaves_the_others_out(web: CommandLine) -> None:
    web.ok("service", "add", "dns", "udp/192.168.1.50:53", "--server", "192.168.2.55:53")

    text = web.ok("status", "dns")

    assert "dns udp/192.168.1.50:53" in text
    assert "web" not in text


def test_status_of_an_unknown_service_names_the_known(web: CommandLine) -> None:
    result = web("status", "wbe")

    assert result.exit_code == ExitCode.USAGE
    assert result.stderr == "error: no service 'wbe'\nhint: services here: web\n"


def test_yaml_says_the_same_as_json(web: CommandLine) -> None:
    as_json = json.loads(web.ok("status", "-o", "json"))

    assert yaml.safe_load(web.ok("status", "-o", "yaml")) == as_json
    assert as_json["schema"] == "lvsnat/status/1"
    assert as_json["services"][0]["servers"][0]["wanted"]["weight"] == 3
