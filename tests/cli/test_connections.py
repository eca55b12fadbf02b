"""lvsnat connections."""

from __future__ import annotations

import json

import pytest
import yaml
from cli.commandline import CommandLine

from lvsnat.errors import ExitCode
from lvsnat.model.connection import Connection
from lvsnat.model.endpoint import Endpoint


def connection(client: str, server: str, state: str = "ESTABLISHED", port: int = 80) -> Connection:
    ends = (Endpoint.parse(client), Endpoint.parse(f"192.168.1.50:{port}"), Endpoint.parse(server))
    return Connection("tcp", *ends, state, 899)


FIRST, SECOND = "192.168.2.55:80", "192.168.2.56:80"


@pytest.fixture
def busy(web: CommandLine) -> CommandLine:
    """Three connections to the service, one to somebody else's, one template."""
    web.kernel.connections = [
        connection("203.0.113.9:40001", FIRST),
        connection("203.0.113.9:40002", SECOND, "SYN_RECV"),
        connection("198.51.100.7:40003", FIRST, "TIME_WAIT"),
        connection("198.51.100.7:40004", FIRST, port=81),
        connection("203.0.113.0:0", FIRST, "ASSURED"),
    ]
    return web


def test_connections_are_drawn_with_the_names_of_their_services(busy: CommandLine) -> None:
    assert busy.ok("connections").splitlines() == [
        "CLIENT              SERVICE              SERVER           STATE          EXPIRES  LISTEN",
        (
            "203.0.113.9:40001   web                  192.168.2.55:80  ESTABLISHED  14:59 min"
            "  tcp/192.168.1.50:80"
        ),
        (
            "203.0.113.9:40002   web                  192.168.2.56:80  SYN_RECV     14:59 min"
            "  tcp/192.168.1.50:80"
        ),
        (
            "198.51.100.7:40003  web                  192.168.2.55:80  TIME_WAIT    14:59 min"
            "  tcp/192.168.1.50:80"
        ),
        (
            "198.51.100.7:40004  tcp/192.168.1.50:81  192.168.2.55:80  ESTABLISHED  14:59 min"
            "  tcp/192.168.1.50:81"
        ),
        (
            "203.0.113.0         web                  192.168.2.55:80  ASSURED      14:59 min"
            "  tcp/192.168.1.50:80"
        ),
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--service", "web"], 3),
        (["--service", "tcp/192.168.1.50:81"], 1),
        (["--client", "203.0.113.0/24"], 2),
        (["--server", "192.168.2.56"], 1),
        (["--server", "192.168.2.55:80"], 3),
        (["--server", "192.168.2.55:8080"], 0),
        (["--state", "syn_recv"], 1),
        (["--protocol", "udp"], 0),
        (["--service", "web", "--client", "198.51.100.7", "--state", "TIME_WAIT"], 1),
    ],
    ids=str,
)
def test_options_select_and_count_counts(
    busy: CommandLine, options: list[str], expected: int
) -> None:
    assert busy.ok("connections", "--count", *options) == f"{expected}\n"


def test_templates_are_no_connections_and_counted_apart(busy: CommandLine) -> None:
    result = busy("connections", "--count")

    assert (result.stdout, result.stderr) == ("4\n", "and 1 template of persistence\n")


@pytest.mark.parametrize(
    ("by", "first"),
    [
        ("client", "198.51.100.7            2    50%          -"),
        ("server", "192.168.2.55:80            3    75%          1"),
        ("service", "web                            3    75%          1"),
        ("state", "ESTABLISHED            2    50%          -"),
    ],
)
def test_groups_come_most_first(busy: CommandLine, by: str, first: str) -> None:
    lines = busy.ok("connections", "--by", by).splitlines()

    assert lines[0].split() == [by.upper(), "CONNECTIONS", "SHARE", "TEMPLATES"]
    assert lines[1] == first


def test_the_top_shows_who_holds_the_most_in_every_respect(busy: CommandLine) -> None:
    assert busy.ok("connections", "--top", "1").splitlines() == [
        "4 connections, 1 template of persistence",
        "",
        "CLIENT        CONNECTIONS  SHARE",
        "198.51.100.7            2    50%",
        "",
        "SERVICE  CONNECTIONS  SHARE  TEMPLATES",
        "web                3    75%          1",
        "",
        "SERVER           CONNECTIONS  SHARE  TEMPLATES",
        "192.168.2.55:80            3    75%          1",
        "",
        "STATE        CONNECTIONS  SHARE",
        "ESTABLISHED            2    50%",
    ]


def test_the_top_by_one_thing_is_that_alone(busy: CommandLine) -> None:
    by_state = busy.ok("connections", "--by", "state", "--top", "2")

    assert by_state == busy.ok("connections", "--by", "state", "--limit", "2")
    assert len(by_state.splitlines()) == 3


def test_the_top_as_a_document_has_all_views(busy: CommandLine) -> None:
    document = json.loads(busy.ok("connections", "--top", "1", "-o", "json"))

    assert (document["connections"], document["templates"]) == (4, 1)
    assert [one["by"] for one in document["top"]] == ["client", "service", "server", "state"]
    assert document["top"][1] == {
        "by": "service",
        "groups": [{"service": "web", "connections": 3, "templates": 1}],
        "complete": False,
        "too_low_by": 0,
    }


