from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from lvsnat.config.parse import parse_config
from lvsnat.haproxy.mapping import expand
from lvsnat.haproxy.resources import HaproxyInstance, ProxiedServer, ProxiedService
from lvsnat.haproxy.text import HEADER, digest, read, render
from lvsnat.model.resource import Resource, state_of

CONFIG = """\
mode = "haproxy-tproxy"
[[service]]
name = "web"
listen = "tcp/192.168.1.50:80"
scheduler = "wrr"
check = "tcp"
servers = [{ address = "192.168.2.55:80", weight = 3 }, { address = "192.168.2.56:80" }]
"""
RESOURCES = list(expand(parse_config(CONFIG, "lvsnat.toml"), Path("/run")))
TEXT = render(RESOURCES)
IN_LOCAL = "weight 3 track web:tproxy/192.168.2.55:80"


def differing(text: str) -> list[str]:
    """What is not as it was written, in the order of the keys."""
    before, after = state_of(RESOURCES), state_of(read(text))
    return [key.name for key in sorted(before | after) if before.get(key) != after.get(key)]


def the_server(resources: Iterable[Resource]) -> ProxiedServer:
    return next(one for one in resources if isinstance(one, ProxiedServer))


def test_the_file_says_who_writes_it_and_what_to_use_instead() -> None:
    assert TEXT.startswith("# Written by lvsnat")
    assert "'lvsnat plan'" in HEADER


def test_what_was_written_is_read_back() -> None:
    assert read(TEXT) == RESOURCES


def test_what_a_service_was_made_of_is_read_back() -> None:
    service = next(one for one in read(TEXT) if isinstance(one, ProxiedService))

    assert service.service is not None
    assert service.service.name == "web"
    assert service.service.servers == ()


def test_the_running_process_can_be_asked_for_the_digest() -> None:
    assert f"\n    description lvsnat {digest(TEXT)}\n" in TEXT


def test_no_instance_is_no_file() -> None:
    assert render([]) == ""
    assert read("") == []


def test_a_weight_is_read_with_the_one_that_was_asked_for() -> None:
    first = the_server(RESOURCES)
    drained = [first.with_weight(0) if one == first else one for one in RESOURCES]

    back = the_server(read(render(drained)))

    assert (back.weight, back.wish) == (0, 3)


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("maxconn 20000", "maxconn 5", ["lvsnat"]),
        ("retries 2", "retries 2\n    retries 3", ["lvsnat"]),
        ("balance roundrobin", "balance first", ["tcp/192.168.1.50:80"]),
        ("bind 192.168.1.50:80", "# bind 192.168.1.50:80", ["tcp/192.168.1.50:80"]),
        ("weight 3 check", "weight 4 check", ["tcp/192.168.1.50:80 192.168.2.55:80"]),
        ("weight 3 check", "weight 3 check disabled", ["tcp/192.168.1.50:80 192.168.2.55:80"]),
        (IN_LOCAL, "weight 3", ["tcp/192.168.1.50:80 192.168.2.55:80"]),
        (
            "server 192.168.2.55:80 192.168.2.55:80 weight 3 check\n",
            "\n",
            # Its line in the other backend belongs to nothing.
            ["tcp/192.168.1.50:80 192.168.2.55:80", "tcp/192.168.1.50:80"],
        ),
    ],
)
def test_a_line_that_was_edited_is_a_resource_that_differs(
    old: str, new: str, changed: list[str]
) -> None:
    assert old in TEXT

    assert differing(TEXT.replace(old, new, 1)) == changed


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# Written by", "# Read by"),
        ("\n\n", "\n\n\n"),
        ("retries 2\n", "retries 2  \n"),
        (f"description lvsnat {digest(TEXT)}", "description lvsnat 0123456789abcdef"),
    ],
)
def test_what_means_nothing_is_no_difference(old: str, new: str) -> None:
    assert differing(TEXT.replace(old, new, 1)) == []


def test_a_service_whose_first_line_is_garbled_is_missing() -> None:
    garbled = TEXT.replace("# service {", "# service [", 1)

    assert "tcp/192.168.1.50:80" in differing(garbled)


def test_a_foreign_file_is_read_as_an_instance_that_differs() -> None:
    (only,) = read("listen x\n  bind :80\n  server a 1.2.3.4\n")

    assert isinstance(only, HaproxyInstance)


def test_the_digest_does_not_depend_on_weights() -> None:
    other = TEXT.replace("weight 3", "weight 0")

    assert other != TEXT
    assert digest(other) == digest(TEXT)


def test_the_digest_depends_on_the_rest() -> None:
    assert digest(TEXT.replace("retries 2", "retries 3")) != digest(TEXT)
