"""The program as a whole: help, version, what it loads, pipes, completion."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from cli.commandline import CommandLine

from lvsnat.__main__ import find_what_root_finds
from lvsnat.system import Completed, run

PATIENCE = 280.0
"""Seconds for one run of the program, wherever it is tried."""
MUST_WAIT = ("boto3", "pydantic", "pyroute2", "rich", "textual", "tomlkit", "yaml")
CONFIG = """
[[service]]
name = "web"
listen = "tcp/192.168.1.50:80"
servers = [{ address = "192.168.2.55:80" }, { address = "192.168.3.56:80", weight = 3 }]

[[service]]
name = "mail"
listen = "tcp/192.168.1.50:25"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "lvsnat.toml"
    path.write_text(CONFIG)
    return path


def in_a_shell(command: str, **variables: str) -> Completed:
    """Run a line of shell in which ``$lvsnat`` is the program."""
    settings = [f"{name}={value}" for name, value in variables.items()]
    # Whether there is colour is the test's choice, not that of whoever runs the tests.
    bare = ("env", "-u", "FORCE_COLOR", "-u", "NO_COLOR")
    return run(
        [*bare, *settings, f"lvsnat={sys.executable} -m lvsnat", "bash", "-c", command],
        timeout=PATIENCE,
    )


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_what_is_slow_to_import_is_not_imported_for(option: str) -> None:
    code = (
        "import atexit, sys; from lvsnat.cli.main import app;"
        f"atexit.register(lambda: print('loaded', *(set({MUST_WAIT}) & sys.modules.keys())));"
        f"app(['{option}'])"
    )

    done = run([sys.executable, "-c", code], timeout=PATIENCE)

    assert done.stdout.endswith("\nloaded\n")


def test_a_command_loads_no_other_ones_module(config: Path) -> None:
    code = (
        "import atexit, sys; from lvsnat.cli.main import app;"
        "atexit.register(lambda: print(*(n for n in sys.modules if n.startswith('lvsnat.cli.'))));"
        f"app(['--config', '{config}', 'service', 'list'])"
    )

    loaded = run([sys.executable, "-c", code], timeout=PATIENCE).stdout.splitlines()[-1].split()

    assert "lvsnat.cli.service" in loaded
    assert not {"lvsnat.cli.aws", "lvsnat.cli.doctor", "lvsnat.cli.gateway"} & set(loaded)


def test_no_command_is_a_request_for_help(lvsnat: CommandLine) -> None:
    assert lvsnat.ok().startswith("Usage: lvsnat")
    assert "Virtual services" in lvsnat.ok("--help")


def test_the_version_is_one_line(lvsnat: CommandLine) -> None:
    assert lvsnat.ok("--version").startswith("lvsnat ")


def test_the_configuration_is_named_by_option_or_environment(config: Path) -> None:
    by_option = in_a_shell(f"$lvsnat --config {config} service list")
    by_environment = in_a_shell("$lvsnat service list", LVSNAT_CONFIG=str(config))

    assert by_option.stdout == by_environment.stdout
    assert "mail  tcp/192.168.1.50:25" in by_option.stdout


def test_the_administrators_programs_are_found_whatever_su_has_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/home/me/bin:/bin")

    find_what_root_finds()

    assert os.environ["PATH"] == "/home/me/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"


def test_a_reader_that_goes_away_is_no_error(config: Path) -> None:
    for output in ("table", "json"):
        line = f"$lvsnat --config {config} service list -o {output} | true; echo ${{PIPESTATUS[0]}}"

        done = in_a_shell(line)

        assert (done.stdout, done.stderr) == ("0\n", "")


def test_a_pipe_gets_no_colour_unless_forced(config: Path) -> None:
    line = f"$lvsnat --config {config} service list"

    assert "\x1b" not in in_a_shell(line).stdout
    assert "\x1b[1m" in in_a_shell(line, FORCE_COLOR="1", TERM="xterm").stdout


def completed(config: Path, words: str) -> list[str]:
    """What bash offers after these words."""
    variables = {
        "_LVSNAT_COMPLETE": "complete_bash",
        "COMP_WORDS": f"lvsnat {words}",
        "COMP_CWORD": str(len(words.split(" "))),
        "LVSNAT_CONFIG": str(config),
    }
    done = in_a_shell("$lvsnat", **variables)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("service show ", ["web", "mail"]),
        ("service show w", ["web"]),
        ("service show tcp/", ["tcp/192.168.1.50:80", "tcp/192.168.1.50:25"]),
        ("server set web ", ["192.168.2.55:80", "192.168.3.56:80"]),
        ("server remove web 192.168.3", ["192.168.3.56:80"]),
        ("server set unknown ", []),
        ("service set web --scheduler w", ["wrr", "wlc"]),
        ("service set web --sched-flags mh-", ["mh-fallback", "mh-port"]),
        ("service set web --scheduler sh --sched-flags sh-port,", ["sh-port,sh-fallback"]),
        ("service set web --check a", ["agent:"]),
        ("service set web --check tcp --check p", ["ping"]),
        ("service set web --on-fail ", ["drain", "remove", "none"]),
        ("plan -o j", ["json"]),
    ],
)
def test_the_tab_key_completes(config: Path, words: str, offered: list[str]) -> None:
    assert completed(config, words) == offered


def test_the_tab_key_is_quiet_about_a_broken_configuration(config: Path) -> None:
    config.write_text("mode = ")

    assert completed(config, "service show ") == []
