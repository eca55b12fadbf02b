"""Which servers a process that is reloaded is told to be down."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvsnat.config.parse import parse_config
from lvsnat.errors import LvsnatError
from lvsnat.haproxy.carryover import NOTHING, alike, held_down
from lvsnat.haproxy.mapping import expand
from lvsnat.model.resource import Key, Resource, state_of

HEAD = "1\n# be_id be_name srv_id srv_name srv_op_state srv_admin_state srv_uweight srv_iweight end"
CONFIG = """
mode = "haproxy-tproxy"
[[service]]
name = "web"
listen = "tcp/192.168.1.50:80"
check = { type = "http", interval = "3s" }
servers = [{ address = "10.0.0.1:80", weight = 3 }, { address = "10.0.0.2:80" }]
[[service]]
name = "bare"
listen = "tcp/192.168.1.50:81"
servers = [{ address = "10.0.0.1:80" }]
"""
FIRST, SECOND = ("web:tproxy", "10.0.0.1:80"), ("web:tproxy", "10.0.0.2:80")


def state(text: str = CONFIG) -> dict[Key, Resource]:
    return state_of(expand(parse_config(text, "test"), Path("/run")))


def said(*rows: str) -> str:
    return "\n".join((HEAD, *rows, "", ""))


def test_a_server_that_a_check_holds_down_is_told_with_its_configured_weight() -> None:
    down = "3 web:tproxy 1 10.0.0.1:80 0 0 9 3 -"

    assert held_down(said(down), {FIRST}) == NOTHING + "3 web:tproxy 1 10.0.0.1:80 0 0 3 3 -\n"


@pytest.mark.parametrize(
    "row",
    [
        "3 web:tproxy 1 10.0.0.1:80 2 0 9 3 -",
        "3 web:tproxy 1 10.0.0.1:80 0 1 3 3 -",
        "3 web:tproxy 1 10.0.0.1:80 0 8 3 3 -",
        "3 web:tproxy 2 10.0.0.2:80 0 0 3 3 -",
        "4 web:local 1 10.0.0.1:80 0 0 3 3 -",
    ],
    ids=["up", "maintenance", "drained", "another server", "another backend"],
)
def test_nothing_else_is_told(row: str) -> None:
    assert held_down(said(row), {FIRST}) == NOTHING


def test_what_cannot_be_read_is_an_error() -> None:
    with pytest.raises(LvsnatError, match="cannot be read"):
        held_down(said("3 web:tproxy 1 10.0.0.1:80 down 0 3 3 -"), {FIRST})


def test_servers_are_alike_whatever_their_weights_and_neighbours_are() -> None:
    changed = CONFIG.replace("weight = 3", "weight = 0").replace(
        "servers = [{", 'servers = [{ address = "10.0.0.0:80" }, {'
    )

    assert alike(state(), state()) == {FIRST, SECOND}
    assert alike(state(), state(changed)) == {FIRST, SECOND}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"http"', '"tcp"'),
        ("interval", "timeout"),
        ("192.168.1.50:80", "192.168.1.50:82"),
        ("10.0.0.", "10.0.1."),
        ('name = "web"', 'name = "new"'),
        ("check = {", 'haproxy = { backend_lines = ["http-check connect"] }\ncheck = {'),
    ],
)
def test_servers_are_not_alike_when_something_else_is_asked_of_them(old: str, new: str) -> None:
    assert alike(state(), state(CONFIG.replace(old, new))) == set()
