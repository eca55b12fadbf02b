"""Programs that run beside the daemon: started and ended without ever waiting for them.

``lvsnat.system.run`` waits, and is what a command uses; nothing here blocks.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_DEFAULT = (
    signal.SIGPIPE,  # Python ignores it, and what is ignored stays so in a program
    signal.SIGXFSZ,
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGCHLD,
)


@dataclass(slots=True)
class Child:
    """A program in a process group of its own."""

    pid: int
    pidfd: int
    """Readable once the program has ended (pidfd_open(2))."""
    output: int
    """What it writes on standard output and standard error; never blocks; -1 once closed."""

    def kill(self) -> None:
        """End it and whatever it has started in its group.

        Call it before ``reap``: until then the number of the group cannot be somebody else's.
        """
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def ended(self) -> bool:
        """Whether it has ended, without reaping it."""
        if self.pidfd < 0:
            return True
        peek = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PIDFD, self.pidfd, peek) is not None

    def reap(self) -> int | None:
        """How it ended: the exit status, or minus the signal. None: it still runs."""
        if self.pidfd < 0:
            return None
        done = os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED | os.WNOHANG)
        if done is None:
            return None
        os.close(self.pidfd)
        self.pidfd = -1
        return done.si_status if done.si_code == os.CLD_EXITED else -done.si_status

    def leave(self) -> None:
        """Wait for it no longer; init(1) reaps it when this process has ended."""
        if self.reap() is None and self.pidfd >= 0:
            os.close(self.pidfd)
            self.pidfd = -1

    def close_output(self) -> None:
        """Read no more; a program that goes on writing gets SIGPIPE."""
        if self.output >= 0:
            os.close(self.output)
            self.output = -1


def spawn(argv: Sequence[str], environment: Mapping[str, str], *, stdin: bytes = b"") -> Child:
    """Start a program without a shell; OSError says why it cannot be run.

    ``stdin`` is what it reads, at most what a pipe holds (64 KiB); it need not read it. The call
    returns when the program's file has been opened: execve(2) of a file on a network file system
    that hangs, hangs.
    """
    reading, writing = os.pipe()
    given = -1
    try:
        os.set_blocking(reading, False)
        given = _filled(stdin)
        actions = [
            (os.POSIX_SPAWN_DUP2, given, 0),
            (os.POSIX_SPAWN_DUP2, writing, 1),
            (os.POSIX_SPAWN_DUP2, writing, 2),
        ]
        pid = os.posix_spawn(
            argv[0],
            list(argv),
            environment,
            file_actions=actions,
            setpgroup=0,
            setsigmask=(),
            setsigdef=_DEFAULT,
        )
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
        if given >= 0:
            os.close(given)
    return _watched(pid, reading)


def _filled(text: bytes) -> int:
    """The reading end of a pipe that holds this; /dev/null for nothing."""
    if not text:
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    reading, writing = os.pipe()
    try:
        os.set_blocking(writing, False)
        os.write(writing, text)
    finally:
        os.close(writing)
    return reading


def _watched(pid: int, output: int) -> Child:
    try:
        return Child(pid, os.pidfd_open(pid), output)
    except OSError:  # no descriptor left
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(output)
        raise
