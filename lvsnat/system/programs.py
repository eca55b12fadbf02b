"""Other programs, and the names that the system has for ports."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from lvsnat.errors import LvsnatError


@dataclass(frozen=True, slots=True)
class Completed:
    """How a program ended and what it said."""

    returncode: int
    stdout: str
    stderr: str


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


def port_number(service: str, protocol: str) -> int | None:
    """The port of a service that the system has a name for (/etc/services)."""
    try:
        return socket.getservbyname(service, protocol)
    except OSError:
        return None
