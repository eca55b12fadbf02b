"""lvsnat service: what it says and what it does."""

from __future__ import annotations

import json

import pytest
from cli.commandline import CommandLine

from lvsnat.errors import ExitCode

ADD = ("service", "add", "web", "tcp/192.168.1.50:80", "--server", "192.168.2.55:80=3")
ADDED = """\
+ service tcp/192.168.1.50:80  scheduler=wlc
+ server 192.168.2.55:80 of tcp/192.168.1.50:80  weight=3
"""

NO_PROXY: dict[str, object] = {
    "mode": "tcp",
    "client_timeout": None,
    "server_timeout": None,
    "connect_timeout": None,
    "maxconn": None,
    "forwardfor": False,
    "cookie": None,
    "frontend_lines": [],
    "backend_lines": [],
}
NO_POLICY: dict[str, object] = {
    "on_fail": None,
    "quorum": 1,
    "hysteresis": 0,
    "max_down": 100,
    "warmup": 0.0,
    "damping": 0.0,
}


def write(web: CommandLine, line: str) -> None:
    """Write a line into the service, as a person would."""
    web.paths.config.write_text(web.config.replace("servers = [", f"{line}\nservers = [", 1))


def test_add_draws_what_it_made(lvsnat: CommandLine) -> None:
    result = lvsnat(*ADD)

    assert result.stdout == ADDED
    assert result.stderr == "2 created, 0 changed, 0 removed\n"
    assert 'listen = "tcp/192.168.1.50:80"' in lvsnat.config
    assert [str(key) for key in lvsnat.kernel.state] == [
        "service tcp/192.168.1.50:80",
        "server tcp/192.168.1.50:80 192.168.2.55:80",
    ]


def test_a_dry_run_draws_the_same_and_changes_nothing(lvsnat: CommandLine) -> None:
    result = lvsnat(*ADD, "--dry-run")

    assert result.stdout.startswith(ADDED)
    assert "2 to create, 0 to change, 0 to remove" in result.stdout
    assert result.stderr == "dry run: nothing was changed\n"
    assert lvsnat.config == ""
    assert lvsnat.changes == []


def test_add_takes_every_setting(lvsnat: CommandLine) -> None:
    lvsnat.ok(
        "service", "add", "sip", "udp/[2001:db8::50]:5060", "--scheduler", "sh",
        "--sched-flags", "sh-fallback,sh-port", "--persistent", "300/64",
        "--server", "[2001:db8:2::55]:5060=2", "--server", "[2001:db8:2::56]:5060",
    )  # fmt: skip

    shown = json.loads(lvsnat.ok("service", "show", "sip", "-o", "json"))

    assert shown == {
        "schema": "lvsnat/service/1",
        "service": {
            "name": "sip",
            "listen": "udp/[2001:db8::50]:5060",
            "scheduler": "sh",
            "flags": ["sh-fallback", "sh-port"],
            "persistence": {"timeout": 300, "netmask": 64, "engine": None},
            "check": None,
            "more_checks": [],
            **NO_POLICY,
            "sorry": None,
            "haproxy": NO_PROXY,
            "servers": [
                {"address": "[2001:db8:2::55]:5060", "weight": 2, "upper": 0, "lower": 0},
                {"address": "[2001:db8:2::56]:5060", "weight": 1, "upper": 0, "lower": 0},
            ],
        },
    }


def test_set_changes_in_place_and_keeps_the_rest(web: CommandLine) -> None:
    result = web("service", "set", "web", "--persistent", "300/24")

    assert result.stdout == ("~ service tcp/192.168.1.50:80  persistence none → 300 s, /24\n")
    assert 'scheduler = "wrr"' in web.config
    assert len(web.changes) == 1


def test_none_takes_a_setting_away(web: CommandLine) -> None:
    web.ok("service", "set", "web", "--scheduler", "sh", "--sched-flags", "sh-port")
    web.ok("service", "set", "web", "--persistent", "300")

    web.ok("service", "set", "web", "--sched-flags", "none", "--persistent", "none")

    assert json.loads(web.ok("service", "show", "web", "-o", "json"))["service"]["flags"] == []
    assert "persistence" not in web.config


