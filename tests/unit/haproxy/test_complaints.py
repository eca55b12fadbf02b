"""What HAProxy says against a configuration, in the words of ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvsnat.config.parse import parse_config
from lvsnat.haproxy.complaints import explain, first_of
from lvsnat.haproxy.mapping import expand
from lvsnat.haproxy.text import render
from lvsnat.model.resource import state_of

CONFIG = """
mode = "haproxy-tproxy"
[[service]]
name = "api"
listen = "tcp/192.168.1.50:81"
servers = [{ address = "10.0.0.1:80" }]
[[service]]
name = "web"
listen = "tcp/192.168.1.50:80"
haproxy = { frontend_lines = ["foo bar"], backend_lines = ["option nonsense"] }
servers = [{ address = "10.0.0.1:80" }]
"""
STATE = state_of(expand(parse_config(CONFIG, "test"), Path("/run")))
TEXT = render(STATE.values())


def alert(line: str, words: str) -> str:
    number = [one.strip() for one in TEXT.split("\n")].index(line) + 1
    return (
        "[NOTICE]   (1) : haproxy version is 2.6.12\n"
        f"[ALERT]    (1) : config : parsing [/state/.haproxy.cfg.abc:{number}] : {words}\n"
        "[ALERT]    (1) : config : Error(s) found in configuration file : /state/.haproxy.cfg.abc\n"
    )


@pytest.mark.parametrize(
    ("line", "key"), [("foo bar", "frontend_lines"), ("option nonsense", "backend_lines")]
)
def test_a_line_of_ours_is_named_by_its_service_and_key(line: str, key: str) -> None:
    error = explain(alert(line, "unknown keyword"), TEXT, STATE)

    assert (
        error.message == f"service 'web', haproxy.{key}: HAProxy refuses {line!r}: unknown keyword"
    )
    assert "nothing was changed" in (error.hint or "")


def test_a_line_that_nobody_wrote_is_to_be_reported() -> None:
    error = explain(alert("balance leastconn", "unknown word"), TEXT, STATE)

    assert "unknown word" in error.message
    assert "please report this" in (error.hint or "")


def test_a_file_that_is_missing_has_a_hint_of_its_own() -> None:
    said = "[ALERT] (1) : config : unable to stat SSL certificate '/x.pem' : No such file\n"

    error = explain(said, TEXT, STATE)

    assert "/x.pem" in error.message
    assert "the user haproxy" in (error.hint or "")


@pytest.mark.parametrize(
    ("said", "first"),
    [
        ("", "it says nothing more"),
        ("setpriv: no such user\n", "setpriv: no such user"),
        (
            "[NOTICE] (1) : x\n[ALERT] (1) : cannot bind socket (Address already in use)\n",
            "cannot bind socket (Address already in use)",
        ),
    ],
)
def test_the_first_complaint_is_found(said: str, first: str) -> None:
    assert first_of(said) == first
