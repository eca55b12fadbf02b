"""The door to programs, files and locks, tried with real processes."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from lvsnat.errors import ExitCode, LvsnatError, RefusedError
from lvsnat.system import (
    StagedFile,
    SystemClock,
    interrupted_by_every_end,
    is_locked,
    locked,
    read_file,
    remove_file,
    run,
    sweep,
    uninterrupted,
    write_file,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@contextmanager
def disk_with(size: int) -> Iterator[None]:
    """No file may grow beyond this size, as if the disk were full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def child(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A Python program that has said "ready", killed at the end if it still runs."""
    argv = [sys.executable, "-c", code, *map(str, arguments)]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


HOLDER = """
import sys
from pathlib import Path
from lvsnat.system import locked
with locked(Path(sys.argv[1])):
    print("ready", flush=True)
    sys.stdin.readline()
"""

WAITER = """
import sys
from pathlib import Path
from lvsnat.system import locked
print("ready", flush=True)
with locked(Path(sys.argv[1]), waiting=lambda holder: print("for", holder, flush=True)):
    print("has it", flush=True)
"""

STAGER = """
import sys
from pathlib import Path
from lvsnat.system import StagedFile
staged = StagedFile(Path(sys.argv[1]), "new")
print("ready", flush=True)
sys.stdin.readline()
"""


def test_a_file_is_written_with_its_folders(tmp_path: Path) -> None:
    path = tmp_path / "a/b/lvsnat.toml"

    write_file(path, "mode = 'ü'\n")

    assert path.read_text(encoding="utf-8") == "mode = 'ü'\n"
    assert names(path.parent) == ["lvsnat.toml"]


@pytest.mark.parametrize("mode", [0o644, 0o600])
def test_a_new_file_has_the_mode_that_was_asked_for(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "file"

    write_file(path, "text", mode)

    assert path.stat().st_mode & 0o7777 == mode


def test_a_file_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o640)

    write_file(path, "new", 0o600)

    assert path.stat().st_mode & 0o7777 == 0o640


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere/real"
    target.parent.mkdir()
    target.write_text("old")
    link = tmp_path / "link"
    link.symlink_to(target)

    write_file(link, "new")

    assert link.is_symlink()
    assert target.read_text() == "new"
    assert names(tmp_path) == ["elsewhere", "link"]


def test_a_link_to_nothing_gets_its_file(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("real")

    write_file(link, "new")

    assert link.is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_a_full_disk_leaves_the_old_contents_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    with disk_with(10), pytest.raises(LvsnatError, match=r"cannot write .*/file: ") as caught:
        write_file(path, "x" * 100_000)

    assert caught.value.code is ExitCode.FAILED
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_a_folder_that_nobody_may_write_to_is_an_error_that_names_the_file() -> None:
    with pytest.raises(LvsnatError, match=r"cannot write /proc/sys/net/lvsnat: "):
        write_file(Path("/proc/sys/net/lvsnat"), "text")


def test_a_file_in_the_place_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(LvsnatError, match="cannot write"):
        write_file(tmp_path / "file/below", "text")


def test_a_folder_in_the_place_of_the_file_is_an_error_that_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder/full").mkdir(parents=True)
    staged = StagedFile(tmp_path / "folder", "text")

    with pytest.raises(LvsnatError, match="cannot replace") as caught:
        staged.commit()
    staged.discard()

    assert caught.value.hint == "name a file, not a folder"
    assert names(tmp_path) == ["folder"]


def test_staged_contents_are_not_seen_before_the_commit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    staged = StagedFile(path, "new")
    between = path.read_text()
    staged.commit()

    assert between == "old"
    assert path.read_text() == "new"
    assert names(tmp_path) == ["file"]


def test_contents_that_are_discarded_leave_nothing(tmp_path: Path) -> None:
    staged = StagedFile(tmp_path / "file", "new")

    staged.discard()
    staged.discard()
    staged.commit()

    assert names(tmp_path) == []


def test_discarding_after_the_commit_keeps_the_file(tmp_path: Path) -> None:
    staged = StagedFile(tmp_path / "file", "new")
    staged.commit()

    staged.discard()

    assert (tmp_path / "file").read_text() == "new"


def test_a_kill_between_stage_and_commit_leaves_the_old_contents(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    with child(STAGER, path) as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    assert path.read_text() == "old"
    write_file(path, "new")
    assert path.read_text() == "new"


def test_a_file_that_is_not_there_reads_as_none(tmp_path: Path) -> None:
    assert read_file(tmp_path / "file") is None


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_file(tmp_path / "file", "ü\n")

    assert read_file(tmp_path / "file") == "ü\n"


def test_bytes_that_are_not_text_are_an_error_with_their_place(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc\xff")

    with pytest.raises(LvsnatError, match=r"/file: not UTF-8 text \(byte 3\)"):
        read_file(path)


def test_reading_a_folder_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(LvsnatError, match="cannot read") as caught:
        read_file(tmp_path)

    assert caught.value.hint == "name a file, not a folder"


def test_the_lock_is_free_again_after_use(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path / "run/lock", wait=False):
            pass


def test_the_lock_is_free_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "lock"):
        _ = 1 / 0

    with locked(tmp_path / "lock", wait=False):
        pass


def test_without_waiting_a_held_lock_is_refused_and_names_the_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"

    with (
        child(HOLDER, path) as holder,
        pytest.raises(RefusedError, match=f"process {holder.pid}: .*python") as caught,
        locked(path, wait=False),
    ):
        pass

    assert caught.value.code is ExitCode.REFUSED
    assert caught.value.hint is not None
    assert "--no-wait" in caught.value.hint


def test_a_refusal_does_not_harm_the_name_of_the_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"

    with child(HOLDER, path) as holder:
        for _ in range(2):
            with (
                pytest.raises(RefusedError, match=f"process {holder.pid}"),
                locked(path, wait=False),
            ):
                pass


def test_a_held_lock_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "lock"

    with child(HOLDER, path) as holder, child(WAITER, path) as waiter:
        assert waiter.stdout is not None
        first = waiter.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            waiter.wait(timeout=0.3)
        assert holder.stdin is not None
        holder.stdin.write("end\n")
        holder.stdin.flush()

        assert waiter.wait(timeout=120) == 0
        assert first.startswith(f"for process {holder.pid}: ")
        assert waiter.stdout.read().splitlines()[-1] == "has it"


def test_a_holder_that_is_killed_frees_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"

    with child(HOLDER, path) as holder:
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()

        with locked(path, wait=False):
            assert path.read_text() == f"{os.getpid()}\n"


def test_a_program_that_we_start_does_not_hold_our_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locked(path):
        process = subprocess.Popen(["sleep", "60"])
    try:
        with locked(path, wait=False):
            pass
    finally:
        process.kill()
        process.wait()


def test_a_lock_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(LvsnatError, match="cannot lock"), locked(tmp_path / "file/lock"):
        pass


def test_a_lock_is_held_although_its_file_takes_no_name() -> None:
    full = Path("/dev/full")

    with locked(full), pytest.raises(RefusedError, match="is at work"), locked(full, wait=False):
        pass


def test_a_program_is_given_its_input_and_its_output_returned() -> None:
    done = run(["sh", "-c", "cat; echo oops >&2; exit 3"], stdin="hello")

    assert (done.returncode, done.stdout, done.stderr) == (3, "hello", "oops\n")


def test_a_program_that_is_not_installed_is_an_error_that_names_it() -> None:
    with pytest.raises(LvsnatError, match="lvsnat-nonesuch: not found") as caught:
        run(["lvsnat-nonesuch"])

    assert caught.value.hint is not None


def test_a_program_that_hangs_is_ended() -> None:
    with pytest.raises(LvsnatError, match=r"sleep did not end within 0\.2 s"):
        run(["sleep", "60"], timeout=0.2)


def test_a_lock_is_seen_to_be_held(tmp_path: Path) -> None:
    path = tmp_path / "lock"

    assert not is_locked(path)
    with locked(path):
        assert is_locked(path)
    assert not is_locked(path)


def test_who_only_asks_whether_it_is_held_is_in_nobodys_way(tmp_path: Path) -> None:
    path, done = tmp_path / "lock", threading.Event()

    def ask() -> None:
        while not done.is_set():
            is_locked(path)

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask) for _ in range(2)]
        try:
            for _ in range(2000):
                with locked(path, wait=False):
                    pass
        finally:
            done.set()
        assert [one.result() for one in asking] == [None, None]


def test_what_a_killed_process_had_staged_is_swept_away(tmp_path: Path) -> None:
    path, other = tmp_path / "lvsnat.toml", tmp_path / ".lvsnat.toml.orig"
    other.touch()
    StagedFile(path, "new")
    assert len(list(tmp_path.iterdir())) == 2

    sweep(path)

    assert list(tmp_path.iterdir()) == [other]


def test_a_removed_file_is_gone_and_none_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "lvsnat.toml"
    path.touch()

    remove_file(path)
    remove_file(path)
    remove_file(tmp_path / "nowhere" / "file")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("nothing_ignored")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_end_interrupts(number: signal.Signals) -> None:
    before = signal.getsignal(number)

    def killed() -> None:
        with interrupted_by_every_end():
            os.kill(os.getpid(), number)
            time.sleep(5)

    with pytest.raises(KeyboardInterrupt):
        killed()
    assert signal.getsignal(number) is before


@pytest.mark.usefixtures("nothing_ignored")
def test_what_must_not_be_interrupted_is_finished_first() -> None:
    done = []

    def killed() -> None:
        with interrupted_by_every_end(), uninterrupted():
            os.kill(os.getpid(), signal.SIGTERM)
            done.append("it")

    with pytest.raises(KeyboardInterrupt):
        killed()
    assert done == ["it"]


@pytest.mark.usefixtures("nothing_ignored")
def test_an_interruption_that_another_thread_takes_is_held_back_too() -> None:
    end = threading.Event()
    other = threading.Thread(target=end.wait)
    other.start()
    done = []

    def killed() -> None:
        with uninterrupted(), uninterrupted():
            os.kill(os.getpid(), signal.SIGINT)
            while signal.SIGINT in signal.sigpending():
                time.sleep(0.01)
            time.sleep(0.05)
            done.append("it")

    try:
        with pytest.raises(KeyboardInterrupt):
            killed()
    finally:
        end.set()
        other.join()
    assert done == ["it"]


def test_the_clock_of_this_machine_goes_on() -> None:
    clock = SystemClock()
    began = clock.monotonic()

    clock.sleep(0.01)

    assert clock.monotonic() > began
    assert clock.now() > 1_700_000_000


def test_what_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupted_by_every_end():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
