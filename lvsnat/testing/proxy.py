"""HAProxy in memory: it takes every text, and says of what it carries what it is told to say.

Kept honest by the laws in tests/contract, which also run on the real one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import ClassVar, Final

from lvsnat.haproxy.outcome import after
from lvsnat.haproxy.resources import (
    INSTANCE_KIND,
    SERVER_KIND,
    SERVICE_KIND,
    HaproxyInstance,
    ProxiedServer,
    ProxiedService,
)
from lvsnat.ipvs.resources import IpvsServer
from lvsnat.model.config import Config
from lvsnat.model.connection import Connection
from lvsnat.model.endpoint import Endpoint
from lvsnat.model.marks import kernel_listeners
from lvsnat.model.proxied import proxied_services, side_ports
from lvsnat.model.resource import Key
from lvsnat.model.service import RealServer, VirtualService
from lvsnat.model.status import Counters, Rates, ServerStats, ServiceStats
from lvsnat.plan.apply import StepError
from lvsnat.plan.change import Change, Report, key_of

Stats = ServiceStats | ServerStats
ProxyResource = HaproxyInstance | ProxiedService | ProxiedServer

COUNTED: Final = Counters(0, None, None, 0, 0)
"""What HAProxy has counted of something new: it knows nothing of packets."""
RATES: Final = Rates(0, None, None, None, None)


class FakeProxy:
    """HAProxy in memory; its texts are shorter than the real ones."""

    kinds: ClassVar[frozenset[str]] = frozenset({INSTANCE_KIND, SERVICE_KIND, SERVER_KIND})

    def __init__(self, existing: Iterable[ProxyResource] = ()) -> None:
        self.state: dict[Key, ProxyResource] = {have.key: have for have in existing}
        self.counters: dict[Key, Stats] = {}
        """What ``read`` says of a key; nothing carried where it is absent."""
        self.connections: list[Connection] = []
        self.refusals: dict[Key, str] = {}
        """Reasons to refuse with, whatever is asked about a key."""
        self.unfit: str | None = None
        """Why ``prepare`` refuses, if it does."""
        self.at_side_ports = 0
        """How many connections came by the side ports."""
        self.at_its_end = 0
        """How many connections a process has that ends softly."""
        self.unanswered: dict[Endpoint, int] = {}
        """How many connections wait for the first answer of a real server."""
        self.carried_out: list[Change] = []
        self.looks = 0
        """How often it was asked for anything that only a running HAProxy knows."""

    def expand(self, config: Config) -> Iterator[ProxyResource]:
        """In the order of the real one: the instance, then each service before its servers."""
        services = proxied_services(config)
        if services:
            yield HaproxyInstance(("global", f"maxconn {config.haproxy.maxconn}"))
        for service in services:
            yield _service(service, config)
            yield from _servers(service, config)

    def observe(self, keys: Collection[Key]) -> list[ProxyResource]:  # noqa: ARG002
        self.looks += 1
        return [*self.state.values()]

    def read(self) -> tuple[list[ProxyResource], dict[Key, Stats]]:
        """What exists and what it has carried."""
        found = self.observe(())
        return found, {
            have.key: self.counters.get(have.key, _idle(have))
            for have in found
            if not isinstance(have, HaproxyInstance)
        }

    def sessions(self) -> Iterator[Connection]:
        """``connections``."""
        self.looks += 1
        yield from self.connections

    def waiting(self) -> dict[Endpoint, int]:
        """``unanswered``."""
        return self.unanswered

    def zero(self) -> None:
        """Forget what everything has carried, not what it holds."""
        self.looks += 1
        for key, have in self.state.items():
            if isinstance(held := self.counters.get(key), ServerStats):
                self.counters[key] = replace(held, totals=COUNTED, rates=RATES)
            elif key in self.counters:
                self.counters[key] = _idle(have)

    def held(self, places: Collection[Endpoint]) -> int:
        """``at_side_ports``, wherever they are."""
        return self.at_side_ports if places else 0

    def ending(self) -> int:
        """``at_its_end``."""
        return self.at_its_end

    def end_now(self) -> None:
        """Cut ``at_its_end``."""
        self.at_its_end = 0

    def prepare(self, changes: Sequence[Change]) -> None:
        if self.unfit is not None and changes:
            raise StepError(changes[0], self.unfit)

    def apply(self, changes: Sequence[Change], done: Report) -> None:
        """All of them or none, as one file is read."""
        for change in changes:
            if reason := self.refusals.get(key_of(change)):
                raise StepError(change, reason, None, changes)
        self.state = {
            key: have
            for key, have in after(self.state, changes).items()
            if isinstance(have, ProxyResource)
        }
        for change in changes:
            self.carried_out.append(change)
            done(change)


def _service(service: VirtualService, config: Config) -> ProxiedService:
    lines = [f"frontend {service.name}", f"    bind {service.listen}"]
    if config.phase.side_ports:
        lines += [f"    bind side {port}" for port in side_ports(config).values()]
    lines += [f"backend {service.name}", f"    balance {service.scheduler}"]
    return ProxiedService(service.listen, tuple(lines), replace(service, servers=()))


def _servers(service: VirtualService, config: Config) -> Iterator[ProxiedServer]:
    place = kernel_listeners(config.services)[service.listen]
    for server in service.servers:
        yield ProxiedServer(
            service.listen,
            server.endpoint,
            server.weight,
            _words(server),
            IpvsServer(place, server.endpoint).key,
            server.weight,
        )


def _words(server: RealServer) -> tuple[str, ...]:
    return (f"maxconn {server.upper}",) if server.upper else ()


def _idle(resource: ProxyResource) -> Stats:
    if isinstance(resource, ProxiedServer):
        return ServerStats(totals=COUNTED, rates=RATES)
    return ServiceStats(COUNTED, RATES)
