"""Whether a server accepts a connection.

The check that there are most of: its cost is that of its system calls, and each is counted.
"""

from __future__ import annotations

import select
from errno import EADDRNOTAVAIL, EALREADY, EINPROGRESS, EISCONN
from socket import (
    AF_INET,
    AF_INET6,
    IPPROTO_IP,
    SO_LINGER,
    SOCK_CLOEXEC,
    SOCK_NONBLOCK,
    SOCK_RAW,
    SOCK_STREAM,
    SOL_SOCKET,
    SocketType,
)
from struct import pack

from lvsnat.health.checks.check import Check
from lvsnat.health.checks.words import error_words
from lvsnat.health.values import Answer, Target
from lvsnat.model.endpoint import IPAddress

STREAM = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC
BY_RESET = pack("ii", 1, 0)
"""A struct linger that makes close(2) send RST: no TIME_WAIT stays behind (tcp(7), socket(7))."""
IP_BIND_ADDRESS_NO_PORT = 24
"""linux/in.h: the port is chosen at connect(2), so that one address serves many servers."""


class TcpCheck(Check):
    """A connection, made and closed."""

    __slots__ = ("_address", "_family", "_reset", "_socket", "_source")

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._address = (str(target.address), target.port)
        self._family = family(target.address)
        self._reset = target.check.reset
        self._source = target.check.source
        # Not socket.socket: that wraps this class in Python, at a cost for each call.
        self._socket: SocketType | None = None
        self.events = select.EPOLLOUT
        self.quick = True

    def start(self, now: float) -> Answer | None:
        self._socket = opened = SocketType(self._family, STREAM)
        if self._reset:
            opened.setsockopt(SOL_SOCKET, SO_LINGER, BY_RESET)
        if self._source is not None:
            bind(opened, self._source)
        error = opened.connect_ex(self._address)
        if error == EINPROGRESS:
            self.descriptor = opened.fileno()
            return None
        return self._answer(error, now)

    def resume(self, now: float) -> Answer | None:
        """Ask connect(2) again, which says how the first went (Linux: __inet_stream_connect)."""
        if self._socket is None:
            return None
        error = self._socket.connect_ex(self._address)
        return None if error == EALREADY else self._answer(error, now)

    def stop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _answer(self, error: int, now: float) -> Answer:
        if error in {0, EISCONN}:
            return Answer(True, "connected", now - self.began)  # noqa: FBT003 - asked most often
        return Answer(ok=False, detail=error_words(OSError(error, "")), took=now - self.began)


def family(address: IPAddress) -> int:
    return AF_INET if address.version == 4 else AF_INET6  # noqa: PLR2004 - IP version 4


def bind(opened: SocketType, source: IPAddress) -> None:
    """Ask from this address; OSError if the director does not have it."""
    if opened.type != SOCK_RAW:
        opened.setsockopt(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
    try:
        opened.bind((str(source), 0))
    except OSError as error:
        ours = error.errno != EADDRNOTAVAIL
        why = error_words(error) if ours else "the director has no such address"
        raise OSError(f"cannot ask from {source}: {why}") from None
