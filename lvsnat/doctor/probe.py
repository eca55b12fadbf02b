"""Ask the real servers over TCP, from this host's own address and from a foreign one.

The foreign address is put on ``lo`` for as long as this takes, so that no neighbour hears of it. A
server's reply to it comes back only where the server sends replies to strangers through this host.
The file ``note`` names what was put there: where the asking was killed, the next run of the doctor
takes it away (``sweep``).
"""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import struct
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from lvsnat.doctor.facts import Probed, Probes, Reply
from lvsnat.errors import LvsnatError
from lvsnat.host import neighbours
from lvsnat.host.netlink import Addresses
from lvsnat.host.placement import LOOPBACK, AssignedAddress
from lvsnat.host.resources import Vip
from lvsnat.host.transparency import EXAMPLE
from lvsnat.model.endpoint import Endpoint, IPAddress
from lvsnat.system import (
    interrupted_by_every_end,
    is_locked,
    locked,
    read_file,
    remove_file,
    uninterrupted,
    write_file,
)

SECONDS: Final = 2.0
"""How long a real server is waited for."""
_AT_ONCE: Final = 500
_RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER: end with a reset, so that neither side keeps anything."""
_REPLIES: Final = {
    0: Reply.ANSWERED,
    errno.ECONNREFUSED: Reply.REFUSED,
    errno.EHOSTUNREACH: Reply.UNREACHABLE,
    errno.ENETUNREACH: Reply.UNREACHABLE,
}


def probe(
    servers: Mapping[Endpoint, Endpoint],
    vips: Collection[IPAddress],
    assigned: Sequence[AssignedAddress],
    note: Path,
) -> Probes:
    """Ask each server at the place that it is mapped to, and the wire who else has a VIP."""
    places = tuple(dict.fromkeys(servers.values()))
    own = ask(places)
    alive = [place for place in places if own[place].came]
    with foreign_addresses({EXAMPLE[place.family] for place in alive}, note):
        foreign = ask(alive, foreign=True)
    answers = {
        server: Probed(own[place], foreign.get(place, Reply.SILENT))
        for server, place in servers.items()
    }
    try:
        return Probes(answers, neighbours.elsewhere(vips, assigned))
    except OSError as error:
        raise LvsnatError(f"cannot ask who has a VIP: {error.strerror}", "run it as root") from None


@contextlib.contextmanager
def foreign_addresses(wanted: Iterable[IPAddress], note: Path) -> Iterator[None]:
    """Have these addresses on ``lo``, and nothing of them afterwards."""
    with locked(_lock(note), wait=False), interrupted_by_every_end(), Addresses() as addresses:
        _take_back(note, addresses)
        there = {one.address for one in addresses.assigned()}
        missing = [Vip(one, LOOPBACK) for one in wanted if one not in there]
        try:
            with uninterrupted():
                if missing:
                    write_file(note, "".join(f"{vip.address}\n" for vip in missing))
                for vip in missing:
                    addresses.add(vip)
            yield
        finally:
            with uninterrupted():
                _take_back(note, addresses)


def sweep(note: Path) -> None:
    """Take away what a run that was killed has left; nothing of one that is at work."""
    if note.exists() and not is_locked(_lock(note)):
        with locked(_lock(note), wait=False), uninterrupted(), Addresses() as addresses:
            _take_back(note, addresses)


def _take_back(note: Path, addresses: Addresses) -> None:
    for line in (read_file(note) or "").splitlines():
        addresses.remove(Vip(ip_address(line), LOOPBACK))
    remove_file(note)


def _lock(note: Path) -> Path:
    return note.with_suffix(".lock")


def ask(
    places: Sequence[Endpoint], *, foreign: bool = False, seconds: float = SECONDS
) -> dict[Endpoint, Reply]:
    """Connect to each of them, some hundreds at a time, and end it at once."""
    found: dict[Endpoint, Reply] = {}
    for at in range(0, len(places), _AT_ONCE):
        with contextlib.ExitStack() as stack:
            waiting = stack.enter_context(selectors.DefaultSelector())
            for place in places[at : at + _AT_ONCE]:
                connecting = stack.enter_context(_socket(place, foreign=foreign))
                code = connecting.connect_ex((str(place.address), place.port))
                if code == errno.EINPROGRESS:
                    waiting.register(connecting, selectors.EVENT_WRITE, place)
                else:
                    found[place] = _REPLIES.get(code, Reply.SILENT)
            found |= _answers(waiting, time.monotonic() + seconds)
    return found


def _socket(place: Endpoint, *, foreign: bool) -> socket.socket:
    connecting = socket.socket(int(place.family), socket.SOCK_STREAM)
    connecting.settimeout(0)
    connecting.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    if foreign:
        connecting.bind((str(EXAMPLE[place.family]), 0))
    return connecting


def _answers(waiting: selectors.BaseSelector, end: float) -> dict[Endpoint, Reply]:
    found: dict[Endpoint, Reply] = {}
    while waiting.get_map() and (left := end - time.monotonic()) > 0:
        for key, _ in waiting.select(left):
            answered = key.fileobj
            waiting.unregister(answered)
            if isinstance(answered, socket.socket):
                code = answered.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                found[key.data] = _REPLIES.get(code, Reply.SILENT)
    silent = {key.data: Reply.SILENT for key in waiting.get_map().values()}
    return found | silent
