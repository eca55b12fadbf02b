"""The backend against a kernel that answers from a table of bytes."""

from __future__ import annotations

import errno
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from struct import pack, unpack_from

import pytest

from lvsnat.errors import LvsnatError
from lvsnat.ipvs import codec
from lvsnat.ipvs.backend import IpvsBackend, batches
from lvsnat.ipvs.netlink import BATCH
from lvsnat.ipvs.resources import IpvsResource, IpvsServer, IpvsService
from lvsnat.ipvs.uapi import Command
from lvsnat.model.endpoint import Endpoint, parse_kernel_listener
from lvsnat.model.resource import state_of
from lvsnat.model.status import ServerStats, ServiceStats
from lvsnat.plan.apply import StepError
from lvsnat.plan.change import Change, Create, Delete, Update

WEB = IpvsService(parse_kernel_listener("tcp/192.168.1.50:80"), "rr")
DNS = IpvsService(parse_kernel_listener("udp/[2001:db8::50]:53"), "homemade")
ONE = IpvsServer(WEB.listen, Endpoint.parse("192.168.2.55:80"))
TWO = IpvsServer(WEB.listen, Endpoint.parse("192.168.2.56:80"), 3)


class TableTransport:
    """Dumps the resources it holds, and answers writes with prepared error numbers."""

    family = 0x19

    def __init__(
        self, *tables: Sequence[IpvsResource], errors: dict[int, int] | None = None
    ) -> None:
        self.tables = deque(tables)
        self.errors = errors or {}
        self.written: list[bytes] = []
        self.datagrams = 0
        self._queue: deque[bytes] = deque()

    def send(self, datagram: bytes) -> None:
        self.datagrams += 1
        at = 0
        while at < len(datagram):
            size, _, flags, sequence, _ = unpack_from("=IHHII", datagram, at)
            self._answer(datagram[at + 16 : at + size], flags, sequence)
            at += size

    def receive(self) -> bytes:
        return self._queue.popleft()

    def close(self) -> None:
        self._queue.clear()

    def _answer(self, payload: bytes, flags: int, sequence: int) -> None:
        if flags & 0x300:
            for reply in self._dump(payload):
                self._queue.append(_message(reply, self.family, sequence))
            self._queue.append(_message(bytes(4), 3, sequence))
            return
        number = self.errors.get(len(self.written), 0)
        self.written.append(payload)
        if number or flags & 4:
            self._queue.append(_message(pack("=i", -number), 2, sequence))

    def _dump(self, payload: bytes) -> list[bytes]:
        table = self.tables[0]
        if payload[0] == Command.GET_SERVICE:
            services = [have for have in table if isinstance(have, IpvsService)]
            if len(self.tables) > 1:
                self.tables.popleft()
            return [codec.encode_service(Command.NEW_SERVICE, have) for have in services]
        return [
            codec.encode_server(Command.NEW_DEST, have)
            for have in table
            if isinstance(have, IpvsServer)
            and codec.encode_key(Command.GET_DEST, have.listen) == payload
        ]


class DeafTransport(TableTransport):
    """Refuses everything, as the kernel does to those who are not root."""

    def _answer(self, payload: bytes, flags: int, sequence: int) -> None:  # noqa: ARG002
        self._queue.append(_message(pack("=i", -errno.EPERM), 2, sequence))


def _message(payload: bytes, kind: int, sequence: int) -> bytes:
    return pack("=IHHII", 16 + len(payload), kind, 0, sequence, 0) + payload


def test_each_service_is_observed_before_its_servers() -> None:
    backend = IpvsBackend(TableTransport([DNS, WEB, ONE, TWO]))

    assert list(backend.observe(())) == [DNS, WEB, ONE, TWO]


def test_a_list_of_several_datagrams_is_read_until_two_agree() -> None:
    repeated, missed = (WEB, DNS, WEB), (WEB, WEB)
    whole = (DNS, WEB, ONE)
    transport = TableTransport(repeated, missed, whole, whole)

    assert list(IpvsBackend(transport).observe(())) == [DNS, WEB, ONE]


def test_a_list_of_one_datagram_is_read_once() -> None:
    transport = TableTransport([WEB])

    assert list(IpvsBackend(transport).observe(())) == [WEB]
    assert transport.datagrams == 2


