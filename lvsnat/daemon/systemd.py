"""What systemd is told of a service that it runs (sd_notify(3)): a datagram, and nothing else.

Without NOTIFY_SOCKET all of it does nothing.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import MutableMapping
from typing import Self

_MICRO = 1_000_000


class Manager:
    """The service manager that started this process, if one did."""

    def __init__(self, address: str | None = None, watchdog: float | None = None) -> None:
        """``address``: a path, or ``@name`` for an abstract socket."""
        self._address = f"\0{address[1:]}" if address and address[0] == "@" else address
        self.watchdog = watchdog
        """Seconds after which a service that said nothing is taken for hung; None: never."""
        self._said = ""

    @classmethod
    def from_environment(cls, environment: MutableMapping[str, str]) -> Self:
        """Take NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out: they are not for our children."""
        address = environment.pop("NOTIFY_SOCKET", None)
        period = environment.pop("WATCHDOG_USEC", "")
        process = environment.pop("WATCHDOG_PID", "")
        ours = process in ("", str(os.getpid()))
        watched = int(period) / _MICRO if ours and period.isdecimal() and int(period) else None
        return cls(address, watched)

    def ready(self) -> None:
        """The service serves; also the end of a reload."""
        self._tell("READY=1")

    def reloading(self, monotonic: float) -> None:
        """A reload begins; ``monotonic`` is the time of CLOCK_MONOTONIC, in seconds."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={int(monotonic * _MICRO)}")

    def stopping(self) -> None:
        self._tell("STOPPING=1")

    def alive(self) -> None:
        """Say that nothing hangs."""
        self._tell("WATCHDOG=1")

    def status(self, text: str) -> None:
        """What ``systemctl status`` shows; said once as long as it stays the same."""
        if text != self._said:
            self._said = text
            self._tell(f"STATUS={text}")

    def _tell(self, text: str) -> None:
        if not self._address:
            return
        # systemd may be starting anew itself: nothing that it is told is worth a failure.
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender,
        ):
            sender.setblocking(False)  # noqa: FBT003 - the standard library's own
            sender.sendto(text.encode(), self._address)
