"""A terminal that a script types into: shows each command, then what the command really says."""

from __future__ import annotations

import fcntl
import os
import pty
import shlex
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from labkit.host import Host

WIDTH = 100
BOLD, DIM, CYAN, PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[36m", "\x1b[0m"


class UntrueError(Exception):
    """What happened is not what was claimed."""


def to_stdout(text: str) -> None:
    print(text, end="", flush=True)


def claim(true: bool, what: str) -> None:  # noqa: FBT001 - reads as the sentence it is
    if not true:
        raise UntrueError(what)


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where commands and words appear."""

    put: Callable[[str], None] = to_stdout
    colour: bool = False
    width: int = WIDTH
    piped: bool = False
    """Commands write into a pipe, in colour all the same: progress is then a line for each step."""

    @classmethod
    def of_this_process(cls) -> Terminal:
        """Like our own standard output, also where that is a pipe with a person at its end."""
        colour = "NO_COLOR" not in os.environ and (
            sys.stdout.isatty() or "FORCE_COLOR" in os.environ
        )
        return cls(colour=colour, width=int(os.environ.get("COLUMNS", WIDTH)))

    def heading(self, text: str) -> None:
        self.put(f"\n{self._in(BOLD, text)}\n{self._in(BOLD, '=' * len(text))}\n")

    def say(self, text: str) -> None:
        self.put(f"\n{self._in(CYAN, text)}\n")

    def add(self, text: str) -> None:
        """Another line of what is said."""
        self.put(f"{self._in(CYAN, text)}\n")

    def show(self, text: str) -> None:
        self.put(f"{text.rstrip()}\n")

    def type(self, host: Host, *command: str, status: int = 0) -> str:
        """Run a command on a host in full view and give what it said; UntrueError if it fails."""
        prompt = self._in(DIM, f"{host.name}$")
        self.put(f"\n{prompt} {self._in(BOLD, shlex.join(command))}\n")
        returned, said = self._run(host, command)
        self.put(said)
        if returned != status:
            msg = f"{shlex.join(command)} ended with {returned}, not {status}"
            raise UntrueError(msg)
        if status:
            self.put(f"{self._in(DIM, f'(exit code {status})')}\n")
        return said

    def begin(self, host: Host, *command: str) -> subprocess.Popen[str]:
        """Start a command in full view; what it says comes through its pipe."""
        self.put(f"\n{self._in(DIM, f'{host.name}$')} {self._in(BOLD, shlex.join(command))} &\n")
        return subprocess.Popen(
            host.command(*command),
            env=host.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _run(self, host: Host, command: tuple[str, ...]) -> tuple[int, str]:
        argv, environment = host.command(*command), host.environment()
        if not self.colour or self.piped:
            if self.colour:
                environment |= {"FORCE_COLOR": "1", "TERM": "xterm-256color"}
            done = subprocess.run(
                argv,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            return done.returncode, done.stdout
        return self._run_on_a_pty(argv, environment)

    def _run_on_a_pty(self, argv: list[str], environment: dict[str, str]) -> tuple[int, str]:
        """Let the command see a terminal, as the person who types it does."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, self.width, 0, 0))
        environment = {**environment, "TERM": "xterm-256color", "COLUMNS": str(self.width)}
        with subprocess.Popen(
            argv, env=environment, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs
        ) as process:
            os.close(theirs)
            said = b""
            with suppress(OSError):  # EIO is how a terminal says that nobody writes any more
                while chunk := os.read(ours, 65536):
                    said += chunk
        os.close(ours)
        return process.returncode, said.decode().replace("\r\n", "\n")

    def _in(self, style: str, text: str) -> str:
        return f"{style}{text}{PLAIN}" if self.colour else text