def test_add_takes_a_check_and_a_sorry_server(lvsnat: CommandLine) -> None:
    lvsnat.ok(*ADD, "--check", "http:/health", "--sorry", "192.168.2.99:80")

    assert 'check = "http:/health"\nsorry = "192.168.2.99:80"\n' in lvsnat.config
    shown = json.loads(lvsnat.ok("service", "show", "web", "-o", "json"))["service"]
    assert shown["sorry"] == "192.168.2.99:80"
    assert shown["check"] == {
        "type": "http",
        "path": "/health",
        "method": "GET",
        "host": None,
        "expect": "200-399",
        "body": None,
        "regex": None,
        "verify": True,
        "certificate": None,
        "send": None,
        "name": None,
        "record": "A",
        "command": [],
        "file": None,
        "source": None,
        "reset": True,
        "port": None,
        "interval": 2.0,
        "fast_interval": None,
        "timeout": 2.0,
        "rise": 2,
        "fall": 3,
        "jitter": 0.1,
    }


def test_add_takes_several_checks_and_what_follows_from_them(lvsnat: CommandLine) -> None:
    lvsnat.ok(
        *ADD, "--check", "http:/health", "--check", "agent:8080", "--on-fail", "remove",
        "--quorum", "2", "--hysteresis", "1", "--max-down", "50%", "--warmup", "30s",
        "--damping", "10m",
    )  # fmt: skip

    assert (
        'check = ["http:/health", "agent:8080"]\non_fail = "remove"\nquorum = 2\nhysteresis = 1\n'
        'max_down = "50%"\nwarmup = "30s"\ndamping = "600s"\n'
    ) in lvsnat.config
    shown = json.loads(lvsnat.ok("service", "show", "web", "-o", "json"))["service"]
    assert [check["type"] for check in shown["more_checks"]] == ["agent"]
    assert {key: shown[key] for key in NO_POLICY} == {
        "on_fail": "remove",
        "quorum": 2,
        "hysteresis": 1,
        "max_down": 50,
        "warmup": 30.0,
        "damping": 600.0,
    }
    assert (
        "  check       http:/health\n"
        "  check       agent:8080\n"
        '  failures    on_fail="remove" quorum=2 hysteresis=1 max_down=50 warmup=30.0'
        " damping=600.0\n"
    ) in lvsnat.ok("service", "show", "web")
    assert "http:/health, agent:8080" in lvsnat.ok("service", "list")


def test_what_follows_from_failures_is_taken_away_by_its_usual_value(web: CommandLine) -> None:
    before = web.config
    web.ok("service", "set", "web", "--on-fail", "drain", "--quorum", "2", "--warmup", "30")
    assert web.config != before

    web.ok("service", "set", "web", "--on-fail", "none", "--quorum", "1", "--warmup", "0")

    assert web.config == before


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--on-fail", "kill", "'kill' is not what becomes of a failed server"),
        ("--quorum", "x", "'x' is not a number of servers"),
        ("--quorum", "99999", "'99999' is not a number of servers"),
        ("--max-down", "0", "'0' is not a share of the servers"),
        ("--max-down", "101%", "'101%' is not a share of the servers"),
        ("--warmup", "x", "'x' is not a duration"),
    ],
)
def test_what_makes_no_sense_for_failures_is_refused(
    web: CommandLine, option: str, value: str, message: str
) -> None:
    result = web("service", "set", "web", option, value)

    assert result.exit_code == ExitCode.USAGE
    assert f"error: {message}\n" in result.stderr


def test_a_check_that_stays_keeps_its_words_among_others(web: CommandLine) -> None:
    write(web, 'check = { type = "http", path = "/a", interval = "5s" } # why')

    web.ok("service", "set", "web", "--check", "http:/a", "--check", "ping")

    assert (
        'check = [{ type = "http", path = "/a", interval = "5s" },'
        ' { type = "ping", interval = "5s" }] # why\n'
    ) in web.config


