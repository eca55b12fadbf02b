"""The TCP sockets of this network namespace, as the kernel lists them (sock_diag(7)).

pyroute2 makes objects of what it reads; a director holds 100,000 connections, so the two structures
are read here (linux/inet_diag.h).
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Final, NoReturn

from lvsnat.errors import LvsnatError
from lvsnat.model.endpoint import Endpoint, Family, IPAddress

_NETLINK_SOCK_DIAG: Final = 4
_SOCK_DIAG_BY_FAMILY: Final = 20
_NLM_F_REQUEST_DUMP: Final = 0x301
_NLMSG_ERROR: Final = 2
_NLMSG_DONE: Final = 3
_HEADER: Final = struct.Struct("=IHHII")
_REQUEST: Final = struct.Struct("=BBBxI48x")
_ERROR: Final = struct.Struct("=i")
_PORT: Final = struct.Struct("!H")
_INODE: Final = struct.Struct("=I")
_QUEUE: Final = struct.Struct("=I")
_ATTRIBUTE: Final = struct.Struct("=HH")
_MESSAGE_LENGTH: Final = 72
"""Of struct inet_diag_msg; attributes follow."""
_SKV6ONLY: Final = 11
_RECEIVE: Final = 1 << 18

_ESTABLISHED, _SYN_SENT, _SYN_RECV, _TIME_WAIT, _CLOSE, _LISTEN = 1, 2, 3, 6, 7, 10
"""States of include/net/tcp_states.h."""
_RETRANSMITS: Final = 3
"""Where struct inet_diag_msg has them (idiag_retrans)."""
_LISTENING: Final = 1 << _LISTEN
_CONNECTED: Final = 0xFFF & ~(1 | 1 << _TIME_WAIT | 1 << _CLOSE | 1 << _LISTEN)


@dataclass(frozen=True, slots=True)
class Listening:
    """A socket that accepts connections."""

    place: Endpoint
    v6only: bool
    inode: int

    def takes(self, place: Endpoint) -> bool:
        """Whether nobody else may listen there beside it."""
        own = self.place
        if own.port != place.port:
            return False
        if own.family is place.family:
            anywhere = own.address.is_unspecified or place.address.is_unspecified
            return anywhere or own.address == place.address
        return own.family is Family.IPV6 and own.address.is_unspecified and not self.v6only


def listening() -> list[Listening]:
    """Every socket that accepts TCP connections."""
    return [
        Listening(_place(family, message), _is_v6only(message), _INODE.unpack_from(message, 68)[0])
        for family in Family
        for message in _dump(family, _LISTENING)
    ]


def held(places: Collection[Endpoint]) -> Mapping[Endpoint, int]:
    """How many connections have each of these as their local end: all but those in TIME_WAIT."""
    found: dict[Endpoint, int] = dict.fromkeys(places, 0)
    for family in {place.family for place in places}:
        # Compared as the kernel has them: to make an address of each would take most of the time.
        wanted = {_end(place): place for place in places if place.family is family}
        length = 4 if family is Family.IPV4 else 16
        counts = Counter(
            message[4:6] + message[8 : 8 + length] for message in _dump(family, _CONNECTED)
        )
        for end, place in wanted.items():
            found[place] = counts[end]
    return found


def ports_used(servers: Collection[Endpoint]) -> Counter[tuple[IPAddress, Endpoint]]:
    """How many ports of each address are in use towards these: those in TIME_WAIT, too."""
    found: Counter[tuple[IPAddress, Endpoint]] = Counter()
    for family in {server.family for server in servers}:
        wanted = {_end(server): server for server in servers if server.family is family}
        length = 4 if family is Family.IPV4 else 16
        counts = Counter(
            (message[8 : 8 + length], message[6:8] + message[24 : 24 + length])
            for message in _dump(family, _CONNECTED | 1 << _TIME_WAIT)
        )
        for (address, end), number in counts.items():
            if end in wanted:
                found[ip_address(address), wanted[end]] = number
    return found


def arriving(places: Collection[Endpoint]) -> int:
    """How many connections to these are still being made, or wait to be accepted."""
    found = 0
    for family in {place.family for place in places}:
        for message in _dump(family, 1 << _SYN_RECV | _LISTENING):
            if _place(family, message) in places:
                listens = message[1] == _LISTEN
                found += _QUEUE.unpack_from(message, 56)[0] if listens else 1
    return found


def waiting() -> Mapping[Endpoint, int]:
    """How many connections of this host have asked a place for the second time, unanswered.

    The kernel asks again after one second (TCP_TIMEOUT_INIT in include/net/tcp.h).
    """
    return Counter(
        _far_place(family, message)
        for family in Family
        for message in _dump(family, 1 << _SYN_SENT)
        if message[_RETRANSMITS]
    )


def holder(inode: int) -> int | None:
    """The process that has a socket open; None where /proc does not show it."""
    return holders({inode}).get(inode)


def holders(inodes: Collection[int]) -> dict[int, int]:
    """A process for each of these sockets; those are lacking that /proc does not show."""
    left = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[int, int] = {}
    for process in Path("/proc").glob("[0-9]*") if left else ():
        for path in _opened(process):
            with contextlib.suppress(OSError):
                inode = left.pop(os.readlink(path), None)  # noqa: PTH115 - half the time; there may be 100,000
                if inode is not None:
                    found[inode] = int(process.name)
        if not left:
            break
    return found


def _opened(process: Path) -> list[Path]:
    """What a process has open; nothing once it has ended, which it may at any moment."""
    with contextlib.suppress(OSError):
        return list((process / "fd").iterdir())
    return []


def conflicts(places: Iterable[Endpoint]) -> Iterator[tuple[Endpoint, Listening]]:
    """Those of the places that somebody listens on already."""
    by_port: dict[int, list[Listening]] = {}
    for one in listening():
        by_port.setdefault(one.place.port, []).append(one)
    for place in places:
        taken = next((one for one in by_port.get(place.port, ()) if one.takes(place)), None)
        if taken is not None:
            yield place, taken


def _end(place: Endpoint) -> bytes:
    """A local end as in a message: the port, then the address."""
    return _PORT.pack(place.port) + place.address.packed


def _place(family: Family, message: bytes) -> Endpoint:
    (port,) = _PORT.unpack_from(message, 4)
    if family is Family.IPV4:
        return Endpoint(IPv4Address(message[8:12]), port)
    return Endpoint(IPv6Address(message[8:24]), port)


def _far_place(family: Family, message: bytes) -> Endpoint:
    (port,) = _PORT.unpack_from(message, 6)
    if family is Family.IPV4:
        return Endpoint(IPv4Address(message[24:28]), port)
    return Endpoint(IPv6Address(message[24:40]), port)


def _is_v6only(message: bytes) -> bool:
    at = _MESSAGE_LENGTH
    while at + _ATTRIBUTE.size <= len(message):
        length, kind = _ATTRIBUTE.unpack_from(message, at)
        if kind == _SKV6ONLY and length > _ATTRIBUTE.size:
            return message[at + _ATTRIBUTE.size] != 0
        at += max(_ATTRIBUTE.size, (length + 3) & ~3)
    return False


def _dump(family: Family, states: int) -> Iterator[bytes]:
    """The kernel's messages about the TCP sockets of a family in these states."""
    request = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, states)
    header = _HEADER.pack(
        _HEADER.size + len(request), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST_DUMP, 1, 0
    )
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as channel:
            channel.settimeout(10)
            channel.send(header + request)
            while True:
                for kind, message in _messages(channel.recv(_RECEIVE)):
                    if kind == _NLMSG_DONE:
                        return
                    if kind == _NLMSG_ERROR:
                        _refuse(message)
                    yield message
    except OSError as error:
        raise LvsnatError(
            f"the kernel does not list its TCP sockets: {error.strerror or error}",
            "it needs CONFIG_INET_TCP_DIAG (modprobe tcp_diag)",
        ) from None


def _messages(answer: bytes) -> Iterator[tuple[int, bytes]]:
    """The messages of one reading: kind and contents."""
    at = 0
    while at + _HEADER.size <= len(answer):
        length, kind, *_ = _HEADER.unpack_from(answer, at)
        yield kind, answer[at + _HEADER.size : at + length]
        at += max(_HEADER.size, (length + 3) & ~3)


def _refuse(message: bytes) -> NoReturn:
    (number,) = _ERROR.unpack_from(message)
    raise OSError(-number, os.strerror(-number))
