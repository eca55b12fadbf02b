"""Virtual services and real servers as an administrator configures them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self

from lvsnat.model.endpoint import Endpoint, Listener
from lvsnat.model.health import HealthCheck
from lvsnat.model.policy import HealthPolicy

MAX_WEIGHT = 65535
DEFAULT_PERSISTENCE_SECONDS = 360
"""What a bare ``-p`` means to ipvsadm(8)."""


class Scheduler(StrEnum):
    """How the kernel chooses a real server for a new connection (ipvsadm(8), ``-s``)."""

    RR = "rr"
    WRR = "wrr"
    LC = "lc"
    WLC = "wlc"
    LBLC = "lblc"
    LBLCR = "lblcr"
    DH = "dh"
    SH = "sh"
    SED = "sed"
    NQ = "nq"
    FO = "fo"
    OVF = "ovf"
    MH = "mh"
    TWOS = "twos"


DEFAULT_SCHEDULER = Scheduler.WLC
"""ipvsadm's own default."""


class SchedulerFlag(StrEnum):
    """A switch of one scheduler (ipvsadm(8), ``-b``)."""

    SH_FALLBACK = "sh-fallback"
    SH_PORT = "sh-port"
    MH_FALLBACK = "mh-fallback"
    MH_PORT = "mh-port"

    @property
    def scheduler(self) -> Scheduler:
        """The one scheduler that knows this flag."""
        return Scheduler(self.value.partition("-")[0])


class PersistenceEngine(StrEnum):
    """What identifies a client beyond its address (the kernel's ip_vs_pe_* modules)."""

    SIP = "sip"


@dataclass(frozen=True, slots=True)
class Persistence:
    """Send a returning client to the same real server."""

    timeout: int
    """Seconds after the last connection until the client is forgotten."""
    prefix: int | None = None
    """Clients within a network of this prefix length count as one; None means each address."""
    engine: PersistenceEngine | None = None


@dataclass(frozen=True, slots=True)
class RealServer:
    """A machine that answers for the service."""

    endpoint: Endpoint
    weight: int = 1
    """Share of new connections, 0 to 65535; 0 takes no new ones."""
    upper: int = 0
    """No new connections from this many on; 0 means no limit (ipvsadm ``-x``)."""
    lower: int = 0
    """New connections again below this many; 0 means 3/4 of ``upper`` (ipvsadm ``-y``)."""


class ProxyProtocol(StrEnum):
    """What HAProxy understands of a service's connections."""

    TCP = "tcp"
    """Nothing: bytes."""
    HTTP = "http"


@dataclass(frozen=True, slots=True)
class ProxyOptions:
    """What only HAProxy can do for a service; nothing of it holds in lvs-nat."""

    protocol: ProxyProtocol = ProxyProtocol.TCP
    """``mode`` in the configuration."""
    client_timeout: int | None = None
    """Seconds that a silent client is kept; None as IPVS keeps TCP."""
    server_timeout: int | None = None
    """Seconds that a silent server is kept; None as IPVS keeps TCP."""
    connect_timeout: int | None = None
    """Seconds until a server is given up; None is that of all services."""
    maxconn: int | None = None
    """Connections of this service at a time."""
    forward_for: bool = False
    """Tell the server the client's address in X-Forwarded-For, too (http)."""
    cookie: str | None = None
    """The name of a cookie that ties a client to its server (http)."""
    frontend_lines: tuple[str, ...] = ()
    """More lines for the frontend, in HAProxy's words."""
    backend_lines: tuple[str, ...] = ()
    """More lines for the backends, in HAProxy's words."""


@dataclass(frozen=True, slots=True)
class VirtualService:
    """What clients connect to, and the real servers behind it."""

    name: str
    listen: Listener
    scheduler: Scheduler = DEFAULT_SCHEDULER
    flags: frozenset[SchedulerFlag] = frozenset()
    persistence: Persistence | None = None
    servers: tuple[RealServer, ...] = ()
    check: HealthCheck | None = None
    sorry: Endpoint | None = None
    """Who answers while no server can."""
    proxy: ProxyOptions = field(default_factory=ProxyOptions)
    more_checks: tuple[HealthCheck, ...] = ()
    """Others beside ``check``: a server is up while all of them say so."""
    policy: HealthPolicy = field(default_factory=HealthPolicy)

    @property
    def checks(self) -> tuple[HealthCheck, ...]:
        """All questions that are asked of each server."""
        return self.more_checks if self.check is None else (self.check, *self.more_checks)

    def asked(self, checks: Sequence[HealthCheck]) -> Self:
        """The service with these questions and no others."""
        first = checks[0] if checks else None
        return replace(self, check=first, more_checks=tuple(checks[1:]))
