"""lvsnat service: what it says and what it does."""

from __future__ import annotations

import json

from cli.commandline import CommandLine

ADD = ("service", "add", "web", "tcp/192.168.1.50:80", "--server", "192.168.2.55:80=3")
ADDED = """\
+ service tcp/192.168.1.50:80  scheduler=wlc
+ server 192.168.2.55:80 of tcp/192.168.1.50:80  weight=3
"""


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
