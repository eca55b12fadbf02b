"""The socket to the kernel's IPVS, and whether there is an IPVS at all."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from pathlib import Path
from struct import Struct

from lvsnat.errors import LvsnatError
from lvsnat.ipvs.resources import NO_MODULE
from lvsnat.ipvs.uapi import FAMILY_NAME
from lvsnat.system import run

RECEIVE_BUFFER = 4 << 20
_DATAGRAM = 1 << 16  # The kernel fills a dump's datagrams up to 32 kB if offered as much.
_ANSWER_SECONDS = 30
_SO_RCVBUFFORCE = 33
_TIMEVAL = Struct("@ll")

_PRESENCE = Path("/proc/thread-self/net/ip_vs")


class SocketTransport:
    """A blocking generic netlink socket, bound to the network namespace of the opening thread."""

    def __init__(self, connection: socket.socket, family: int) -> None:
        self._socket = connection
        self._family = family

    @property
    def family(self) -> int:
        return self._family

    def send(self, datagram: bytes) -> None:
        self._socket.send(datagram)

    def receive(self) -> bytes:
        return self._socket.recv(_DATAGRAM)

    def close(self) -> None:
        self._socket.close()


def open_transport() -> SocketTransport:
    """Load ip_vs if need be and open a socket to it; LvsnatError says what is missing."""
    if not _PRESENCE.exists():
        _load_module()
    connection, family = _open_socket()
    connection.setblocking(True)  # noqa: FBT003 - the standard library's own
    # Not settimeout(): that costs a poll() before each system call.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEVAL.pack(_ANSWER_SECONDS, 0))
    return SocketTransport(connection, family)


def _open_socket() -> tuple[socket.socket, int]:
    """A socket bound by pyroute2, and the number of the family as resolved by pyroute2.

    From there on its descriptor is used directly. pyroute2's socket is asynchronous within, and
    its synchronous face parses each reply into objects: 0.6 ms an operation where plain bytes take
    0.01 ms, seconds against milliseconds in a table of thousands.
    """
    # 0.2 s and 300 modules, which only a command that opens the socket should pay for.
    from pyroute2.netlink import genlmsg
    from pyroute2.netlink.exceptions import NetlinkError
    from pyroute2.netlink.generic import GenericNetlinkSocket

    with GenericNetlinkSocket() as opened:
        try:
            opened.bind(FAMILY_NAME, genlmsg)
        except NetlinkError as error:
            if error.code == errno.ENOENT:
                raise _no_ipvs("") from None
            raise LvsnatError(f"the netlink family of IPVS: {os.strerror(error.code)}") from None
        connection = socket.socket(fileno=os.dup(opened.fileno()))
        # Without CAP_NET_ADMIN the first request is refused, with a better sentence than this.
        with contextlib.suppress(PermissionError):
            connection.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER)
        return connection, int(opened.prid)


def _load_module() -> None:
    try:
        said = run(["modprobe", "ip_vs"]).stderr.strip()
    except LvsnatError as error:
        said = error.message
    if not _PRESENCE.exists():
        raise _no_ipvs(said)


def _no_ipvs(said: str) -> LvsnatError:
    detail = f" ({said})" if said else ""
    return LvsnatError(
        f"this kernel has no IPVS{detail}",
        f"run 'sudo modprobe ip_vs'; {NO_MODULE}",
    )
