"""The only door to other programs, the clock, locks and files that must not break.

Everything here either happens whole or not at all, or says why.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lvsnat.errors import LvsnatError, RefusedError


@dataclass(frozen=True, slots=True)
class Completed:
    """How a program ended and what it said."""

    returncode: int
    stdout: str
    stderr: str


class Clock(Protocol):
    """Time, as whoever waits for something is handed it."""

    def now(self) -> float:
        """Seconds since the epoch, by the wall clock."""
        ...

    def monotonic(self) -> float:
        """Seconds that nobody sets back, to measure how long something takes."""
        ...

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def run(argv: Sequence[str], *, stdin: str | None = None, timeout: float = 30.0) -> Completed:
    """Run a program, without a shell, and wait at most ``timeout`` seconds.

    Raises LvsnatError if it is not installed or does not end; a failure of its own is returned.
    """
    try:
        done = subprocess.run(
            argv,
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        raise LvsnatError(
            f"{argv[0]}: not found", f"install the package that has the program {argv[0]!r}"
        ) from None
    except OSError as error:
        raise LvsnatError(f"{argv[0]}: cannot be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise LvsnatError(f"{argv[0]} did not end within {timeout:g} s") from None
    return Completed(done.returncode, done.stdout, done.stderr)


_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_ENDING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C and its like back until the block ends: half of it would be worse than none.

    Programs that are run meanwhile hold them back, too.
    """
    came: list[int] = []
    try:
        # What this thread does not take, the kernel gives to another one; Python then interrupts
        # the main thread all the same.
        with _handled_by(lambda number, _: came.append(number)):
            mask = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
            try:
                yield
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    finally:
        for number in dict.fromkeys(came):
            signal.raise_signal(number)


@contextlib.contextmanager
def _handled_by(handler: Callable[[int, object], None]) -> Iterator[None]:
    """Give the signals that end a process to a handler, except those that are ignored."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heeded = [one for one in _ENDING if signal.getsignal(one) not in {signal.SIG_IGN, None}]
    before = {number: signal.signal(number, handler) for number in heeded}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextlib.contextmanager
def interrupted_by_every_end() -> Iterator[None]:
    """Make ``kill`` and a terminal that goes away what Ctrl-C is: a KeyboardInterrupt.

    What is ignored stays so: nohup(1) means it.
    """

    def interrupt(number: int, frame: object) -> None:
        del frame
        raise KeyboardInterrupt(signal.Signals(number).name)

    with _handled_by(interrupt):
        yield


def boot_id() -> str | None:
    """What tells this boot of the kernel from every other one; None where that is hidden."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip() or None
    except OSError:
        return None


def port_number(service: str, protocol: str) -> int | None:
    """The port of a service that the system has a name for (/etc/services)."""
    try:
        return socket.getservbyname(service, protocol)
    except OSError:
        return None


_RANDOM = "[a-z0-9_]" * 8
"""What mkstemp puts at the end of a name."""


class StagedFile:
    """New contents of a file, safe on the disk beside it, that take its place at ``commit``.

    Staging does everything that can fail for want of space or permission; a commit is one rename.
    """

    def __init__(self, path: Path, text: str, mode: int = 0o644) -> None:
        # A symbolic link stays one: what it points to is replaced.
        self._path = Path(os.path.realpath(path))
        with _file_errors(path, "write"):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(
                prefix=f".{self._path.name}.", dir=self._path.parent
            )
            self._temporary: Path | None = Path(name)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    self._keep_access(descriptor, mode)
                    file.write(text)
                    file.flush()
                    os.fsync(descriptor)
            except OSError:
                self.discard()
                raise

    @property
    def path(self) -> Path:
        """Where the new contents are until then, for whoever is to look them over."""
        return self._temporary or self._path

    def commit(self) -> None:
        """Put the new contents in place, so that they survive a power cut."""
        if self._temporary is None:
            return
        with _file_errors(self._path, "replace"):
            self._temporary.replace(self._path)
            self._temporary = None
            _sync_directory(self._path.parent)

    def discard(self) -> None:
        """Forget the new contents."""
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)
            self._temporary = None

    def _keep_access(self, descriptor: int, mode: int) -> None:
        """Let those read and write the new contents who may read and write the old ones."""
        try:
            old = self._path.stat()
        except FileNotFoundError:
            os.fchmod(descriptor, mode)
            return
        os.fchmod(descriptor, old.st_mode & 0o7777)
        # Only root may give a file away, and not even root within the unit that runs at boot.
        with contextlib.suppress(PermissionError):
            os.fchown(descriptor, old.st_uid, old.st_gid)


def sweep(path: Path) -> None:
    """Remove what a process that was killed had staged for a file. Call it under the lock."""
    real = Path(os.path.realpath(path))
    for left in real.parent.glob(f".{real.name}.{_RANDOM}"):
        with contextlib.suppress(OSError):
            left.unlink()


def write_file(path: Path, text: str, mode: int = 0o644) -> None:
    """Replace a file's contents atomically."""
    StagedFile(path, text, mode).commit()


def stamp(path: Path) -> tuple[int, ...] | None:
    """What another file in its place has another one of; None if there is no file."""
    try:
        seen = path.stat()
    except OSError:  # Whoever reads it says what is wrong.
        return None
    return (seen.st_dev, seen.st_ino, seen.st_mtime_ns, seen.st_size)


def read_file(path: Path) -> str | None:
    """A file's text, or None if there is none. Other failures are LvsnatError."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise LvsnatError(
            f"{path}: not UTF-8 text (byte {error.start})", "save the file as UTF-8"
        ) from None
    except OSError as error:
        raise _explain(error, path, "read") from None


def _at_work(holder: str) -> LvsnatError:
    return RefusedError(
        f"another lvsnat command is at work ({holder})",
        "run it again when that has ended, or leave out --no-wait to wait for it",
    )


@contextlib.contextmanager
def locked(
    path: Path,
    *,
    wait: bool = True,
    waiting: Callable[[str], None] = lambda _: None,
    refusal: Callable[[str], LvsnatError] = _at_work,
) -> Iterator[None]:
    """Hold a lock, as all commands share one; it ends with the process, also when that is killed.

    Without ``wait``, a lock that somebody holds raises the ``refusal``, which names the holder.
    """
    with _file_errors(path, "lock"):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        with _file_errors(path, "lock"):
            _take(descriptor, waiting if wait else None, refusal)
        # A full disk only keeps the name of the holder from those who do not wait.
        with contextlib.suppress(OSError):
            os.truncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Whether some process holds a lock now."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def remove_file(path: Path) -> None:
    """Remove a file for good; none there is fine."""
    with _file_errors(path, "remove"):
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            _sync_directory(path.parent)


def _take(
    descriptor: int,
    waiting: Callable[[str], None] | None,
    refusal: Callable[[str], LvsnatError],
) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = _describe_process(os.pread(descriptor, 32, 0).decode(errors="replace").strip())
        if waiting is None:
            raise refusal(holder) from None
        waiting(holder)
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _describe_process(pid: str) -> str:
    if not pid.isdecimal():
        return "a process that has only just begun"
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
    except OSError:
        return f"process {pid}"
    return f"process {pid}: {words.decode(errors='replace').strip()}"


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _file_errors(path: Path, verb: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _explain(error, path, verb) from None


def _explain(error: OSError, path: Path, verb: str) -> LvsnatError:
    hint = {
        PermissionError: "run it as root (sudo)",
        IsADirectoryError: "name a file, not a folder",
    }.get(type(error))
    return LvsnatError(f"cannot {verb} {path}: {error.strerror}", hint)
