"""What tests of lvsnat, and of programs built on it, need: a kernel in memory, a network apart.

``FakeBackend`` is kept honest by the laws in tests/contract, which also run on the real kernel.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address
from typing import ClassVar

from lvsnat.errors import LvsnatError
from lvsnat.ipvs import resources
from lvsnat.ipvs.backend import Stats, batches
from lvsnat.ipvs.connections import encode
from lvsnat.ipvs.refusal import is_done, step_error
from lvsnat.ipvs.resources import (
    SERVER_KIND,
    SERVICE_KIND,
    IpvsResource,
    IpvsServer,
    IpvsService,
)
from lvsnat.model.config import Config, Timeouts
from lvsnat.model.connection import Connection, TableState
from lvsnat.model.endpoint import Family, KernelListener
from lvsnat.model.resource import Key
from lvsnat.model.service import PersistenceEngine, Scheduler
from lvsnat.model.status import ServerStats, ServiceStats
from lvsnat.plan.change import Change, Create, Delete, Report, key_of, subject
from lvsnat.system import run
from lvsnat.testing.proxy import FakeProxy

__all__ = ["FakeBackend", "FakeClock", "FakeProxy", "network_apart", "state_without"]

_MAX_KERNEL_INT = 2**31 - 1
_CLONE_NEWNET = 0x40000000


class FakeBackend:
    """IPVS in memory. Refuses what the kernel refuses, in the same words."""

    kinds: ClassVar[frozenset[str]] = frozenset({SERVICE_KIND, SERVER_KIND})

    def __init__(self, existing: Iterable[IpvsResource] = ()) -> None:
        self.state: dict[Key, IpvsResource] = {have.key: have for have in existing}
        self.counters: dict[Key, Stats] = {}
        """What ``read`` says of a key; nothing carried where it is absent."""
        self.refusals: dict[Key, int] = {}
        """Error numbers to answer with, whatever is asked about a key."""
        self.carried_out: list[Change] = []
        self.connections: list[Connection] = []
        self.table = TableState()
        self.loaded = True
        """Whether the module is there before anybody asks for it."""

    def expand(self, config: Config) -> Iterable[IpvsResource]:
        yield from resources.expand(config)
        yield from resources.standby(config)

    def observe(self, keys: Collection[Key]) -> Iterable[IpvsResource]:  # noqa: ARG002
        return self._in_order()

    def read(self) -> tuple[list[IpvsResource], dict[Key, Stats]]:
        """What exists and what it has carried, as ``IpvsBackend.read``."""
        found = self._in_order()
        return found, {
            resource.key: self.counters.get(resource.key, _idle(resource)) for resource in found
        }

    def timeouts(self) -> Timeouts:
        """The kernel's own, which nothing here changes."""
        return Timeouts(tcp=900, tcp_fin=120, udp=300)

    def zero(self, listen: KernelListener) -> None:
        """Forget what a service and its servers have carried, as the kernel; not what they hold."""
        service = Key(SERVICE_KIND, str(listen))
        if service not in self.state:
            raise LvsnatError(f"cannot zero the counters of {listen}: No such process")
        for key, have in self.state.items():
            if service == have.owner:
                idle, held = _idle(have), self.counters.get(key)
                if isinstance(held, ServerStats):
                    idle = ServerStats(held.active, held.inactive, held.persistent)
                self.counters[key] = idle

    def connection_lines(self) -> Iterator[str]:
        """``connections`` as the kernel writes them."""
        yield "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n"
        yield from map(encode, self.connections)

    def table_state(self) -> TableState:
        """``table``."""
        return self.table

    def is_loaded(self) -> bool:
        """``loaded``."""
        return self.loaded

    def close(self) -> None:
        """Nothing is open."""

    def prepare(self, changes: Sequence[Change]) -> None:
        """As the kernel: nothing is refused before it is tried."""

    def apply(self, changes: Sequence[Change], done: Report) -> None:
        for batch in batches(changes):
            refused: list[tuple[Change, int]] = []
            for change in batch:
                number = self._carry_out(change)
                if not is_done(change, number):
                    refused.append((change, number))
                    continue
                self.carried_out.append(change)
                done(change)
            if refused:
                raise step_error(*refused[0])

    def _in_order(self) -> list[IpvsResource]:
        """Each service before its servers, as the kernel is read."""
        services = {key: [have] for key, have in self.state.items() if key == have.owner}
        for key, have in self.state.items():
            if key != have.owner:
                services[have.owner].append(have)
        return [have for family in services.values() for have in family]

    def _carry_out(self, change: Change) -> int:
        """Do as the kernel does; its error number, or 0."""
        resource = subject(change)
        if number := self.refusals.get(key_of(change), 0):
            return number
        if isinstance(resource, IpvsService):
            return self._service(change, resource)
        if isinstance(resource, IpvsServer):
            return self._server(change, resource)
        raise TypeError(f"{resource.describe()} is not of IPVS")

    def _service(self, change: Change, service: IpvsService) -> int:
        exists = service.key in self.state
        if isinstance(change, Create) and exists:
            return errno.EEXIST
        if not (isinstance(change, Create) or exists):
            return errno.ESRCH
        if isinstance(change, Delete):
            self.state = state_without(self.state, service.key)
            return 0
        number = _objection_to_service(service)
        if number == 0:
            self.state[service.key] = service
        return number

    def _server(self, change: Change, server: IpvsServer) -> int:
        if server.owner not in self.state:
            return errno.ESRCH
        if not isinstance(change, Delete) and (number := _objection_to_server(server)):
            return number
        exists = server.key in self.state
        if isinstance(change, Create) and exists:
            return errno.EEXIST
        if not (isinstance(change, Create) or exists):
            return errno.ENOENT
        if isinstance(change, Delete):
            del self.state[server.key]
        else:
            self.state[server.key] = server
        return 0