def test_the_top_without_connections_is_empty(web: CommandLine) -> None:
    assert web.ok("connections", "--top", "3").startswith("0 connections\n\nCLIENT  CONNECTIONS\n")


def test_a_limit_shows_the_first_and_says_that_there_are_more(busy: CommandLine) -> None:
    result = busy("connections", "--limit", "2")

    assert len(result.stdout.splitlines()) == 3
    assert result.stderr == "the first 2; there are more\n"


def test_a_limit_that_is_not_reached_says_nothing(busy: CommandLine) -> None:
    assert busy("connections", "--limit", "5").stderr == ""


def test_a_streamed_document_is_a_whole_document(busy: CommandLine) -> None:
    document = json.loads(busy.ok("connections", "-o", "json"))

    assert document["schema"] == "lvsnat/connections/1"
    assert document["complete"] is True
    assert document["connections"][4] == {
        "service": "web",
        "listen": "tcp/192.168.1.50:80",
        "protocol": "tcp",
        "client": "203.0.113.0:0",
        "virtual": "192.168.1.50:80",
        "server": "192.168.2.55:80",
        "state": "ASSURED",
        "expires": 899,
        "template": True,
        "engine": None,
        "engine_data": None,
        "carrier": "ipvs",
    }


@pytest.mark.parametrize(
    "options",
    [[], ["--limit", "2"], ["--state", "CLOSE"], ["--by", "client"], ["--count"], ["--top", "2"]],
    ids=str,
)
def test_yaml_says_the_same_as_json(busy: CommandLine, options: list[str]) -> None:
    as_json = json.loads(busy.ok("connections", *options, "-o", "json"))

    assert yaml.safe_load(busy.ok("connections", *options, "-o", "yaml")) == as_json


def test_a_document_that_a_limit_cut_says_so(busy: CommandLine) -> None:
    listed = json.loads(busy.ok("connections", "--limit", "2", "-o", "json"))
    groups = json.loads(busy.ok("connections", "--by", "state", "--limit", "1", "-o", "json"))

    assert (len(listed["connections"]), listed["complete"]) == (2, False)
    assert (len(groups["groups"]), groups["complete"]) == (1, False)


def test_a_service_of_a_mark_is_told_by_its_servers(lvsnat: CommandLine) -> None:
    lvsnat.ok("service", "add", "bundle", "fwmark/7", "--server", "192.168.2.55:0")
    lvsnat.kernel.connections = [connection("203.0.113.9:40001", "192.168.2.55:21", port=21)]

    assert lvsnat.ok("connections", "--service", "bundle", "--count") == "1\n"


def test_lines_that_make_no_sense_are_left_out_and_mentioned(busy: CommandLine) -> None:
    lines = [*busy.kernel.connection_lines(), "gibberish\n"]
    busy.kernel.connection_lines = lambda: iter(lines)  # type: ignore[method-assign]

    result = busy("connections")

    assert len(result.stdout.splitlines()) == 6
    assert result.stderr == "note: 1 line of the kernel made no sense\n"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--service", "wbe"], "no service 'wbe'"),
        (["--client", "somebody"], "'somebody' is not a network"),
        (["--server", "somewhere"], "'somewhere' is not an IP address"),
        (["--state", "OPEN"], "'OPEN' is not a state"),
        (["--protocol", "icmp"], "'icmp' is not a protocol"),
        (["--by", "colour"], "'colour' is not something to count by"),
        (["--limit", "0"], "'0' is not a number of lines"),
        (["--watch", "0"], "'0' is not a number of seconds"),
        (["--count", "--by", "client"], "--count counts everything"),
        (["--count", "--top", "3"], "--count counts everything"),
        (["--top", "3", "--limit", "3"], "--top and --limit are two limits"),
    ],
    ids=str,
)
def test_a_wrong_word_says_what_would_be_right(
    busy: CommandLine, options: list[str], said: str
) -> None:
    result = busy("connections", *options)

    assert result.exit_code == ExitCode.USAGE
    assert result.stderr.startswith(f"error: {said}")
    assert "\nhint: " in result.stderr


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("connections --service ", {"web"}),
        ("connections --server ", {"192.168.2.55:80", "192.168.2.55", "192.168.2.56"}),
        ("connections --service web --server 192.168.2.56", {"192.168.2.56:80"}),
        ("connections --state S", {"SYN_RECV", "SYN_SENT"}),
        ("connections --protocol ", {"tcp", "udp", "sctp"}),
        ("connections --by ", {"client", "server", "service", "state"}),
        ("stats ", {"web"}),
    ],
)
def test_the_tab_key_offers_what_is_there(web: CommandLine, typed: str, offered: set[str]) -> None:
    result = web(
        env={
            "_LVSNAT_COMPLETE": "complete_bash",
            "COMP_WORDS": f"lvsnat {typed}",
            "COMP_CWORD": str(len(typed.split(" "))),
            "LVSNAT_CONFIG": str(web.paths.config),
        }
    )

    assert offered <= set(result.stdout.split())
