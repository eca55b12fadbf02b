"""What HAProxy carries, under the keys of its resources."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvsnat.config.parse import parse_config
from lvsnat.haproxy.answers import Session
from lvsnat.haproxy.mapping import expand
from lvsnat.haproxy.stats import carried, connections, frontends, health, tied_clients
from lvsnat.model.endpoint import Endpoint
from lvsnat.model.resource import Key
from lvsnat.model.status import Counters, Health, HealthState, Rates, ServerStats, ServiceStats

CONFIG = """
mode = "haproxy-tproxy"
[[service]]
name = "web"
listen = "tcp/192.168.1.50:80"
sorry = "10.0.0.9:80"
servers = [{ address = "10.0.0.1:80" }]
[[service]]
name = "many"
listen = "tcp/[2001:db8::50]:80,443"
servers = [{ address = "[2001:db8::1]:80" }]
"""
FOUND = list(expand(parse_config(CONFIG, "test"), Path("/run")))
SERVICE = Key("proxied service", "tcp/192.168.1.50:80")
SERVER = Key("proxied server", "tcp/192.168.1.50:80 10.0.0.1:80")


def row(proxy: str, server: str, **columns: str) -> dict[str, str]:
    return {"pxname": proxy, "svname": server, **columns}


def test_a_server_has_carried_what_both_of_its_backends_have() -> None:
    rows = [
        row("web", "FRONTEND", stot="9", bin="100", bout="2000", rate="3", scur="2"),
        row(
            "web:tproxy",
            "10.0.0.1:80",
            stot="5",
            bin="60",
            bout="1500",
            rate="2",
            scur="1",
            sid="4",
        ),
        row(
            "web:local", "10.0.0.1:80", stot="4", bin="40", bout="500", rate="1", scur="1", sid="4"
        ),
    ]

    stats = carried(FOUND, rows, {("web:tproxy", 4): 6})

    rates = Rates(3, None, None, None, None)
    assert stats[SERVICE] == ServiceStats(Counters(9, None, None, 100, 2000), rates)
    assert stats[SERVER] == ServerStats(2, 0, 6, Counters(9, None, None, 100, 2000), rates)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            {"status": "DOWN", "check_status": "L4CON", "check_duration": "7", "lastchg": "3"}
            | {"last_chk": "Connection refused"},
            Health(HealthState.DOWN, "L4CON in 7ms: Connection refused", 3),
        ),
        (
            {"status": "UP 1/2", "check_status": "* L4OK", "lastchg": "9"},
            Health(HealthState.UP, "L4OK in 0ms", 9),
        ),
        ({"status": "UP", "check_status": "INI"}, Health(HealthState.UP, None, 0)),
        ({"status": "no check"}, Health(HealthState.UNCHECKED, None, 0)),
        ({"status": "DRAIN"}, Health(HealthState.UNCHECKED, None, 0)),
        ({"status": "MAINT (via a/b)"}, Health(HealthState.MAINTENANCE, None, 0)),
        ({}, None),
    ],
)
def test_health_is_told_in_one_word_and_haproxys_own(
    columns: dict[str, str], expected: Health | None
) -> None:
    assert health(columns) == expected


def test_what_a_server_answers_does_no_harm_to_a_terminal() -> None:
    said = health({"status": "DOWN", "check_status": "L7STS", "last_chk": "\x1b[2J"})

    assert said is not None
    assert (said.detail or "").isprintable()


def test_the_clients_that_are_tied_are_counted_by_server() -> None:
    said = """# table: web:tproxy, type: ip, size:204800, used:3
0x1: key=192.0.2.1 use=0 exp=299236 server_id=1 server_key=10.0.0.1:80
0x2: key=192.0.2.2 use=1 exp=299236 server_id=2 server_key=10.0.0.2:80
0x3: key=192.0.2.3 use=0 exp=299236 server_id=1 server_key=10.0.0.1:80
"""

    assert tied_clients("web:tproxy", said) == {("web:tproxy", 1): 2, ("web:tproxy", 2): 1}


def session(client: str, frontend: str, server: str | None, state: int | None = 8) -> Session:
    return Session(client, frontend, f"{frontend}:tproxy", server, state, 4, 7)


def test_sessions_are_connections_of_the_services_own_address() -> None:
    sessions = [
        session("192.0.2.1:5000", "web", "10.0.0.1:80"),
        session("192.0.2.2:5000", "web", "sorry", 5),
        session("192.0.2.3:5000", "web", None),
        session("192.0.2.4:5000", "unknown", "10.0.0.1:80"),
        session("2001:db8:9::1:5000", "many", "2001:db8::1:80", 10),
        session("?", "web", "10.0.0.1:80"),
    ]

    found = list(connections(sessions, frontends(FOUND)))

    assert [(str(c.client), str(c.virtual), str(c.server), c.state) for c in found] == [
        ("192.0.2.1:5000", "192.168.1.50:80", "10.0.0.1:80", "ESTABLISHED"),
        ("192.0.2.2:5000", "192.168.1.50:80", "10.0.0.9:80", "SYN_SENT"),
        ("[2001:db8:9::1]:5000", "[2001:db8::50]:0", "[2001:db8::1]:80", "CLOSE"),
    ]
    assert {c.service for c in found} == {"web", "many"}
    assert found[0].expires == 7
    assert found[0].client == Endpoint.parse("192.0.2.1:5000")
