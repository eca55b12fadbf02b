"""Bad input that no kernel is needed for: one clear error, the right exit code, nothing changed.

Single wrong words are in test_errors.py; what needs a kernel is in tests/e2e/test_bad_input.py.
"""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from errno import EINVAL, ENOENT
from pathlib import Path

import pytest
from cli.commandline import CommandLine

from lvsnat.cli import output
from lvsnat.cli.options import Output
from lvsnat.errors import ExitCode, LvsnatError
from lvsnat.model.resource import Key
from lvsnat.system import Completed, run

WEB = "tcp/192.168.1.50:80"
FIRST = "192.168.2.55:80"
CONFIG = f'[[service]]\nname = "web"\nlisten = "{WEB}"\n'


def refused(web: CommandLine, *command: str, code: ExitCode, stdin: str | None = None) -> str:
    """Run a command that must fail and change nothing; the one error that it gives."""
    before = (web.config, dict(web.kernel.state), web.paths.ledger.read_text())

    result = web(*command, stdin=stdin)

    assert result.exit_code == code, result.output
    assert result.stderr.count("error: ") == 1
    assert (web.config, web.kernel.state, web.paths.ledger.read_text()) == before
    return result.stderr


@pytest.mark.parametrize(
    ("listen", "options", "message"),
    [
        ("udp/224.0.0.1:53", [], "224.0.0.1 is a multicast address"),
        ("udp/0.0.0.0:53", [], "stands for every address"),
        ("udp/192.168.1.50:0", [], "port 0 (every port) needs persistence"),
        ("udp/192.168.1.50:53", ["--server", "[2001:db8::1]:53"], "of different families"),
        ("udp/192.168.1.50:53", ["--server", "1.2.3.4:53=65536"], "'65536' is not a weight"),
        ("tcp/192.168.1.50:81", ["--server", WEB[4:]], "the director's own listener"),
        ("tcp/192.168.1.50:80-90", [], "both take port 80"),
        ("fwmark/0", [], "is not a firewall mark"),
    ],
)
def test_a_service_that_cannot_be(
    web: CommandLine, listen: str, options: list[str], message: str
) -> None:
    assert message in refused(web, "service", "add", "x", listen, *options, code=ExitCode.USAGE)


def test_one_packet_scheduling_is_refused_with_what_to_do_instead(
    web: CommandLine, tmp_path: Path
) -> None:
    file = tmp_path / "new.toml"
    file.write_text(f"{CONFIG}one_packet = true\n")

    error = refused(web, "apply", str(file), code=ExitCode.USAGE)

    assert "one-packet scheduling cannot work with masquerading" in error
    assert "a short UDP timeout" in error


