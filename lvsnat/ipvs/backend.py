"""The kernel's IPVS table as a place where resources live. Never flushes it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import ClassVar

from lvsnat.ipvs import resources
from lvsnat.ipvs.codec import ServiceEntry, encode_server, encode_service
from lvsnat.ipvs.counters import server_stats, service_stats
from lvsnat.ipvs.kernel import Kernel
from lvsnat.ipvs.netlink import BATCH, Transport
from lvsnat.ipvs.proc import ProcFiles
from lvsnat.ipvs.refusal import is_done, step_error
from lvsnat.ipvs.resources import (
    SERVER_KIND,
    SERVICE_KIND,
    IpvsResource,
    IpvsServer,
    IpvsService,
)
from lvsnat.ipvs.transport import open_transport
from lvsnat.ipvs.uapi import Command
from lvsnat.model.config import Config, Timeouts
from lvsnat.model.connection import TableState
from lvsnat.model.endpoint import KernelListener
from lvsnat.model.resource import Key
from lvsnat.model.status import ServerStats, ServiceStats
from lvsnat.plan.change import Change, Create, Delete, Report, Update, subject
from lvsnat.system import uninterrupted

Stats = ServiceStats | ServerStats


class IpvsBackend:
    """Services and servers. The socket is opened at the first use."""

    kinds: ClassVar[frozenset[str]] = frozenset({SERVICE_KIND, SERVER_KIND})

    def __init__(self, transport: Transport | None = None, files: ProcFiles | None = None) -> None:
        self._kernel = None if transport is None else Kernel(transport)
        self._files = files or ProcFiles()

    @property
    def kernel(self) -> Kernel:
        """Timeouts, sync daemons, zeroing: what IPVS has beside services and servers."""
        if self._kernel is None:
            self._kernel = Kernel(open_transport())
        return self._kernel

    def close(self) -> None:
        """Close the socket; the next use opens another."""
        if self._kernel is not None:
            self._kernel.close()
            self._kernel = None

    def expand(self, config: Config) -> Iterable[IpvsResource]:
        yield from resources.expand(config)
        yield from resources.standby(config)

    def observe(self, keys: Collection[Key]) -> Iterable[IpvsResource]:  # noqa: ARG002
        """Every service and its servers, in the kernel's order, whoever made them."""
        return [
            entry.service if isinstance(entry, ServiceEntry) else entry.server
            for entry in self.kernel.table()
        ]

    def read(self) -> tuple[list[IpvsResource], dict[Key, Stats]]:
        """What exists and what it has carried, from one reading of the table."""
        found: list[IpvsResource] = []
        stats: dict[Key, Stats] = {}
        for entry in self.kernel.table():
            if isinstance(entry, ServiceEntry):
                found.append(entry.service)
                stats[entry.service.key] = service_stats(entry)
            else:
                found.append(entry.server)
                stats[entry.server.key] = server_stats(entry)
        return found, stats

    def timeouts(self) -> Timeouts:
        """How long the kernel keeps idle connections now."""
        return self.kernel.timeouts()

    def zero(self, listen: KernelListener) -> None:
        """Set the counters of a service and of its servers to zero."""
        self.kernel.zero(listen)

    def connection_lines(self) -> Iterator[str]:
        """Every connection, as the kernel writes it."""
        return self._files.connection_lines()

    def is_loaded(self) -> bool:
        """Whether this kernel has IPVS at work; asking brings nothing into it."""
        return self._files.exist()

    def table_state(self) -> TableState:
        """How full the table of connections is."""
        return self._files.table_state()

    def prepare(self, changes: Sequence[Change]) -> None:
        """The kernel alone knows what it refuses; it says so in time for a rollback."""

    def apply(self, changes: Sequence[Change], done: Report) -> None:
        """Carry out the changes in batches; see ``Backend.apply``."""
        for batch in batches(changes):
            payloads = [encode(change) for change in batch]
            # A Ctrl-C between the kernel's doing and our knowing could not be undone.
            with uninterrupted():
                numbers = self.kernel.submit(payloads)
                refused = [
                    (change, number)
                    for change, number in zip(batch, numbers, strict=True)
                    if not is_done(change, number)
                ]
                held = {id(change) for change, _ in refused}
                for change in batch:
                    if id(change) not in held:
                        done(change)
            if refused:
                raise step_error(*refused[0])


def batches(changes: Iterable[Change]) -> Iterator[list[Change]]:
    """The changes in the groups that are sent together.

    The kernel goes on after a refusal within a group. So none mixes stages, lest servers join a
    service that is not ours, nor making with removing, lest a failed plan cut connections.
    """
    for _, alike in groupby(changes, key=lambda c: (type(c) is Delete, subject(c).stage)):
        while batch := list(islice(alike, BATCH)):
            yield batch


def encode(change: Change) -> bytes:
    """The message that asks the kernel for a change."""
    resource = subject(change)
    if isinstance(resource, IpvsService):
        return encode_service(_SERVICE_COMMANDS[type(change)], resource)
    if isinstance(resource, IpvsServer):
        return encode_server(_SERVER_COMMANDS[type(change)], resource)
    raise TypeError(f"{resource.describe()} is not of IPVS")


_SERVICE_COMMANDS: dict[type[Change], Command] = {
    Create: Command.NEW_SERVICE,
    Update: Command.SET_SERVICE,
    Delete: Command.DEL_SERVICE,
}
_SERVER_COMMANDS: dict[type[Change], Command] = {
    Create: Command.NEW_DEST,
    Update: Command.SET_DEST,
    Delete: Command.DEL_DEST,
}
