"""Locks that all processes of lvsnat share.

They are open file description locks, fcntl_locking(2): those end with the process as flock(2)'s do,
and whether somebody holds one can be asked without taking it, even for a moment.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from lvsnat.errors import LvsnatError, RefusedError
from lvsnat.system.files import file_errors

_FLOCK: Final = "hhqqi"
"""struct flock of fcntl(2): type, whence, start, length (0: to the end) and the process."""


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
    with file_errors(path, "lock"):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        with file_errors(path, "lock"):
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
        found = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _whole_file())
    finally:
        os.close(descriptor)
    in_the_way: int = struct.unpack_from(_FLOCK, found)[0]
    return in_the_way != fcntl.F_UNLCK


def _take(
    descriptor: int,
    waiting: Callable[[str], None] | None,
    refusal: Callable[[str], LvsnatError],
) -> None:
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _whole_file())
    except BlockingIOError:
        holder = _describe_process(os.pread(descriptor, 32, 0).decode(errors="replace").strip())
        if waiting is None:
            raise refusal(holder) from None
        waiting(holder)
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLKW, _whole_file())


def _whole_file() -> bytes:
    """For one alone."""
    return struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


def _describe_process(pid: str) -> str:
    if not pid.isdecimal():
        return "a process that has only just begun"
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
    except OSError:
        return f"process {pid}"
    return f"process {pid}: {words.decode(errors='replace').strip()}"
