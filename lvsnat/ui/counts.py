"""How much there is of what: the numbers of summary lines and of documents. No Rich here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple

from lvsnat.model.status import (
    DirectorStatus,
    HealthState,
    Rates,
    ServerStatus,
    ServiceStatus,
    Sync,
)
from lvsnat.plan.change import Change, Create, Delete, Update

DRIFT: Final = frozenset({Sync.CHANGED, Sync.MISSING, Sync.EXTRA})
"""What differs from the configuration and is ours to put right."""

_ILL: Final = frozenset({HealthState.DOWN, HealthState.MAINTENANCE})


def is_down(server: ServerStatus) -> bool:
    """Whether its checks fail."""
    return server.health is not None and server.health.state is HealthState.DOWN


class Condition(StrEnum):
    """How well a service serves."""

    UP = "up"
    DEGRADED = "degraded"
    """It takes connections, and some server that should does not."""
    DOWN = "down"
    """No server takes connections, or none answers them; or this host lacks the address."""


def takes_connections(server: ServerStatus) -> bool:
    """Whether a server is there, has a weight, is not known to be ill, and its replies come."""
    well = server.health is None or server.health.state not in _ILL
    return server.seen is not None and server.seen.weight > 0 and well and not server.one_way


class ReturnPath(StrEnum):
    """Whether replies come back."""

    OK = "ok"
    UNKNOWN = "unknown"
    """Nothing has come back yet."""
    ONE_WAY = "one-way"
    """To some server packets go, and none come back."""


def condition(service: ServiceStatus) -> Condition:
    """How well a service serves; a server that an operator holds at weight 0 is no failure."""
    lacking = service.seen is None or service.vip_missing
    if lacking or not any(map(takes_connections, service.servers)):
        return Condition.DOWN
    if any(map(_fails, service.servers)):
        return Condition.DEGRADED
    return Condition.UP


def _fails(server: ServerStatus) -> bool:
    return is_down(server) or server.one_way or server.sync is Sync.MISSING


class Tally(NamedTuple):
    """How many changes there are of each kind."""

    create: int
    change: int
    remove: int

    @classmethod
    def of(cls, changes: Iterable[Change]) -> Tally:
        kinds = [type(change) for change in changes]
        return cls(kinds.count(Create), kinds.count(Update), kinds.count(Delete))

    def to_do(self) -> str:
        return f"{self.create} to create, {self.change} to change, {self.remove} to remove"

    def done(self) -> str:
        return f"{self.create} created, {self.change} changed, {self.remove} removed"


class Overview(NamedTuple):
    """A director in numbers."""

    services: int
    servers: int
    active: int
    inactive: int
    drift: int
    """Services, servers and host settings that differ from the configuration."""
    unmanaged: int
    """Services that somebody else made."""
    down: int
    """Servers whose checks fail."""
    one_way: int
    """Servers to which packets go and from which none come back."""
    answered: int
    """Servers from which anything has ever come back."""
    services_up: int
    services_degraded: int
    services_down: int

    @property
    def return_path(self) -> ReturnPath:
        """Whether replies come back, as far as this look and those before it tell."""
        if self.one_way:
            return ReturnPath.ONE_WAY
        return ReturnPath.OK if self.answered else ReturnPath.UNKNOWN

    @classmethod
    def of(cls, status: DirectorStatus) -> Overview:
        servers = [server for service in status.services for server in service.servers]
        stats = [server.stats for server in servers if server.stats is not None]
        states = [service.sync for service in status.services]
        states += [server.sync for server in servers]
        states += [thing.sync for thing in status.host]
        conditions = Counter(map(condition, status.services))
        return cls(
            len(status.services),
            len(servers),
            sum(stat.active for stat in stats),
            sum(stat.inactive for stat in stats),
            sum(state in DRIFT for state in states),
            sum(service.sync is Sync.UNMANAGED for service in status.services),
            sum(is_down(server) for server in servers),
            sum(server.one_way for server in servers),
            sum(bool(stat.totals.returned) for stat in stats),
            conditions[Condition.UP],
            conditions[Condition.DEGRADED],
            conditions[Condition.DOWN],
        )


def rates_of(services: Iterable[ServiceStatus]) -> Rates:
    """What passes all services in a second, as their carriers estimate it."""
    total = Rates()
    for service in services:
        if service.stats is not None:
            total = total.plus(service.stats.rates)
    return total
