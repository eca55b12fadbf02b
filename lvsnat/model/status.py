"""What is seen of a running director: the wish, the kernel's state and the counters side by side.

Observations only: nothing here takes part in a comparison that decides a change.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from lvsnat.model.connection import TableState
from lvsnat.model.endpoint import Endpoint, Listener
from lvsnat.model.mode import Mode
from lvsnat.model.override import Override
from lvsnat.model.service import RealServer, VirtualService


@dataclass(frozen=True, slots=True)
class Counters:
    """Totals since the service or server was made, or since they were zeroed."""

    connections: int = 0
    packets_in: int = 0
    packets_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0


@dataclass(frozen=True, slots=True)
class Rates:
    """The kernel's own estimate, per second; it lags by about two seconds."""

    connections: int = 0
    packets_in: int = 0
    packets_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0


@dataclass(frozen=True, slots=True)
class ServiceStats:
    """What a virtual service has carried."""

    totals: Counters = field(default_factory=Counters)
    rates: Rates = field(default_factory=Rates)


@dataclass(frozen=True, slots=True)
class ServerStats:
    """What a real server has carried and holds now."""

    active: int = 0
    """Connections that open or are open; the kernel counts SYN_RECV with ESTABLISHED."""
    inactive: int = 0
    """Connections in any other state: closing, or any of UDP."""
    persistent: int = 0
    """Clients that persistence ties to this server."""
    totals: Counters = field(default_factory=Counters)
    rates: Rates = field(default_factory=Rates)


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


@dataclass(frozen=True, slots=True)
class HostStatus:
    """One thing that the data path asks of the host: a setting, an address."""

    what: str
    sync: Sync
    wanted: dict[str, str]
    seen: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class DirectorStatus:
    """Everything at one glance."""

    mode: Mode
    services: tuple[ServiceStatus, ...] = ()
    host: tuple[HostStatus, ...] = ()
    table: TableState = field(default_factory=TableState)
