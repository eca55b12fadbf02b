"""Sockets that ask real servers, some hundreds at a time, and end at once. They change nothing."""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import struct
import time
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Final

from lvsnat.doctor.facts import Reply
from lvsnat.host.transparency import EXAMPLE
from lvsnat.model.endpoint import Endpoint, Family

SECONDS: Final = 2.0
"""How long a real server is waited for."""
_AT_ONCE: Final = 500
_RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER: end with a reset, so that neither side keeps anything."""
_TRANSPARENT: Final = {Family.IPV4: (socket.SOL_IP, 19), Family.IPV6: (socket.IPPROTO_IPV6, 75)}
"""IP_TRANSPARENT and IPV6_TRANSPARENT (linux/in.h, linux/in6.h)."""
_REPLIES: Final = {
    0: Reply.ANSWERED,
    errno.ECONNREFUSED: Reply.REFUSED,
    errno.EHOSTUNREACH: Reply.UNREACHABLE,
    errno.ENETUNREACH: Reply.UNREACHABLE,
}


class Origin(Enum):
    """Whose address an attempt comes from."""

    OWN = auto()
    """The kernel's choice among this host's."""
    FOREIGN = auto()
    """EXAMPLE, which must be this host's meanwhile."""
    DIVERTED = auto()
    """EXAMPLE as HAProxy has its clients' addresses: this host must not have it."""


def ask_tcp(
    places: Sequence[Endpoint], origin: Origin = Origin.OWN, seconds: float = SECONDS
) -> dict[Endpoint, Reply]:
    """Connect to each of them."""
    return _asked(places, lambda place: _connecting(place, origin), seconds)


def ask_udp(
    places: Sequence[Endpoint], origin: Origin = Origin.OWN, seconds: float = SECONDS
) -> dict[Endpoint, Reply]:
    """Send an empty datagram to each; who takes it may say nothing, and its host says if nobody."""
    return _asked(places, lambda place: _sending(place, origin), seconds)


def _asked(
    places: Sequence[Endpoint], begin: Callable[[Endpoint], _Attempt], seconds: float
) -> dict[Endpoint, Reply]:
    found: dict[Endpoint, Reply] = {}
    for at in range(0, len(places), _AT_ONCE):
        with contextlib.ExitStack() as stack:
            waiting = stack.enter_context(selectors.DefaultSelector())
            for place in places[at : at + _AT_ONCE]:
                asking, event, code = begin(place)
                stack.enter_context(asking)
                if code == errno.EINPROGRESS:
                    waiting.register(asking, event, place)
                else:
                    found[place] = _REPLIES.get(code, Reply.SILENT)
            found |= _answers(waiting, time.monotonic() + seconds)
    return found


_Attempt = tuple[socket.socket, int, int]
"""A socket, what it waits for, and an errno: EINPROGRESS while it waits."""


def _connecting(place: Endpoint, origin: Origin) -> _Attempt:
    asking = _socket(place, socket.SOCK_STREAM, origin)
    asking.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    return asking, selectors.EVENT_WRITE, asking.connect_ex((str(place.address), place.port))


def _sending(place: Endpoint, origin: Origin) -> _Attempt:
    asking = _socket(place, socket.SOCK_DGRAM, origin)
    code = asking.connect_ex((str(place.address), place.port))
    try:
        asking.send(b"")
    except OSError as error:
        code = code or error.errno or errno.EIO
    return asking, selectors.EVENT_READ, code or errno.EINPROGRESS


def _socket(place: Endpoint, kind: socket.SocketKind, origin: Origin) -> socket.socket:
    asking = socket.socket(int(place.family), kind)
    try:
        asking.settimeout(0)
        if origin is Origin.DIVERTED:
            asking.setsockopt(*_TRANSPARENT[place.family], 1)
        if origin is not Origin.OWN:
            asking.bind((str(EXAMPLE[place.family]), 0))
    except BaseException:
        asking.close()
        raise
    return asking


def _answers(waiting: selectors.BaseSelector, end: float) -> dict[Endpoint, Reply]:
    found: dict[Endpoint, Reply] = {}
    late = False
    while waiting.get_map() and not late:
        # Who was kept waiting himself, by a busy machine, looks once at what has come meanwhile.
        late = (left := end - time.monotonic()) <= 0
        for key, _ in waiting.select(max(0.0, left)):
            answered = key.fileobj
            waiting.unregister(answered)
            if isinstance(answered, socket.socket):
                code = answered.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                found[key.data] = _REPLIES.get(code, Reply.SILENT)
    silent = {key.data: Reply.SILENT for key in waiting.get_map().values()}
    return found | silent