def test_another_check_keeps_the_times_of_the_file(web: CommandLine) -> None:
    write(web, 'check = { type = "http", path = "/a", interval = "5s" }')

    web.ok("service", "set", "web", "--check", "tcp")

    assert 'check = { type = "tcp", interval = "5s" }' in web.config


def test_none_takes_check_and_sorry_server_away(web: CommandLine) -> None:
    before = web.config
    web.ok("service", "set", "web", "--check", "tcp", "--sorry", "192.168.2.99:80")
    assert web.config != before

    web.ok("service", "set", "web", "--check", "none", "--sorry", "none")

    assert web.config == before


def test_a_check_that_cannot_be_read_is_refused_with_the_forms(web: CommandLine) -> None:
    result = web("service", "set", "web", "--check", "dns")

    assert result.exit_code == ExitCode.USAGE
    assert result.stderr == (
        "error: 'dns' is not a check\nhint: write 'tcp', 'http:/path', 'https:/path', 'udp',"
        " 'dns:name', 'ping', 'grpc', 'grpc:service', 'agent:port' or 'file:/path'\n"
    )


def test_show_and_list_draw_what_haproxy_is_for(web: CommandLine) -> None:
    write(web, 'check = { type = "http", path = "/up", rise = 5 }')
    write(web, 'sorry = "192.168.2.99:80"')
    write(web, 'haproxy = { mode = "http", forwardfor = true }')

    assert web.ok("service", "show", "web").startswith(
        "web\n"
        "  listen      tcp/192.168.1.50:80\n"
        "  scheduler   wrr\n"
        "  check       http:/up rise=5\n"
        "  sorry       192.168.2.99:80\n"
        '  haproxy     mode="http" forwardfor=true\n'
    )
    assert web.ok("service", "list") == (
        "NAME  LISTEN               SCHEDULER  PERSISTENT  CHECK     SORRY            SERVERS\n"
        "web   tcp/192.168.1.50:80  wrr        -           http:/up  192.168.2.99:80        2\n"
    )


def test_a_listener_names_a_service(web: CommandLine) -> None:
    assert web.ok("service", "show", "tcp/192.168.1.50:80").startswith("web\n")


def test_show_draws_the_servers(web: CommandLine) -> None:
    assert web.ok("service", "show", "web") == (
        "web\n"
        "  listen      tcp/192.168.1.50:80\n"
        "  scheduler   wrr\n"
        "\n"
        "  SERVER           WEIGHT  UPPER  LOWER\n"
        "  192.168.2.55:80       3      -      -\n"
        "  192.168.2.56:80       1      -      -\n"
    )


def test_list_draws_a_line_for_each_service(web: CommandLine) -> None:
    assert web.ok("service", "list") == (
        "NAME  LISTEN               SCHEDULER  PERSISTENT  SERVERS\n"
        "web   tcp/192.168.1.50:80  wrr        -                 2\n"
    )


def test_list_of_nothing_leaves_stdout_empty(lvsnat: CommandLine) -> None:
    result = lvsnat("service", "list")

    assert result.stdout == ""
    assert "lvsnat service add --help" in result.stderr
    assert json.loads(lvsnat.ok("service", "list", "-o", "json"))["services"] == []


def test_remove_takes_the_servers_first(web: CommandLine) -> None:
    assert web.ok("service", "remove", "web") == (
        "- server 192.168.2.55:80 of tcp/192.168.1.50:80  weight=3\n"
        "- server 192.168.2.56:80 of tcp/192.168.1.50:80  weight=1\n"
        "- service tcp/192.168.1.50:80  scheduler=wrr\n"
    )
    assert web.kernel.state == {}


def test_a_change_as_json_says_that_it_was_applied(lvsnat: CommandLine) -> None:
    document = json.loads(lvsnat.ok(*ADD, "-o", "json"))

    assert document["schema"] == "lvsnat/plan/1"
    assert document["applied"] is True
    assert document["summary"] == {"create": 2, "change": 0, "remove": 0}
