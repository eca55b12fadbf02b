"""lvsnat mode, and the commands that meet a switch in its midst."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from cli.commandline import CommandLine

from lvsnat.director import detached, switchfile
from lvsnat.errors import ExitCode, RefusedError
from lvsnat.ipvs.resources import IpvsServer
from lvsnat.model.connection import Connection
from lvsnat.model.endpoint import Endpoint, parse_address, parse_kernel_listener
from lvsnat.model.mode import Mode
from lvsnat.model.phase import Phase
from lvsnat.model.status import ServerStats
from lvsnat.testing import FakeClock

FIRST = Endpoint.parse("192.168.2.55:80")
SERVER = IpvsServer(parse_kernel_listener("tcp/192.168.1.50:80"), FIRST).key
STEPS = [
    "HAProxy starts beside IPVS and gets new connections, by its side ports",
    "the TCP services go from IPVS",
    "new connections reach HAProxy directly",
    "the side ports are closed",
]


@pytest.fixture
def busy(web: CommandLine) -> CommandLine:
    """A director in lvs-nat that holds three connections."""
    hold(web, 3)
    web.clock = FakeClock()
    return web


def hold(box: CommandLine, active: int) -> None:
    client, virtual = parse_address("203.0.113.7"), Endpoint.parse("192.168.1.50:80")
    box.kernel.counters[SERVER] = ServerStats(active)
    box.kernel.connections[:] = [
        Connection("tcp", Endpoint(client, port), virtual, FIRST, "ESTABLISHED", 900)
        for port in range(4000, 4000 + active)
    ]


def stand_at(box: CommandLine, phase: Phase, origin: Phase | None = None) -> None:
    box.paths.switch.write_text(switchfile.render(switchfile.Journal(phase, origin)))


def by_hand(box: CommandLine, mode: Mode) -> None:
    """Write another mode into the configuration, as a person does."""
    lines = [line for line in box.config.splitlines() if not line.startswith("mode")]
    box.paths.config.write_text("\n".join([f'mode = "{mode}"', *lines]) + "\n")


def test_a_switch_says_each_step_and_what_it_waits_for(busy: CommandLine) -> None:
    busy.clock = FakeClock(lambda: hold(busy, 1), lambda: hold(busy, 0))

    result = busy("mode", "haproxy-tproxy")

    assert result.exit_code == ExitCode.DONE, result.output
    said = [line for line in result.stderr.splitlines() if "created" not in line]
    assert said[:7] == [
        f"{STEPS[0]}:",
        "waiting for IPVS: 3 connections left (10:00 min left)",
        "waiting for IPVS: 1 connection left (9:59 min left)",
        *(f"{step}:" for step in STEPS[1:]),
        "haproxy-tproxy is in force",
    ]
    assert "+ haproxy" in result.stdout
    assert "- service tcp/192.168.1.50:80" in result.stdout
    assert 'mode = "haproxy-tproxy"' in busy.config


@pytest.mark.usefixtures("nothing_ignored")
def test_the_mode_says_how_far_a_switch_is(busy: CommandLine) -> None:
    busy.clock = FakeClock(lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert busy("mode", "haproxy-tproxy").exit_code == 130

    shown = busy.ok("mode")
    found = json.loads(busy.ok("mode", "-o", "json"))

    assert "a switch to haproxy-tproxy is at both: new connections go to HAProxy" in shown
    assert "IPVS has 3 connections, awaited until " in shown
    assert (found["mode"], found["phase"]) == ("haproxy-tproxy", "both")
    assert found["switch"]["waits_for"] == "IPVS"
    assert found["switch"]["connections"] == 3
    assert found["switch"]["until"].startswith("2027-")


def test_what_is_to_be_known_is_said_before_anything_moves_and_once(web: CommandLine) -> None:
    web.ok("service", "set", "web", "--scheduler", "sed")

    said = web("mode", "haproxy-tproxy").stderr

    assert said.count("warning: web: the scheduler sed is HAProxy's") == 1
    assert said.index("the scheduler sed") < said.index("HAProxy starts beside IPVS")


@pytest.mark.usefixtures("nothing_ignored")
def test_ctrl_c_ends_the_waiting_and_loses_nothing(busy: CommandLine) -> None:
    busy.clock = FakeClock(lambda: os.kill(os.getpid(), signal.SIGINT))

    result = busy("mode", "haproxy-tproxy")

    assert result.exit_code == 130
    assert "'lvsnat mode haproxy-tproxy' and 'lvsnat apply' go on with it" in result.stderr
    assert SERVER in busy.kernel.state
    assert busy.proxy.state != {}
    hold(busy, 0)
    busy.ok("apply")
    assert SERVER not in busy.kernel.state


def test_without_a_switch_the_mode_is_all_there_is_to_say(web: CommandLine) -> None:
    found = json.loads(web.ok("mode", "-o", "json"))

    assert (found["phase"], found["switch"]) == ("lvs-nat", None)
    assert "switch" not in web.ok("mode")


def test_a_dry_run_shows_the_end_the_way_and_what_is_not_exact(busy: CommandLine) -> None:
    before = busy.config

    result = busy("mode", "haproxy-tproxy", "--dry-run", "--drain-timeout", "90s")

    assert result.exit_code == ExitCode.DONE
    assert "- service tcp/192.168.1.50:80" in result.stdout
    assert "unsafe" not in result.stdout
    assert "  2. wait until IPVS has no connection left, 1:30 min at most" in result.stderr
    assert result.stderr.index(STEPS[0]) < result.stderr.index(STEPS[1])
    assert "dry run: nothing was changed" in result.stderr
    assert (busy.config, busy.proxy.state) == (before, {})


def test_a_dry_run_fails_where_the_switch_would(busy: CommandLine) -> None:
    busy.proxy.unfit = "the program haproxy is not installed"

    result = busy("mode", "haproxy-tproxy", "--dry-run")

    assert result.exit_code == ExitCode.FAILED
    assert "not installed" in result.stderr


def test_now_cuts_what_is_left(busy: CommandLine) -> None:
    busy.ok("mode", "haproxy-tproxy", "--now")

    assert SERVER not in busy.kernel.state


def test_at_the_end_of_the_time_it_is_said_how_many_are_cut(busy: CommandLine) -> None:
    result = busy("mode", "haproxy-tproxy", "--drain-timeout", "2s")

    assert result.exit_code == ExitCode.DONE
    assert "the time is over: 3 connections left in IPVS, cut now" in result.stderr


def test_a_switch_as_a_document_is_one_plan_of_all_steps(busy: CommandLine) -> None:
    found = json.loads(busy.ok("mode", "haproxy-tproxy", "--now", "-o", "json"))

    assert found["applied"] is True
    names = [(change["action"], change["kind"]) for change in found["changes"]]
    assert names.index(("create", "haproxy")) < names.index(("remove", "service"))


def test_the_mode_in_force_is_no_switch(web: CommandLine) -> None:
    result = web("mode", "lvs-nat")

    assert result.exit_code == ExitCode.DONE
    assert "lvs-nat is in force" in result.stderr
    assert (result.stdout, web.changes) == ("", [])


def test_back_and_forth_leaves_the_configuration_as_it_was(web: CommandLine) -> None:
    before = web.config
    web.ok("mode", "haproxy-tproxy")
    web.ok("mode", "lvs-nat")

    assert web.config.replace('mode = "lvs-nat"\n', "") == before.replace('mode = "lvs-nat"\n', "")
    assert web.proxy.state == {}
    assert web.ok("plan", "--exit-code")


def test_a_mode_that_is_none_is_named(web: CommandLine) -> None:
    result = web("mode", "dr")

    assert result.exit_code == ExitCode.USAGE
    assert "known: lvs-nat, haproxy-tproxy" in result.stderr


@pytest.mark.parametrize("words", [["--now"], ["--dry-run"], ["--drain-timeout", "5m"]])
def test_options_of_a_switch_need_a_mode(web: CommandLine, words: list[str]) -> None:
    result = web("mode", *words)

    assert result.exit_code == ExitCode.USAGE
    assert "name a mode" in result.stderr


def test_now_and_a_time_contradict_each_other(web: CommandLine) -> None:
    assert web("mode", "lvs-nat", "--now", "--drain-timeout", "5m").exit_code == ExitCode.USAGE


def test_plan_shows_a_mode_written_by_hand_and_apply_switches(busy: CommandLine) -> None:
    by_hand(busy, Mode.HAPROXY_TPROXY)

    shown = busy("plan", "--exit-code")
    applied = busy("apply", "--expect", _fingerprint(shown.stdout))

    assert shown.exit_code == ExitCode.DRIFT
    assert "unsafe" not in shown.stdout
    assert "this host is at lvs-nat: 'lvsnat apply' goes to haproxy-tproxy" in shown.stderr
    assert applied.exit_code == ExitCode.DONE, applied.output
    assert all(step in applied.stderr for step in STEPS)
    assert SERVER not in busy.kernel.state


def _fingerprint(shown: str) -> str:
    return shown.rpartition("(plan ")[2].partition(")")[0]


def test_apply_of_a_file_with_another_mode_switches(busy: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "other.toml"
    before = busy.config
    by_hand(busy, Mode.HAPROXY_TPROXY)
    file.write_text(busy.config)
    busy.paths.config.write_text(before)

    dry = busy("apply", str(file), "--dry-run")
    busy.ok("apply", str(file))

    assert "step by step" in dry.stderr
    assert SERVER not in busy.kernel.state


def test_apply_refuses_another_plan_than_the_one_that_was_shown(busy: CommandLine) -> None:
    by_hand(busy, Mode.HAPROXY_TPROXY)

    assert busy("apply", "--expect", "123456").exit_code == ExitCode.REFUSED
    assert busy.proxy.state == {}


def test_a_trial_does_not_switch(busy: CommandLine) -> None:
    by_hand(busy, Mode.HAPROXY_TPROXY)

    result = busy("try", "--yes")

    assert result.exit_code == ExitCode.REFUSED
    assert "a trial cannot switch to haproxy-tproxy" in result.stderr
    assert busy.proxy.state == {}


@pytest.mark.usefixtures("nothing_ignored")
def test_services_come_and_go_in_the_midst_of_a_switch(busy: CommandLine) -> None:
    busy.clock = FakeClock(lambda: os.kill(os.getpid(), signal.SIGTERM))
    busy("mode", "haproxy-tproxy")

    busy.ok("service", "add", "shop", "tcp/192.168.1.50:81", "--server", "192.168.2.55:81")

    names = {key.name for key in (*busy.kernel.state, *busy.proxy.state)}
    assert {"tcp/192.168.1.50:81", "tcp/192.168.1.50:81 192.168.2.55:81"} <= names
    busy.ok("mode", "lvs-nat")
    assert len(json.loads(busy.ok("status", "-o", "json"))["services"]) == 2


@pytest.mark.usefixtures("nothing_ignored")
def test_clear_ends_a_switch(busy: CommandLine) -> None:
    busy.clock = FakeClock(lambda: os.kill(os.getpid(), signal.SIGTERM))
    busy("mode", "haproxy-tproxy")

    busy.ok("clear", "--yes")

    assert (busy.kernel.state, busy.proxy.state) == ({}, {})
    assert not busy.paths.switch.exists()


def test_a_failure_says_what_is_in_force(busy: CommandLine) -> None:
    busy.proxy.unfit = "the program haproxy is not installed"

    result = busy("mode", "haproxy-tproxy")

    assert result.exit_code == ExitCode.FAILED
    assert "lvs-nat is still in force" in result.stderr
    assert "haproxy-tproxy" not in busy.config


def test_a_step_that_was_cut_off_is_mentioned(busy: CommandLine) -> None:
    stand_at(busy, Phase.BOTH, Phase.LVS_NAT)

    assert "its last step was cut off" in busy.ok("mode")


def test_a_journal_that_cannot_be_read_is_named(busy: CommandLine) -> None:
    busy.paths.switch.write_text("{}")

    result = busy("status")

    assert result.exit_code == ExitCode.FAILED
    assert "switch.json: not the journal of a switch" in result.stderr


def test_without_systemd_a_switch_is_not_left_alone(tmp_path: Path) -> None:
    with pytest.raises(RefusedError) as caught:
        detached.insist(tmp_path / "absent")

    assert caught.value.hint is not None
    assert "nohup(1)" in caught.value.hint


def test_systemd_goes_on_with_the_same_files() -> None:
    words = detached.command(
        ["/usr/bin/lvsnat"], Mode.LVS_NAT, {"LVSNAT_CONFIG": "/etc/lvsnat/lvsnat.toml"}
    )

    assert words[:4] == ("systemd-run", "--collect", "--quiet", "--unit=lvsnat-mode.service")
    assert words[5:] == (
        "--setenv=LVSNAT_CONFIG=/etc/lvsnat/lvsnat.toml", "/usr/bin/lvsnat", "mode", "lvs-nat",
    )  # fmt: skip