def state_without(state: dict[Key, IpvsResource], service: Key) -> dict[Key, IpvsResource]:
    """A state once a service is removed: its servers go with it."""
    return {key: have for key, have in state.items() if service not in (key, have.owner)}


def _idle(resource: IpvsResource) -> Stats:
    return ServiceStats() if isinstance(resource, IpvsService) else ServerStats()


def _objection_to_service(service: IpvsService) -> int:
    known = service.scheduler in {str(scheduler) for scheduler in Scheduler}
    engines = {str(engine) for engine in PersistenceEngine} | {None}
    if not known or service.engine not in engines:
        return errno.ENOENT
    if service.listen.family is Family.IPV6 and service.prefix == 0:
        return errno.EINVAL
    return 0


def _objection_to_server(server: IpvsServer) -> int:
    if server.weight > _MAX_KERNEL_INT or server.lower > server.upper:
        return errno.ERANGE
    address = server.endpoint.address
    if isinstance(address, IPv4Address) and (address.is_multicast or address.is_unspecified):
        return errno.EINVAL
    return 0


class FakeClock:
    """Time that passes when somebody sleeps, and what then happens meanwhile."""

    def __init__(self, *meanwhile: Callable[[], object], now: float = 1_800_000_000.0) -> None:
        """The first sleep lets the first of ``meanwhile`` happen, and so on."""
        self._now = now
        self._meanwhile = list(meanwhile)

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds
        if self._meanwhile:
            self._meanwhile.pop(0)()


@contextmanager
def network_apart() -> Iterator[None]:
    """A fresh network namespace for this thread and what it starts. Needs root."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _checked(libc.unshare(_CLONE_NEWNET))
        try:
            # Without a local routing table the kernel takes no address for a real server's.
            run(["ip", "link", "set", "lo", "up"])
            yield
        finally:
            _checked(libc.setns(home, _CLONE_NEWNET))
    finally:
        os.close(home)


def _checked(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
