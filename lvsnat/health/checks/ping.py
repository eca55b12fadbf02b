"""An ICMP echo request and its reply (RFC 792, RFC 4443).

By a datagram socket where the kernel lets this process have one (net.ipv4.ping_group_range), else
by a raw one, which takes CAP_NET_RAW.
"""

from __future__ import annotations

import secrets
from errno import EACCES, EPERM, EPROTONOSUPPORT
from itertools import count
from socket import (
    AF_INET,
    AF_INET6,
    IPPROTO_ICMP,
    IPPROTO_ICMPV6,
    SOCK_CLOEXEC,
    SOCK_NONBLOCK,
    SOCK_RAW,
    SocketType,
)
from struct import Struct

from lvsnat.health.checks.check import Check
from lvsnat.health.checks.datagram import DATAGRAM, MOST, READS, tell_errors
from lvsnat.health.checks.tcp import bind, family
from lvsnat.health.values import Answer, Target

SOL_RAW, ICMP_FILTER, ICMP6_FILTER = 255, 1, 1
"""linux/icmp.h, linux/icmpv6.h."""
ECHO, ECHO_REPLY = 8, 0
ECHO6, ECHO6_REPLY = 128, 129
_HEADER = Struct("!BBHHH")
_PAYLOAD = b"lvsnat health check "
_sequence = count(secrets.randbelow(65536))


class PingCheck(Check):
    """One echo there and back."""

    __slots__ = ("_echo", "_raw", "_socket")

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._socket: SocketType | None = None
        self._raw = False
        self._echo = Echo(0, 0)

    def start(self, now: float) -> Answer | None:
        del now
        address, source = self.target.address, self.target.check.source
        self._socket, self._raw = opened, raw = _open(family(address))
        tell_errors(opened)
        if source is not None:
            bind(opened, source)
        opened.connect((str(address), 0))
        # The kernel gives a datagram socket an id of its own, and hands it only what has that.
        number = secrets.randbelow(65536) if raw else opened.getsockname()[1]
        self._echo = Echo(number, next(_sequence) & 0xFFFF)
        opened.send(self._echo.request(version=address.version))
        self.descriptor = opened.fileno()
        return None

    def resume(self, now: float) -> Answer | None:
        if self._socket is None:
            return None
        for _ in range(READS):
            try:
                datagram = self._socket.recv(MOST)
            except BlockingIOError:
                return None
            version = self.target.address.version
            if self._echo.answered_by(datagram, version=version, header=self._raw):
                return Answer(ok=True, detail="answered", took=now - self.began)
        return None

    def stop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class Echo:
    """The bytes of an echo. Pure."""

    __slots__ = ("_number", "_sequence")

    def __init__(self, number: int, sequence: int) -> None:
        self._number, self._sequence = number, sequence

    def request(self, *, version: int) -> bytes:
        """The request; the kernel computes ICMPv6's checksum, and that of a datagram socket."""
        kind = ECHO if version == 4 else ECHO6  # noqa: PLR2004 - IP version 4
        words = kind, 0, 0, self._number, self._sequence
        total = checksum(_HEADER.pack(*words) + _PAYLOAD) if kind == ECHO else 0
        return _HEADER.pack(kind, 0, total, self._number, self._sequence) + _PAYLOAD

    def answered_by(self, datagram: bytes, *, version: int, header: bool) -> bool:
        """Whether this is the reply; ``header``: whether it comes with that of IPv4."""
        if version == 4 and header:  # noqa: PLR2004 - IP version 4
            datagram = datagram[(datagram[0] & 15) * 4 :] if datagram else b""
        if len(datagram) < _HEADER.size:
            return False
        kind, code, _, number, sequence = _HEADER.unpack_from(datagram)
        wanted = ECHO_REPLY if version == 4 else ECHO6_REPLY  # noqa: PLR2004 - IP version 4
        return (kind, code, number, sequence) == (wanted, 0, self._number, self._sequence)


def checksum(data: bytes) -> int:
    """The internet checksum (RFC 1071)."""
    padded = data + b"\0" * (len(data) % 2)
    total = sum(int.from_bytes(padded[at : at + 2]) for at in range(0, len(padded), 2))
    while total > 0xFFFF:  # noqa: PLR2004 - sixteen bits
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def _open(kind: int) -> tuple[SocketType, bool]:
    """A socket, and whether it is a raw one."""
    protocol = IPPROTO_ICMP if kind == AF_INET else IPPROTO_ICMPV6
    try:
        return SocketType(kind, DATAGRAM, protocol), False
    except OSError as error:
        if error.errno not in {EACCES, EPERM, EPROTONOSUPPORT}:
            raise
    opened = SocketType(kind, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol)
    # All but echo replies would be copied to each of these sockets.
    if kind == AF_INET6:
        wanted = bytearray(b"\xff" * 32)
        wanted[ECHO6_REPLY // 32 * 4 + ECHO6_REPLY % 32 // 8] &= ~(1 << ECHO6_REPLY % 8) & 0xFF
        opened.setsockopt(IPPROTO_ICMPV6, ICMP6_FILTER, bytes(wanted))
    else:
        blocked = ~(1 << ECHO_REPLY) & 0xFFFFFFFF
        opened.setsockopt(SOL_RAW, ICMP_FILTER, blocked.to_bytes(4, "little"))
    return opened, True
