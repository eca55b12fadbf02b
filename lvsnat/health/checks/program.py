"""A program that finds out by itself: it ends with 0 where the server is well."""

from __future__ import annotations

import os
import select
import signal

from lvsnat.health.checks.check import Check
from lvsnat.health.checks.file import filled
from lvsnat.health.checks.words import error_words, plain
from lvsnat.health.values import Answer, Target
from lvsnat.spawn import Child, spawn

MAX_OUTPUT = 4096
"""Bytes of what it says that are kept; it may say more."""
READS = 16


class ProgramCheck(Check):
    """One run of a program. What it leaves running in its process group is ended with it."""

    __slots__ = ("_argv", "_both", "_child", "_dying", "_said")
    program = True

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._argv = [filled(word, target) for word in target.check.command]
        self._child: Child | None = None
        self._dying: Child | None = None
        self._both: select.epoll | None = None
        self._said = bytearray()

    def start(self, now: float) -> Answer | None:
        del now
        self._said.clear()
        self._both = select.epoll(2)
        try:
            self._child = child = spawn(self._argv, self._environment())
        except (FileNotFoundError, PermissionError, NotADirectoryError) as error:
            return Answer(ok=False, detail=f"cannot run {self._argv[0]}: {error_words(error)}")
        # Its end and its output are waited for at once: a full pipe would keep it from ending.
        for descriptor in (child.pidfd, child.output):
            self._both.register(descriptor, select.EPOLLIN)
        self.descriptor = self._both.fileno()
        return None

    def resume(self, now: float) -> Answer | None:
        child = self._child
        if child is None:
            return None
        # Before reading: what it wrote last is there once it has ended.
        ended = child.ended()
        self._listen(child)
        if not ended:
            return None
        child.kill()
        status = child.reap()
        line = self._line()
        if status == 0:
            return Answer(ok=True, detail=line or "exit status 0", took=now - self.began)
        detail = _ending(status or 0) + (f": {line}" if line else "")
        return Answer(ok=False, detail=detail, took=now - self.began)

    def expired(self, now: float) -> Answer:
        line = self._line()
        detail = self.silence("did not end") + (f": {line}" if line else "")
        return Answer(ok=False, detail=detail, took=now - self.began)

    def stop(self) -> None:
        if self._both is not None:
            self._both.close()
            self._both = None
        if self._child is not None:
            if self._child.pidfd >= 0:
                self._child.kill()
                self._dying = None if self._child.reap() is not None else self._child
            self._child.close_output()
            self._child = None

    def remains(self) -> Child | None:
        dying, self._dying = self._dying, None
        return dying

    def _listen(self, child: Child) -> None:
        """Hear what it says, and forget what is too much of it."""
        for _ in range(READS):
            try:
                heard = os.read(child.output, MAX_OUTPUT) if child.output >= 0 else b""
            except BlockingIOError:
                return
            if not heard:
                child.close_output()
                return
            self._said += heard[: MAX_OUTPUT - len(self._said)]

    def _line(self) -> str:
        """The first line of what it said."""
        return plain(self._said.decode("utf-8", "replace").strip().partition("\n")[0])

    def _environment(self) -> dict[str, str]:
        target = self.target
        return {
            **os.environ,
            "LVSNAT_ADDRESS": str(target.address),
            "LVSNAT_PORT": str(target.port),
            "LVSNAT_TIMEOUT": f"{target.check.timeout:g}",
        }


def _ending(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"ended by signal {-status}"
