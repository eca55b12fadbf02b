"""Ask the real servers, from this host's own address and from a foreign one.

A server of HAProxy is asked as HAProxy asks it: from a foreign address that this host has not, so
that the reply comes only where server, network and this host all do their part. Where that fails,
and for servers of IPVS, the foreign address is put on ``lo`` for as long as this takes, so that no
neighbour hears of it: a server's reply to it comes back only where the server sends replies to
strangers through this host. The file ``note`` names what was put there: where the asking was
killed, the next run of the doctor takes it away (``sweep``).

A program that takes datagrams owes no answer. Of a silent one its host is asked, by TCP at the same
port, where a refusal is an answer, too; and where that is silent as well, nothing is told.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from lvsnat.doctor.facts import Probed, Probes, Reply
from lvsnat.doctor.probesockets import Origin, ask_tcp, ask_udp
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

_AGAIN: Final = 2
"""So many times."""
Ask = Callable[[Sequence[Endpoint], Origin], dict[Endpoint, Reply]]


@dataclass(frozen=True, slots=True)
class Questions:
    """What is to be asked. A server is asked at the place that it is mapped to."""

    streams: Mapping[Endpoint, Endpoint] = field(default_factory=dict)
    """The real servers of TCP services."""
    proxied: Collection[Endpoint] = ()
    """Those of them that HAProxy has."""
    datagrams: Mapping[Endpoint, Endpoint] = field(default_factory=dict)
    """The real servers of UDP services."""
    vips: Collection[IPAddress] = ()
    """Addresses that nobody else should have."""


def probe(questions: Questions, assigned: Sequence[AssignedAddress], note: Path) -> Probes:
    """Ask each server, and the wire who else has a VIP."""
    with _refused_explained():
        return Probes(
            _streams(questions, note),
            neighbours.elsewhere(questions.vips, assigned),
            _datagrams(questions.datagrams, note),
        )


@contextlib.contextmanager
def _refused_explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = "run it as root" if isinstance(error, PermissionError) else None
        raise LvsnatError(f"cannot ask: {error.strerror}", hint) from None


def _streams(questions: Questions, note: Path) -> dict[Endpoint, Probed]:
    servers = questions.streams
    own = ask_tcp(_once(servers.values()))
    alive = [place for place, reply in own.items() if reply.came]
    proxied = {servers[one] for one in questions.proxied if one in servers}
    diverted = ask_tcp([place for place in alive if place in proxied], Origin.DIVERTED)
    # What came to a foreign address that is not even here has come back.
    foreign = {place: reply for place, reply in diverted.items() if reply.came}
    foreign |= _asked_foreign(ask_tcp, [one for one in alive if one not in foreign], note)
    return {
        server: Probed(own[place], foreign.get(place, Reply.SILENT), diverted.get(place))
        for server, place in servers.items()
    }


def _datagrams(servers: Mapping[Endpoint, Endpoint], note: Path) -> dict[Endpoint, Probed]:
    """Those of which something can be told."""
    own = ask_udp(_once(servers.values()))
    heard = [place for place, reply in own.items() if reply.came]
    # Their hosts: what the program does not say, the kernel there does.
    hosts = ask_tcp([place for place, reply in own.items() if reply is Reply.SILENT])
    alive = [place for place, reply in hosts.items() if reply.came]
    foreign = _asked_foreign(repeated(ask_udp), heard, note) | _asked_foreign(ask_tcp, alive, note)
    own |= dict.fromkeys(alive, Reply.ANSWERED)
    own |= {place: reply for place, reply in hosts.items() if reply is Reply.UNREACHABLE}
    return {
        server: Probed(own[place], foreign.get(place, Reply.SILENT))
        for server, place in servers.items()
        if own[place] is not Reply.SILENT
    }


def repeated(ask: Ask) -> Ask:
    """Ask the silent ones again: a datagram that is lost nobody repeats, a busy program is late."""

    def asked(places: Sequence[Endpoint], origin: Origin) -> dict[Endpoint, Reply]:
        found = ask(places, origin)
        for _ in range(_AGAIN):
            silent = [place for place, reply in found.items() if not reply.came]
            found |= ask(silent, origin) if silent else {}
        return found

    return asked


def _once(places: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    return tuple(dict.fromkeys(places))


def _asked_foreign(ask: Ask, places: Sequence[Endpoint], note: Path) -> dict[Endpoint, Reply]:
    if not places:
        return {}
    with foreign_addresses({EXAMPLE[place.family] for place in places}, note):
        return ask(places, Origin.FOREIGN)


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