def test_a_file_of_a_newer_version(web: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "new.toml"
    file.write_text(f"version = 2\n{CONFIG}")

    error = refused(web, "apply", str(file), code=ExitCode.USAGE)

    assert f"{file}:1: version: the file has the form of version 2" in error


def test_a_pipe_that_brought_nothing_takes_nothing_away(web: CommandLine) -> None:
    error = refused(web, "apply", "-", code=ExitCode.USAGE, stdin="\n")

    assert "standard input is empty" in error


@pytest.mark.parametrize("file", ["ledger.json", "overrides.json", "try.json"])
def test_a_file_of_the_state_that_makes_no_sense(web: CommandLine, file: str) -> None:
    path = web.paths.state / file
    path.write_text('{"version": 99}')
    command = ("server", "set", "web", FIRST, "--weight", "9")

    error = refused(web, *command, code=ExitCode.FAILED)

    assert str(path) in error
    assert f"mv {path}" in error


def test_a_scheduler_that_this_kernel_lacks(web: CommandLine) -> None:
    web.kernel.refusals[Key("service", "udp/192.168.1.50:53")] = ENOENT

    error = refused(
        web, "service", "add", "dns", "udp/192.168.1.50:53", "--scheduler", "twos",
        code=ExitCode.FAILED,
    )  # fmt: skip

    assert "this kernel has no scheduler 'twos'" in error
    assert "modprobe ip_vs_twos" in error


def test_a_refusal_half_way(web: CommandLine) -> None:
    web.kernel.refusals[Key("server", f"{WEB} 192.168.2.56:80")] = EINVAL
    web.paths.config.write_text(
        web.config.replace("wrr", "rr").replace('56:80"', '56:80", weight = 7')
    )

    error = refused(web, "apply", code=ExitCode.FAILED)

    assert f"change server 192.168.2.56:80 of {WEB}" in error
    assert "the 1 of 2 changes made before it were undone" in error


@pytest.mark.parametrize(
    "command",
    [
        ["server", "disable", "web", FIRST, "--for", "9999999999h"],
        ["server", "drain", "web", FIRST, "--deadline", "9999999999h"],
        ["try", "--timeout", "9999999999h"],
    ],
    ids=lambda command: command[0] + command[-2],
)
def test_a_time_beyond_every_clock(web: CommandLine, command: list[str]) -> None:
    assert "'9999999999h' is too long" in refused(web, *command, code=ExitCode.USAGE)


@pytest.mark.parametrize("spelling", ["udp/[2001:DB8:0::50]:53", "udp/[2001:db8:0:0::50]:53"])
def test_a_listener_is_found_in_any_spelling(web: CommandLine, spelling: str) -> None:
    web.ok("service", "add", "dns", "udp/[2001:db8::50]:53", "--server", "[2001:db8::1]:53")

    assert web.ok("service", "show", spelling).startswith("dns\n")
    assert "dns udp/[2001:db8::50]:53" in web.ok("status", spelling)
    web.ok("server", "set", spelling, "[2001:db8:0::1]:53", "--weight", "2")
    assert "weight = 2" in web.config


def in_a_shell(command: str, web: CommandLine) -> Completed:
    """Run a line of shell in which ``$lvsnat`` is the program."""
    variables = {
        "lvsnat": f"{sys.executable} -m lvsnat",
        "LVSNAT_CONFIG": str(web.paths.config),
        "LVSNAT_STATE_DIR": str(web.paths.state),
        "LVSNAT_RUN_DIR": str(web.paths.run),
    }
    settings = [f"{name}={value}" for name, value in variables.items()]
    return run(["env", *settings, "bash", "-c", command])


@pytest.mark.parametrize("notation", ["table", "json", "yaml"])
def test_a_full_disk_behind_the_result_is_one_error(web: CommandLine, notation: str) -> None:
    done = in_a_shell(f"$lvsnat service list -o {notation} > /dev/full; echo $?", web)

    assert done.stdout == "1\n"
    assert done.stderr.startswith("error: cannot write to standard output: No space left")
    assert done.stderr.count("\n") == 2


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("service list >&-", ExitCode.DONE, ""),
        ("service list -o json <&- >&- 2>&-", ExitCode.DONE, ""),
        ("service show nope 2>&-", ExitCode.USAGE, ""),
        ("service show nope 2>/dev/full", ExitCode.USAGE, ""),
        ("clear <&-", ExitCode.REFUSED, "there is no terminal to ask on"),
        ("apply - <&-", ExitCode.USAGE, "standard input is empty"),
    ],
)
def test_a_stream_that_was_closed(web: CommandLine, line: str, code: ExitCode, said: str) -> None:
    done = in_a_shell(f"exec 9>&1; $lvsnat {line}; echo $? >&9", web)

    assert done.stdout.splitlines()[-1] == str(int(code))
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("output_format", Output)
def test_a_full_disk_behind_the_result_does_not_stop_a_change(
    web: CommandLine, output_format: Output
) -> None:
    web.kernel.state.clear()
    changes = web.director().planned().plan
    reported = []

    def draw() -> None:
        with output.carrying_out(changes, (), output_format) as report:
            for change in changes.changes:
                report(change)
                reported.append(change)

    lost = pytest.raises(LvsnatError, match="cannot write to standard output")
    with Path("/dev/full").open("w") as full, redirect_stdout(full), lost:
        draw()

    assert len(reported) == 3


@pytest.mark.parametrize(
    "command", [("plan",), ("apply",), ("apply", "--dry-run"), ("try", "--yes")]
)
def test_a_slip_in_the_name_of_the_configuration_takes_nothing_away(
    web: CommandLine, tmp_path: Path, command: tuple[str, ...]
) -> None:
    slip = tmp_path / "lvsnat.tmol"

    result = web("--config", str(slip), *command)

    assert result.exit_code == ExitCode.USAGE
    assert result.stderr.startswith(f"error: there is no configuration {slip}\n")
    assert web.changes == []
