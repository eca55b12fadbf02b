"""lvsnat status."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import yaml
from cli.commandline import CommandLine

from lvsnat.errors import ExitCode, LvsnatError
from lvsnat.model.connection import Connection
from lvsnat.model.endpoint import Endpoint
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
        "services: 1 up; 0 connections/s, 0/s in, 0/s out; return path unknown (no replies yet)",
        "",
        (
            "SERVICE / SERVER         STATE    WEIGHT  ACTIVE  INACTIVE  CONN/S  PACKETS/S   IN/S"
            "  OUT/S  CONNS  PACKETS      IN     OUT"
        ),
        (
            "web tcp/192.168.1.50:80  in-sync     wrr       5         3       0          0      0"
            "      0      0        0       0       0"
        ),
        (
            "  192.168.2.55:80        in-sync       3       5         3      12          0  512 B"
            "  99 kB  12345        0  1.2 MB  9.9 GB"
        ),
        (
            "  192.168.2.56:80        in-sync       1       0         0       0          0      0"
            "      0      0        0       0       0"
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
    assert result.stderr == "error: no service 'wbe'\nhint: did you mean web?\n"


def test_yaml_says_the_same_as_json(web: CommandLine) -> None:
    as_json = json.loads(web.ok("status", "-o", "json"))

    assert yaml.safe_load(web.ok("status", "-o", "yaml")) == as_json
    assert as_json["schema"] == "lvsnat/status/1"
    assert as_json["services"][0]["servers"][0]["wanted"]["weight"] == 3


def test_one_look_flags_a_server_whose_clients_wait(web: CommandLine) -> None:
    web.kernel.counters[BUSY_KEY] = ServerStats(totals=Counters(3, packets_in=6))
    ends = [Endpoint.parse(one) for one in ("203.0.113.9:4000", "192.168.1.50:80")]
    server = Endpoint.parse("192.168.2.55:80")
    opening = Connection("tcp", ends[0], ends[1], server, "SYN_RECV", 58)
    web.kernel.connections.append(opening)
    assert "one-way" not in web.ok("status")

    web.kernel.connections[:] = [replace(opening, expires=51)]

    text = web.ok("status")
    assert "return path 1 server one-way" in text
    assert "one-way: web 192.168.2.55:80: packets in, none out" in text
    document = json.loads(web.ok("status", "-o", "json"))
    assert [one["one_way"] for one in document["services"][0]["servers"]] == [True, False]


def test_a_server_that_is_drained_says_what_it_still_holds(web: CommandLine) -> None:
    web.kernel.counters[BUSY_KEY] = BUSY
    web.ok("server", "drain", "web", "192.168.2.55:80")

    assert web.ok("status").splitlines()[-1] == "drained: web 192.168.2.55:80: 8 left"


def test_a_table_that_cannot_be_read_takes_nothing_from_the_rest(web: CommandLine) -> None:
    web.kernel.counters[BUSY_KEY] = ServerStats(totals=Counters(3, packets_in=6))

    def unreadable() -> Iterator[str]:
        raise LvsnatError("cannot read /proc/net/ip_vs_conn: Permission denied")

    web.kernel.connection_lines = unreadable  # type: ignore[method-assign]

    assert "return path unknown (no replies yet)" in web.ok("status")
