"""What is seen of a running director: the wish, the kernel's state and the counters side by side.

Observations only: nothing here takes part in a comparison that decides a change.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from lvsnat.model.carrier import Carrier
from lvsnat.model.connection import TableState
from lvsnat.model.endpoint import Endpoint, Listener
from lvsnat.model.mode import Mode
from lvsnat.model.override import Override
from lvsnat.model.phase import Phase
from lvsnat.model.resource import Key
from lvsnat.model.service import RealServer, VirtualService


@dataclass(frozen=True, slots=True)
class Counters:
    """Totals since the service or server was made, or since they were zeroed.

    IPVS counts packets, and bytes with their headers; HAProxy counts no packets, and bytes without.
    """

    connections: int = 0
    packets_in: int | None = 0
    """None where the carrier does not count them; so below."""
    packets_out: int | None = 0
    bytes_in: int | None = 0
    bytes_out: int | None = 0

    @property
    def packets(self) -> int | None:
        """Those of both directions."""
        return _sum(self.packets_in, self.packets_out)

    @property
    def returned(self) -> int | None:
        """What has come back from the servers: packets, or bytes where nobody counts packets."""
        return self.bytes_out if self.packets_out is None else self.packets_out

    def plus(self, other: Counters) -> Counters:
        """Those of both together; what one of them does not know is unknown."""
        return Counters(*_sums(self, other))


@dataclass(frozen=True, slots=True)
class Rates:
    """The carrier's own estimate, per second. The kernel's lags by about two seconds.

    HAProxy's is the number of connections in the last second; it has none of packets and bytes.
    """

    connections: int = 0
    packets_in: int | None = 0
    packets_out: int | None = 0
    bytes_in: int | None = 0
    bytes_out: int | None = 0

    @property
    def packets(self) -> int | None:
        """Those of both directions."""
        return _sum(self.packets_in, self.packets_out)

    def plus(self, other: Rates) -> Rates:
        """Those of both together; what one of them does not know is unknown."""
        return Rates(*_sums(self, other))


def _sums(one: Counters | Rates, other: Counters | Rates) -> tuple[int, *tuple[int | None, ...]]:
    return (
        one.connections + other.connections,
        _sum(one.packets_in, other.packets_in),
        _sum(one.packets_out, other.packets_out),
        _sum(one.bytes_in, other.bytes_in),
        _sum(one.bytes_out, other.bytes_out),
    )


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


@dataclass(frozen=True, slots=True)
class ServiceStats:
    """What a virtual service has carried."""

    totals: Counters = field(default_factory=Counters)
    rates: Rates = field(default_factory=Rates)

    def plus(self, other: ServiceStats) -> ServiceStats:
        """What two carriers of one service have carried together."""
        return ServiceStats(self.totals.plus(other.totals), self.rates.plus(other.rates))


class HealthState(StrEnum):
    """What checks say of a real server."""

    UP = "up"
    DOWN = "down"
    MAINTENANCE = "maintenance"
    """The server itself, a file, or somebody at HAProxy's own socket says: leave it alone."""
    UNKNOWN = "unknown"
    """It is asked and has not answered yet: it counts as up."""
    UNCHECKED = "unchecked"
    """Nobody asks: it counts as up."""


_WORST_FIRST: Final = (
    HealthState.MAINTENANCE,
    HealthState.DOWN,
    HealthState.UNKNOWN,
    HealthState.UP,
    HealthState.UNCHECKED,
)


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a real server can serve, as the one who checks it says."""

    state: HealthState
    detail: str | None = None
    """The last check in its own words: ``L4CON in 0ms: Connection refused``."""
    since: int | None = None
    """Seconds since the state changed; None where it is not known."""


@dataclass(frozen=True, slots=True)
class ServerStats:
    """What a real server has carried and holds now, and how it is."""

    active: int = 0
    """Connections that open or are open; the kernel counts SYN_RECV with ESTABLISHED."""
    inactive: int = 0
    """Connections in any other state: closing, or any of UDP. HAProxy holds none."""
    persistent: int = 0
    """Clients that persistence ties to this server; with HAProxy, entries of its stick table."""
    totals: Counters = field(default_factory=Counters)
    rates: Rates = field(default_factory=Rates)
    health: Health | None = None
    """What the carrier's own check says; None where it makes none: IPVS does not check."""

    def plus(self, other: ServerStats) -> ServerStats:
        """What a server holds of two carriers together."""
        return ServerStats(
            self.active + other.active,
            self.inactive + other.inactive,
            self.persistent + other.persistent,
            self.totals.plus(other.totals),
            self.rates.plus(other.rates),
            self.health or other.health,
        )


class Sync(StrEnum):
    """How the kernel's state compares with the configuration."""

    IN_SYNC = "in sync"
    CHANGED = "changed"
    """In both, with other settings."""
    MISSING = "missing"
    """In the configuration alone."""
    EXTRA = "extra"
    """In the kernel alone, and ours to remove."""
    UNMANAGED = "unmanaged"
    """In the kernel, and somebody else's."""


@dataclass(frozen=True, slots=True)
class Drain:
    """How far a server is that an operator lets its connections end."""

    left: int
    """Connections that it still holds, active and inactive ones."""
    ends_in: int | None = None
    """Seconds until none is left, if they go on ending as in the last minute; None: not known."""


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One real server of a service, wished for, seen, or both."""

    endpoint: Endpoint
    sync: Sync
    wanted: RealServer | None = None
    """With the weight 0 where an override holds it."""
    seen: RealServer | None = None
    stats: ServerStats | None = None
    override: Override | None = None
    """What an operator has laid over the configuration."""
    checked: Health | None = None
    """What the daemon's checks say; None where it asks nothing."""
    sorry: bool = False
    """Whether it is the sorry server: it is there while the quorum is lost."""
    one_way: bool = False
    """Whether packets go there and none come back (lvsnat.model.oneway)."""
    drain: Drain | None = None
    """None where nobody holds it at weight 0."""

    @property
    def health(self) -> Health | None:
        """What all its checks say, the daemon's and its carrier's; None where nobody asks."""
        carriers = None if self.stats is None else self.stats.health
        if carriers is None or self.checked is None:
            return carriers or self.checked
        return min(carriers, self.checked, key=lambda one: _WORST_FIRST.index(one.state))


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One virtual service, wished for, seen, or both."""

    listen: Listener
    sync: Sync
    name: str | None = None
    """From the configuration; the kernel knows no names."""
    wanted: VirtualService | None = None
    seen: VirtualService | None = None
    stats: ServiceStats | None = None
    servers: tuple[ServerStatus, ...] = ()
    carriers: tuple[Carrier, ...] = (Carrier.IPVS,)
    """Who serves it; the first takes new connections, a second lets its own end."""
    vip_missing: bool = False
    """Whether its address is ours to keep on this host, and no interface has it."""


@dataclass(frozen=True, slots=True)
class HostStatus:
    """One thing that the data path asks of the host: a setting, an address."""

    what: str
    sync: Sync
    wanted: dict[str, str]
    seen: dict[str, str] | None = None
    key: Key | None = None
    """The resource's, in a plan."""


@dataclass(frozen=True, slots=True)
class DirectorStatus:
    """Everything at one glance."""

    mode: Mode
    services: tuple[ServiceStatus, ...] = ()
    host: tuple[HostStatus, ...] = ()
    table: TableState = field(default_factory=TableState)
    ending: int = 0
    """Connections of HAProxy's processes that were replaced or stopped: in no service's numbers."""
    switching: Phase | None = None
    """Where a switch to the mode stands; None: the mode is in force."""
    daemon: bool = False
    """Whether a daemon runs."""
