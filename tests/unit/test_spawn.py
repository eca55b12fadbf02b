"""Programs that nobody waits for, tried with real processes."""

from __future__ import annotations

import fcntl
import os
import select
import time
from pathlib import Path

import pytest

from lvsnat.spawn import Child, spawn

SECONDS = 120.0


def end_of(child: Child) -> int | None:
    """How it ends; it is waited for here, not by the child's own methods."""
    assert select.select([child.pidfd], [], [], SECONDS)[0], "it did not end"
    return child.reap()


def said(child: Child) -> bytes:
    text = os.read(child.output, 65536)
    child.close_output()
    return text


def open_files() -> set[str]:
    return {one.name for one in Path("/proc/self/fd").iterdir()}


def shell(script: str, stdin: bytes = b"") -> Child:
    return spawn(["/bin/sh", "-c", script], {"WORD": "word"}, stdin=stdin)


@pytest.mark.parametrize(("script", "status"), [("exit 0", 0), ("exit 7", 7), ("kill -15 $$", -15)])
def test_its_end_is_told_as_the_shell_tells_it(script: str, status: int) -> None:
    child = shell(script)

    assert end_of(child) == status
    assert child.pidfd == -1
    child.close_output()


def test_it_reads_what_it_is_given_and_the_environment_is_the_given_one() -> None:
    child = shell('read line; echo "$line $WORD $HOME"', b"a line\n")

    end_of(child)

    assert said(child) == b"a line word \n"


def test_a_program_that_reads_nothing_does_not_matter() -> None:
    child = shell("exit 0", b"x" * 200_000)

    assert end_of(child) == 0
    child.close_output()


def test_a_program_that_reads_gets_an_end() -> None:
    child = shell("cat")

    assert end_of(child) == 0
    child.close_output()


def test_while_it_runs_nothing_blocks() -> None:
    child = shell("sleep 600")

    assert child.reap() is None
    assert not child.ended()
    with pytest.raises(BlockingIOError):
        os.read(child.output, 1)

    child.kill()
    assert end_of(child) == -9
    child.close_output()


def test_killing_it_ends_what_it_has_started(tmp_path: Path) -> None:
    child = shell(f"sleep 600 & echo $! > {tmp_path}/pid; mv {tmp_path}/pid {tmp_path}/done; wait")
    deadline = time.monotonic() + SECONDS
    while not (tmp_path / "done").exists():
        assert time.monotonic() < deadline, "it has not started"
        time.sleep(0.01)

    child.kill()
    end_of(child)

    # Both ends of the pipe are closed only once both processes are gone.
    os.set_blocking(child.output, True)
    assert said(child) == b""


def test_it_ends_by_the_signals_that_python_ignores() -> None:
    child = shell("kill -13 $$; exit 0")

    assert end_of(child) == -13
    child.close_output()


def test_what_cannot_be_run_leaves_nothing_open() -> None:
    before = open_files()

    with pytest.raises(FileNotFoundError):
        spawn(["/nonexistent"], {}, stdin=b"x")
    with pytest.raises(PermissionError):
        spawn(["/etc/passwd"], {})

    # Some may be gone: what other tests have left is collected at any time.
    assert open_files() <= before


def test_leaving_it_closes_its_descriptor() -> None:
    child = shell("sleep 600")

    child.leave()
    child.close_output()

    assert child.pidfd == -1
    child.kill()
    os.waitpid(child.pid, 0)


def test_no_descriptor_of_ours_is_handed_on() -> None:
    with Path("/etc/passwd").open() as file:
        number = fcntl.fcntl(file.fileno(), fcntl.F_DUPFD_CLOEXEC, 77)
        child = shell("ls /proc/self/fd")
        end_of(child)
        os.close(number)

    assert str(number).encode() not in said(child).split()
