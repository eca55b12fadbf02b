"""lvsnat apply FILE, try, clear: what is asked, what is refused, and what is left."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.commandline import CommandLine

from lvsnat.errors import ExitCode
from lvsnat.ipvs.resources import IpvsServer, IpvsService
from lvsnat.model.endpoint import Endpoint, parse_kernel_listener

LISTEN = parse_kernel_listener("tcp/192.168.1.50:80")
OTHER = """[[service]]
name = "mail"
listen = "tcp/192.168.1.50:25"
servers = [{ address = "192.168.2.60:25" }]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "other.toml"
    path.write_text(OTHER)
    return path


def test_apply_of_a_file_makes_it_the_configuration(web: CommandLine, file: Path) -> None:
    before = web.config

    result = web("apply", str(file))

    assert result.stdout.splitlines()[0] == "+ service tcp/192.168.1.50:25  scheduler=wlc"
    assert result.stderr == "2 created, 0 changed, 3 removed\n"
    assert web.config == OTHER
    assert web.paths.replaced_config.read_text() == before


def test_apply_reads_standard_input(web: CommandLine) -> None:
    result = web("apply", "-", stdin=OTHER)

    assert result.exit_code == ExitCode.DONE
    assert web.config == OTHER


def test_a_wrong_file_is_refused_whole(web: CommandLine, file: Path) -> None:
    file.write_text(OTHER + 'colour = "red"\n')
    before = web.config

    result = web("apply", str(file))

    assert result.exit_code == ExitCode.USAGE
    assert f"error: {file}:5: service[0].colour" in result.stderr
    assert (web.config, web.changes) == (before, [])
    assert not web.paths.replaced_config.exists()


def test_a_file_that_is_not_there(web: CommandLine) -> None:
    result = web("apply", "nowhere.toml")

    assert result.exit_code == ExitCode.USAGE
    assert "error: nowhere.toml: there is no such file" in result.stderr


def test_a_dry_run_of_a_file_leaves_the_configuration(web: CommandLine, file: Path) -> None:
    before = web.config

    shown = web.ok("apply", str(file), "--dry-run")

    assert "2 to create, 0 to change, 3 to remove" in shown
    assert (web.config, web.changes) == (before, [])


def test_apply_expects_the_plan_that_was_looked_at(web: CommandLine) -> None:
    web.kernel.state.pop(list(web.kernel.state)[-1])
    fingerprint = web.ok("plan").partition("(plan ")[2].rstrip(")\n")
    web.kernel.state.pop(list(web.kernel.state)[-1])

    moved = web("apply", "--expect", fingerprint)
    assert moved.exit_code == ExitCode.REFUSED
    assert f"not {fingerprint}: something has moved" in moved.stderr
    assert web.changes == []

    now = web.ok("plan").partition("(plan ")[2].rstrip(")\n")
    web.ok("apply", "--expect", now)
    assert len(web.changes) == 2


@pytest.mark.parametrize("command", ["clear", "try"])
def test_without_a_terminal_nobody_is_asked(web: CommandLine, command: str) -> None:
    result = web(command)

    assert result.exit_code == ExitCode.REFUSED
    assert "there is no terminal to ask on" in result.stderr
    assert "--yes answers" in result.stderr
    assert web.changes == []


def test_clear_takes_away_what_is_ours_and_nothing_else(web: CommandLine) -> None:
    theirs = IpvsService(parse_kernel_listener("udp/192.168.1.50:53"), "rr")
    web.kernel.state[theirs.key] = theirs
    before = web.config

    result = web("clear", "--yes")

    assert result.stderr == "0 created, 0 changed, 3 removed\n"
    assert list(web.kernel.state.values()) == [theirs]
    assert web.config == before
    web.ok("apply")
    assert len(web.kernel.state) == 4


def test_clear_keeps_what_the_operator_has_drained(web: CommandLine) -> None:
    web.ok("server", "drain", "web", "192.168.2.55:80")
    web.ok("clear", "--yes")

    web.ok("apply")

    server = web.kernel.state[IpvsServer(LISTEN, Endpoint.parse("192.168.2.55:80")).key]
    assert isinstance(server, IpvsServer)
    assert server.weight == 0


