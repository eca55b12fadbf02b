"""Bad input that a kernel is needed for: one clear error, the right exit code, nothing changed.

A disk that takes nothing, a refusal half-way and Ctrl-C in an apply are in test_safe_changes.py;
what needs no kernel is in tests/cli/test_bad_input.py.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from e2e.typed import CTRL_C, ENTER, PATIENCE, Typed, typed

from lvsnat.errors import ExitCode
from lvsnat.system import locked
from lvsnat.testing import network_apart

pytestmark = pytest.mark.e2e

NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--")
LEAVES_THE_OTHER_SCREEN = "\x1b[?1049l"
END_OF_A_PICTURE = "\x1b[J"
SHOWS_THE_CURSOR = "\x1b[?25h"
FIRST, SECOND = "10.2.0.1:80", "10.2.0.2:80"
CONFIG = f"""[host]
block_imds = false

[[service]]
name = "web"
listen = "tcp/10.1.0.1:80"
servers = [{{ address = "{FIRST}" }}, {{ address = "{SECOND}" }}]
"""


class Box:
    """A network namespace with a director in it, in sync; no real server answers."""

    def __init__(self, folder: Path) -> None:
        self.config, self.state, self.run_folder = (
            folder / name for name in ("lvsnat.toml", "state", "run")
        )
        self.environment = {
            **os.environ,
            "LVSNAT_CONFIG": str(self.config),
            "LVSNAT_STATE_DIR": str(self.state),
            "LVSNAT_RUN_DIR": str(self.run_folder),
        }
        self.config.write_text(CONFIG)
        self(["lvsnat", "apply"])

    def __call__(
        self, command: list[str], code: int = ExitCode.DONE
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, f"{command}\n{done.stdout}{done.stderr}"
        return done

    @contextmanager
    def typed(self, *arguments: str) -> Iterator[Typed]:
        with typed(["lvsnat", *arguments], self.environment) as terminal:
            yield terminal

    def everything(self) -> tuple[str, ...]:
        files = (self.config, self.state / "ledger.json", self.state / "overrides.json")
        return (
            tool("ipvsadm", "-Sn"),
            tool("ip", "-o", "-4", "address"),
            *(path.read_text() if path.exists() else "" for path in files),
        )


def tool(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with network_apart():
        tool("ip", "link", "add", "d0", "type", "dummy")
        tool("ip", "address", "add", "10.2.255.1/16", "dev", "d0")
        tool("ip", "link", "set", "d0", "up")
        yield Box(tmp_path)


def knock(number: int) -> None:
    """Begin connections, which the kernel counts as active for a minute.

    They are given up at once: a SYN that is sent again moves away from a server of weight 0.
    """
    for client in [socket.socket() for _ in range(number)]:
        with client:
            client.setblocking(False)  # noqa: FBT003 - the standard library's own
            client.connect_ex(("10.1.0.1", 80))
    wait_until_counted(number)


def wait_until_counted(number: int) -> None:
    """Wait until the kernel holds so many active connections of the servers together."""
    deadline = time.monotonic() + PATIENCE
    while True:
        table = tool("ipvsadm", "-Ln")
        rows = [line.split() for line in table.splitlines() if line.lstrip().startswith("-> 10.")]
        if sum(int(row[-2]) for row in rows) == number:
            return
        assert time.monotonic() < deadline, table
        time.sleep(0.1)


@pytest.fixture
def open_to_all(tmp_path: Path) -> None:
    """Let everybody read, and write where files are: only the kernel is left to say no."""
    for folder in (tmp_path, *tmp_path.parents[:-1]):
        folder.chmod(folder.stat().st_mode | 0o055)
    for folder in (tmp_path, tmp_path / "state", tmp_path / "run"):
        folder.chmod(0o777)
        for path in folder.iterdir():
            if path.is_file():
                path.chmod(0o666)


READS = [["status"], ["plan"], ["export", "ipvsadm", "--live"]]
CHANGES = [
    ["apply"],
    ["service", "add", "dns", "udp/10.1.0.1:53"],
    ["server", "drain", "web", FIRST],
    ["stats", "--zero"],
    ["clear", "--yes"],
]


@pytest.mark.parametrize("command", READS + CHANGES, ids=" ".join)
def test_nobody_is_told_to_be_root(box: Box, command: list[str], open_to_all: None) -> None:  # noqa: ARG001
    before = box.everything()

    said = box([*NOBODY, "lvsnat", *command], code=ExitCode.FAILED)

    assert said.stderr.startswith("error: ")
    assert said.stderr.count("error: ") == 1
    assert "root" in said.stderr
    assert said.stdout == ""
    assert box.everything() == before


def test_nobody_does_not_even_get_the_lock(box: Box, tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents[:-1]):
        folder.chmod(folder.stat().st_mode | 0o055)
    before = box.everything()

    said = box([*NOBODY, "lvsnat", "apply"], code=ExitCode.FAILED)

    assert said.stderr.count("error: ") == 1
    assert "root" in said.stderr
    assert box.everything() == before


def test_nobody_may_read_the_configuration(
    box: Box,
    open_to_all: None,  # noqa: ARG001
) -> None:
    assert "tcp/10.1.0.1:80" in box([*NOBODY, "lvsnat", "service", "list"]).stdout


END = pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "kill"])


@END
def test_a_drain_that_is_interrupted_stays_a_drain(box: Box, end: signal.Signals) -> None:
    config = box.config.read_text()
    knock(4)

    with box.typed("server", "drain", "web", FIRST, "--wait", "--remove") as terminal:
        terminal.expect("2 active")
        terminal.kill(end)
        code = terminal.end()

    assert code == 130, terminal.said
    assert "it stays at weight 0: 'lvsnat server enable" in terminal.said
    assert SHOWS_THE_CURSOR in terminal.said
    assert f"-r {FIRST} -m -w 0" in tool("ipvsadm", "-Sn")
    assert box.config.read_text() == config


@END
@pytest.mark.parametrize("command", ["status", "stats", "connections"])
def test_whatever_ends_a_watched_screen_gives_it_back(
    box: Box, command: str, end: signal.Signals
) -> None:
    with box.typed(command, "--watch", "0.2") as terminal:
        terminal.expect(END_OF_A_PICTURE)
        terminal.kill(end)
        code = terminal.end()

    assert code == ExitCode.DONE, terminal.said
    assert LEAVES_THE_OTHER_SCREEN in terminal.said
    assert SHOWS_THE_CURSOR in terminal.said
    assert "Traceback" not in terminal.said


@pytest.mark.parametrize("command", [["apply"], ["try"], ["clear"]], ids=" ".join)
def test_ctrl_c_ends_the_wait_for_another_command(box: Box, command: list[str]) -> None:
    before = box.everything()

    with locked(box.run_folder / "lock"), box.typed(*command) as terminal:
        terminal.expect("waiting for another lvsnat command")
        terminal.type(CTRL_C)
        code = terminal.end()

    assert code == 130, terminal.said
    assert "interrupted" in terminal.said
    assert "Traceback" not in terminal.said
    assert box.everything() == before


def test_what_was_typed_before_the_question_is_no_answer(box: Box) -> None:
    with ExitStack() as held:
        held.enter_context(locked(box.run_folder / "lock"))
        with box.typed("try", "--timeout", "2") as terminal:
            terminal.expect("waiting for another lvsnat command")
            terminal.type(ENTER)
            held.close()
            code = terminal.end()

    assert code == ExitCode.FAILED, terminal.said
    assert "not kept" in terminal.said


def test_a_question_leaves_the_result_to_programs(box: Box, tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    line = f"lvsnat clear -o json > {result}"

    with typed(["sh", "-c", line], box.environment) as terminal:
        terminal.expect("Take all of this away?")
        terminal.type(f"y{ENTER}")
        assert terminal.end() == ExitCode.DONE

    assert json.loads(result.read_text())["applied"] is True
    assert "- service tcp/10.1.0.1:80" in terminal.said


NARROW = [
    ["status"],
    ["stats"],
    ["connections"],
    ["service", "list"],
    ["server", "set", "web", FIRST, "--weight", "9"],
]


@pytest.mark.parametrize("command", NARROW, ids=" ".join)
def test_forty_columns_are_enough(box: Box, command: list[str]) -> None:
    knock(2)

    with typed(
        ["sh", "-c", 'stty cols 40 rows 12; exec lvsnat "$@"', "sh", *command], box.environment
    ) as terminal:
        assert terminal.end() == ExitCode.DONE, terminal.said

    assert "Traceback" not in terminal.said
    assert terminal.said.strip()
