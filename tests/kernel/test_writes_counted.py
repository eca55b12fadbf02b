"""How often the kernel is written to: an apply sends what differs, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from struct import Struct

import pytest

from lvsnat.director.director import Director, Options
from lvsnat.director.paths import Paths
from lvsnat.host.backend import HostBackend
from lvsnat.ipvs.backend import IpvsBackend
from lvsnat.ipvs.timeouts import TimeoutsBackend
from lvsnat.ipvs.transport import SocketTransport, open_transport
from lvsnat.ipvs.uapi import Command
from lvsnat.plan.change import Update

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("fresh_netns")]

SERVICES, SERVERS = 30, 4

_LENGTH = Struct("=I")
_NETLINK_HEADER = 16
_READS = {
    Command.GET_SERVICE,
    Command.GET_DEST,
    Command.GET_DAEMON,
    Command.GET_CONFIG,
    Command.GET_INFO,
}


class CountingTransport:
    """The real socket; it writes down the command of every message that goes through it."""

    def __init__(self, real: SocketTransport) -> None:
        self._real = real
        self.writes: list[Command] = []
        self.datagrams = 0
        """Those with writes in them."""

    @property
    def family(self) -> int:
        return self._real.family

    def send(self, datagram: bytes) -> None:
        writes = [command for command in commands(datagram) if command not in _READS]
        self.writes += writes
        self.datagrams += bool(writes)
        self._real.send(datagram)

    def receive(self) -> bytes:
        return self._real.receive()

    def close(self) -> None:
        self._real.close()

    def forget(self) -> None:
        self.writes.clear()
        self.datagrams = 0


def commands(datagram: bytes) -> Iterator[Command]:
    start = 0
    while start < len(datagram):
        yield Command(datagram[start + _NETLINK_HEADER])
        (length,) = _LENGTH.unpack_from(datagram, start)
        start += (length + 3) & ~3


def text(*, weight: int = 1) -> str:
    """A configuration; ``weight`` is that of one server in the middle."""
    lines = []
    for number in range(SERVICES):
        lines += ["[[service]]", f'name = "s{number}"', f'listen = "tcp/192.0.2.1:{1000 + number}"']
        for server in range(SERVERS):
            chosen = weight if (number, server) == (SERVICES // 2, 1) else 1
            address = f"10.0.{number}.{server + 1}:80"
            lines += ["[[service.servers]]", f'address = "{address}"', f"weight = {chosen}"]
    return "\n".join(lines)


@pytest.fixture
def transport(fresh_netns: None) -> Iterator[CountingTransport]:  # noqa: ARG001 - comes first
    counting = CountingTransport(open_transport())
    yield counting
    counting.close()


@pytest.fixture
def director(transport: CountingTransport, tmp_path: Path) -> Director:
    paths = Paths(tmp_path / "lvsnat.toml", tmp_path / "state", tmp_path / "run")
    host, ipvs = HostBackend(), IpvsBackend(transport)
    made = Director(paths, ipvs, [host, TimeoutsBackend(lambda: ipvs.kernel)])
    paths.config.write_text(text())
    apply(made)
    return made


def apply(director: Director) -> int:
    """Apply; how many changes that were."""
    with director.applying(Options()) as transaction:
        transaction.carry_out(lambda _: None)
        return len(transaction.plan.changes)


def test_a_fill_writes_each_service_and_server_once_and_in_few_datagrams(
    director: Director, transport: CountingTransport
) -> None:
    assert len(director.table()) == SERVICES * (1 + SERVERS)
    assert transport.writes.count(Command.NEW_SERVICE) == SERVICES
    assert transport.writes.count(Command.NEW_DEST) == SERVICES * SERVERS
    assert len(transport.writes) == SERVICES * (1 + SERVERS)
    assert transport.datagrams == 2


def test_an_apply_that_changes_nothing_writes_nothing(
    director: Director, transport: CountingTransport
) -> None:
    files = {path: path.stat().st_mtime_ns for path in director.paths.state.iterdir()}
    transport.forget()

    changes = apply(director)

    assert (changes, transport.writes) == (0, [])
    assert {path: path.stat().st_mtime_ns for path in director.paths.state.iterdir()} == files


def test_an_apply_that_changes_one_server_writes_once(
    director: Director, transport: CountingTransport
) -> None:
    director.paths.config.write_text(text(weight=7))
    transport.forget()

    changes = apply(director)

    assert (changes, transport.writes, transport.datagrams) == (1, [Command.SET_DEST], 1)


def test_a_plan_writes_nothing(director: Director, transport: CountingTransport) -> None:
    director.paths.config.write_text(text(weight=7))
    transport.forget()

    transaction = director.planned()

    assert [type(change) for change in transaction.plan.changes] == [Update]
    assert transport.writes == []
