"""lvsnat plan, lvsnat apply."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from cli.commandline import CommandLine

from lvsnat.errors import ExitCode
from lvsnat.ipvs.resources import IpvsServer, IpvsService
from lvsnat.model.endpoint import Endpoint, parse_kernel_listener
from lvsnat.plan.change import Change, Report
from lvsnat.testing import FakeBackend

LISTEN = parse_kernel_listener("tcp/192.168.1.50:80")
STRANGER = IpvsService(parse_kernel_listener("udp/10.0.0.1:53"), "rr")


@pytest.fixture
def drifted(web: CommandLine) -> CommandLine:
    """Somebody changed a weight, and made a service."""
    heavier = IpvsServer(LISTEN, Endpoint.parse("192.168.2.55:80"), weight=9)
    web.kernel.state |= {heavier.key: heavier, STRANGER.key: STRANGER}
    return web


def test_plan_says_that_all_is_well(web: CommandLine) -> None:
    assert web.ok("plan", "--exit-code") == "in sync: nothing to do\n"


def test_plan_draws_differences_strangers_and_a_summary(drifted: CommandLine) -> None:
    text = drifted.ok("plan")

    changes, _, summary = text.rpartition("\n\n")
    assert changes == (
        "~ server 192.168.2.55:80 of tcp/192.168.1.50:80  weight 9 → 3\n"
        "\n"
        "made by somebody else, left alone:\n"
        "  service udp/10.0.0.1:53  scheduler=rr"
    )
    assert summary.startswith("0 to create, 1 to change, 0 to remove  (plan ")
    assert drifted.changes == []


def test_plan_exits_with_3_on_drift_when_asked(drifted: CommandLine) -> None:
    assert drifted("plan").exit_code == ExitCode.DONE
    assert drifted("plan", "--exit-code").exit_code == ExitCode.DRIFT


def test_a_stranger_alone_is_no_drift(web: CommandLine) -> None:
    web.kernel.state[STRANGER.key] = STRANGER

    assert web("plan", "--exit-code").exit_code == ExitCode.DONE


def test_plan_as_json_has_before_and_after(drifted: CommandLine) -> None:
    document = json.loads(drifted.ok("plan", "-o", "json"))

    [change] = document["changes"]
    assert (change["action"], change["kind"]) == ("change", "server")
    assert (change["before"]["weight"], change["after"]["weight"]) == ("9", "3")
    assert document["unmanaged"][0]["name"] == "udp/10.0.0.1:53"
    assert document["applied"] is False


def test_apply_ends_the_drift_and_leaves_strangers(drifted: CommandLine) -> None:
    result = drifted("apply")

    assert result.stdout == "~ server 192.168.2.55:80 of tcp/192.168.1.50:80  weight 9 → 3\n"
    assert STRANGER.key in drifted.kernel.state
    assert drifted("apply").stderr == "in sync: nothing to change\n"


@pytest.mark.parametrize("words", [("apply",), ("apply", "--boot"), ("try", "--yes")])
def test_a_configuration_that_is_gone_takes_nothing_away(
    web: CommandLine, words: Sequence[str]
) -> None:
    whole = web.config
    web.paths.config.unlink()

    result = web(*words)

    assert result.exit_code == ExitCode.REFUSED
    assert result.stderr == (
        f"error: there is no configuration {web.paths.config}: all that lvsnat made here would go\n"
        "hint: put the file back; 'lvsnat clear' takes everything away, if that is meant\n"
    )
    assert web.changes == []
    assert "3 to remove" in web.ok("apply", "--dry-run")
    web.paths.config.write_text(whole)
    web.ok(*words)


def test_a_configuration_that_is_there_and_empty_is_carried_out(web: CommandLine) -> None:
    web.paths.config.write_text("")

    web.ok("apply")

    assert web.kernel.state == {}
    web.paths.config.unlink()
    web.ok("apply")


def test_apply_as_a_dry_run_changes_nothing(drifted: CommandLine) -> None:
    assert "weight 9 → 3" in drifted.ok("apply", "--dry-run")
    assert drifted.changes == []


def test_what_somebody_else_made_is_taken_over_only_on_request(lvsnat: CommandLine) -> None:
    lvsnat.kernel.state[STRANGER.key] = STRANGER
    add = ("service", "add", "dns", "udp/10.0.0.1:53", "--scheduler", "wrr")

    refused = lvsnat(*add)
    assert refused.exit_code == ExitCode.REFUSED
    assert refused.stderr.startswith("error: made by somebody else: service udp/10.0.0.1:53\n")
    assert lvsnat.config == ""

    assert "! service udp/10.0.0.1:53  scheduler=rr\n" in lvsnat(*add, "--dry-run").stdout

    adopted = lvsnat(*add, "--adopt")
    assert adopted.stdout == "~ service udp/10.0.0.1:53  scheduler rr → wrr\n"


def test_many_changes_are_all_drawn(lvsnat: CommandLine) -> None:
    servers = [f"--server=10.0.{i}.1:80" for i in range(60)]

    text = lvsnat.ok("service", "add", "web", "tcp/192.168.1.50:80", *servers)

    assert len(text.splitlines()) == 61


class Interrupting(FakeBackend):
    """The operator presses Ctrl-C at the first change."""

    def apply(self, changes: Sequence[Change], done: Report) -> None:
        del changes, done
        raise KeyboardInterrupt


def test_an_interruption_ends_with_130_and_says_what_next(web: CommandLine) -> None:
    web.kernel = Interrupting(web.kernel.state.values())

    result = web("server", "set", "web", "192.168.2.55:80", "--weight", "9")

    assert result.exit_code == 130
    assert result.stderr == "'lvsnat plan' shows what differs now\ninterrupted\n"
    assert "weight = 3" in web.config
