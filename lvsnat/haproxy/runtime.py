"""HAProxy's sockets: one question, one answer, never a hang. What answers mean: ``answers``."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from lvsnat.errors import LvsnatError

SILENCE: Final = 10.0
"""Seconds without a byte until a process counts as hung: on a busy machine it may wait its turn."""
_TRIES: Final = 10
_PAUSE: Final = 0.05
_LINE: Final = 4000
"""Characters of commands in one line; HAProxy reads no line beyond its buffer, 16384 by default."""


class NobodyListensError(LvsnatError):
    """No process is behind a socket."""


class HangsError(LvsnatError):
    """A process is behind a socket, and does not answer."""


@contextlib.contextmanager
def unless_ended() -> Iterator[None]:
    """Take a failure for the end of the process that was asked; silence is none, and is raised."""
    try:
        yield
    except HangsError:
        raise
    except LvsnatError:
        pass


class RuntimeSocket:
    """A socket on which HAProxy answers commands, of a worker or of the master."""

    def __init__(self, path: Path, silence: float = SILENCE) -> None:
        self.path = path
        self._silence = silence

    def ask(self, command: str) -> str:
        """The answer to a command, or to several with ``;`` between them.

        Raises NobodyListensError where no process is, HangsError if one does not answer, and
        LvsnatError for any other reason.
        """
        try:
            return self._asked(command)
        except (FileNotFoundError, ConnectionRefusedError):
            raise NobodyListensError(
                f"no HAProxy listens on {self.path}", "'lvsnat apply' starts it"
            ) from None
        except PermissionError:
            raise LvsnatError(
                f"cannot talk to HAProxy on {self.path}: permission denied",
                "run it as root (sudo)",
            ) from None
        except TimeoutError:
            raise HangsError(
                f"HAProxy does not answer on {self.path} within {self._silence:g} s",
                "it hangs or is stopped: look at it with 'ps -C haproxy'; once it is killed"
                " (kill -9), 'lvsnat apply' starts it anew",
            ) from None
        except OSError as error:
            raise LvsnatError(
                f"cannot talk to HAProxy on {self.path}: {error.strerror or error}"
            ) from None

    def _asked(self, command: str) -> str:
        for _ in range(_TRIES):
            try:
                return self._once(command)
            except (ConnectionResetError, BrokenPipeError):
                # A process has just closed the socket: soon another one has it, or nobody.
                time.sleep(_PAUSE)
        return self._once(command)

    def _once(self, command: str) -> str:
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(self._silence)
            channel.connect(str(self.path))
            channel.sendall(f"{command}\n".encode())
            # The master's socket stays open for more until this end is closed.
            channel.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: channel.recv(1 << 16), b"")).decode(errors="replace")

    def tell(self, commands: Iterable[str]) -> None:
        """Give commands that answer nothing; LvsnatError says what HAProxy says against one."""
        for line in _lines(commands):
            said = self.ask(line).split("\n")
            complaints = [text.strip() for text in said if text.strip()]
            if complaints:
                raise LvsnatError(f"HAProxy: {complaints[0]}")


def _lines(commands: Iterable[str]) -> Iterator[str]:
    """Commands joined to lines of a length that HAProxy reads."""
    line = ""
    for command in commands:
        if line and len(line) + len(command) >= _LINE:
            yield line
            line = ""
        line = f"{line};{command}" if line else command
    if line:
        yield line