def test_a_table_that_never_rests_ends_with_a_sentence() -> None:
    tables: list[list[IpvsResource]] = [[WEB, DNS], [DNS, WEB]] * 20

    with pytest.raises(LvsnatError, match="kept changing"):
        IpvsBackend(TableTransport(*tables)).observe(())


def test_counters_come_from_the_same_reading() -> None:
    resources, stats = IpvsBackend(TableTransport([WEB, ONE])).read()

    assert resources == [WEB, ONE]
    assert stats == {WEB.key: ServiceStats(), ONE.key: ServerStats()}


def test_changes_become_messages_and_are_reported_in_order() -> None:
    transport = TableTransport()
    changes: list[Change] = [
        Create(WEB),
        Create(ONE),
        Update(TWO, replace(TWO, weight=0)),
        Delete(ONE),
        Delete(WEB),
    ]
    reported: list[Change] = []

    IpvsBackend(transport).apply(changes, reported.append)

    assert reported == changes
    assert [payload[0] for payload in transport.written] == [
        Command.NEW_SERVICE,
        Command.NEW_DEST,
        Command.SET_DEST,
        Command.DEL_DEST,
        Command.DEL_SERVICE,
    ]


def test_many_changes_are_few_datagrams() -> None:
    transport = TableTransport()
    servers = [replace(ONE, weight=number) for number in range(BATCH + 1)]

    IpvsBackend(transport).apply([Create(server) for server in servers], lambda _: None)

    assert transport.datagrams == 2


def test_what_was_sent_with_a_refused_change_is_reported_and_no_more_is_sent() -> None:
    transport = TableTransport(errors={0: errno.EEXIST})
    reported: list[Change] = []

    with pytest.raises(StepError, match=r"create service tcp/192.168.1.50:80: it exists already"):
        IpvsBackend(transport).apply([Create(WEB), Create(DNS), Create(ONE)], reported.append)

    assert reported == [Create(DNS)]
    assert len(transport.written) == 2


def test_removing_what_is_gone_is_done() -> None:
    transport = TableTransport(errors={0: errno.ENOENT, 1: errno.ESRCH})
    reported: list[Change] = []

    IpvsBackend(transport).apply([Delete(ONE), Delete(WEB)], reported.append)

    assert len(reported) == 2


def test_removals_never_share_a_datagram_with_what_may_be_refused() -> None:
    changes: list[Change] = [Create(WEB), Update(DNS, DNS), Create(ONE), Delete(TWO), Delete(DNS)]

    assert [len(batch) for batch in batches(changes)] == [2, 1, 1, 1]


@pytest.mark.parametrize(
    ("change", "number", "reason"),
    [
        (Create(DNS), errno.ENOENT, "no scheduler 'homemade'"),
        (Create(replace(DNS, engine="sip")), errno.ENOENT, "or no persistence engine 'sip'"),
        (Update(WEB, WEB), errno.ESRCH, "it was removed since"),
        (Create(ONE), errno.ESRCH, "its service tcp/192.168.1.50:80 does not exist"),
        (Update(ONE, TWO), errno.ENOENT, "it was removed since"),
        (Create(ONE), errno.ERANGE, "weight 1 or thresholds 0/0"),
        (Create(ONE), errno.EINVAL, "rejects this address"),
        (Delete(ONE), errno.EPERM, "no permission"),
        (Create(WEB), errno.ENFILE, "Too many open files in system"),
    ],
)
def test_a_refusal_is_explained_by_what_was_asked(change: Change, number: int, reason: str) -> None:
    backend = IpvsBackend(TableTransport(errors={0: number}))

    with pytest.raises(StepError, match=reason) as error:
        backend.apply([change], lambda _: None)

    assert error.value.hint


def test_reading_without_permission_names_what_to_do() -> None:
    with pytest.raises(LvsnatError, match="no permission to read IPVS") as error:
        IpvsBackend(DeafTransport()).observe(())

    assert "root" in str(error.value.hint)


def test_observation_indexes_by_key() -> None:
    backend = IpvsBackend(TableTransport([WEB, ONE, TWO]))

    assert len(state_of(backend.observe(()))) == 3


def test_importing_the_backend_loads_no_pyroute2() -> None:
    program = "import sys, lvsnat.ipvs.backend, lvsnat.testing; sys.exit('pyroute2' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