def test_clear_of_nothing_says_so(lvsnat: CommandLine) -> None:
    assert lvsnat("clear", "--yes").stderr == "in sync: nothing to change\n"


def test_a_dry_run_of_clear_asks_nothing(web: CommandLine) -> None:
    assert "0 to create, 0 to change, 3 to remove" in web.ok("clear", "--dry-run")
    assert web.changes == []


def test_try_with_yes_is_an_apply(web: CommandLine, file: Path) -> None:
    web.ok("try", str(file), "--yes")

    assert web.config == OTHER
    assert not web.paths.trial.exists()


def test_try_cannot_read_the_file_and_the_answer_from_one_place(web: CommandLine) -> None:
    result = web("try", "-", stdin=OTHER)

    assert result.exit_code == ExitCode.USAGE
    assert "hint: name a file" in result.stderr


@pytest.mark.parametrize("option", ["--revert", "--keep"])
def test_without_a_trial_there_is_nothing_to_decide(web: CommandLine, option: str) -> None:
    result = web("try", option)

    assert result.exit_code == ExitCode.REFUSED
    assert "there is no trial to decide" in result.stderr


JOURNAL = '{"version": 1, "began": 1800000000, "config": "", "overrides": null, "tried": %s}'


def test_a_trial_that_was_cut_off_is_mentioned_until_it_is_decided(web: CommandLine) -> None:
    tried = web.config.replace("\n", "\\n").replace('"', '\\"')
    web.paths.trial.write_text(JOURNAL % f'"{tried}"')

    mentioned = web("status")
    reverted = web("try", "--revert")

    assert "was cut off and its changes may stand: 'lvsnat try --revert'" in mentioned.stderr
    assert reverted.stderr == "0 created, 0 changed, 3 removed\n"
    assert web.kernel.state == {}
    assert "cut off" not in web("status").stderr


def test_a_broken_journal_is_one_error(web: CommandLine) -> None:
    web.paths.trial.write_text("{}")

    result = web("try", "--revert")

    assert result.exit_code == ExitCode.FAILED
    assert f"mv {web.paths.trial} {web.paths.trial}.broken" in result.stderr


def stranger(web: CommandLine) -> None:
    """Make the service somebody else's, with a server of theirs."""
    web.paths.ledger.unlink()
    service = IpvsService(LISTEN, "rr")
    server = IpvsServer(LISTEN, Endpoint.parse("192.168.2.99:80"), 7)
    web.kernel.state = {service.key: service, server.key: server}


ADD = ("server", "add", "web", "192.168.2.57:80")


def test_an_edit_within_a_service_of_somebody_else_is_refused(web: CommandLine) -> None:
    stranger(web)
    before = web.config

    result = web(*ADD)

    assert result.exit_code == ExitCode.REFUSED
    assert "made by somebody else: service tcp/192.168.1.50:80" in result.stderr
    assert (web.config, web.changes) == (before, [])


def test_adopting_makes_a_service_exactly_as_configured(web: CommandLine) -> None:
    stranger(web)

    web.ok(*ADD, "--adopt")

    servers = [have for have in web.kernel.state.values() if isinstance(have, IpvsServer)]
    assert {str(server.endpoint): server.weight for server in servers} == {
        "192.168.2.55:80": 3,
        "192.168.2.56:80": 1,
        "192.168.2.57:80": 1,
    }
    assert web.ok("plan") == "in sync: nothing to do\n"


def test_adopting_takes_over_nothing_that_the_command_is_not_about(web: CommandLine) -> None:
    stranger(web)

    web.ok("service", "add", "dns", "udp/192.168.1.50:53", "--adopt")

    assert IpvsService(LISTEN, "rr").key in web.kernel.state
    assert web.director().view().plan().conflicts == (IpvsService(LISTEN, "rr"),)
