"""What the answers have come to, as values: of servers, of services, of all. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lvsnat.health.values import Answer, Target
from lvsnat.model.endpoint import Endpoint, Listener
from lvsnat.model.override import Override
from lvsnat.model.status import HealthState
from lvsnat.plan.overlay import HealthOverlay


@dataclass(frozen=True, slots=True)
class ServiceMemory:
    """What of one service does not follow from its tracks."""

    lost: bool = False
    """Whether the quorum is lost."""
    since: float | None = None
    """When it was lost, in seconds since the epoch."""
    out: frozenset[Endpoint] = frozenset()
    """The servers that are out because of their own state; coming back, they warm up."""
    warming: Mapping[Endpoint, float] = field(default_factory=dict)
    """When each server that gains its weight step by step came back."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What the next decision must know of the last one, by the names of services."""

    services: Mapping[str, ServiceMemory] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServerHealth:
    """One real server, as its checks together have it."""

    endpoint: Endpoint
    state: HealthState
    """UNCHECKED where the daemon asks nothing."""
    weight: int | None
    """What it has now, in the configuration's scale; None: it is taken out."""
    wanted: int
    """The weight of the configuration."""
    reason: str = ""
    """The last words of the check that decided."""
    since: float | None = None
    """When the state began, in seconds since the epoch; None where nobody knows."""
    last: Answer | None = None
    last_at: float | None = None
    kept: bool = False
    """It fails, and has its weight all the same: too many fail at once (fail open)."""
    warm_at: float | None = None
    """When it will have its whole weight; None: it has."""
    override: Override | None = None
    """What an operator holds it at 0 with; this wins over all else."""
    targets: tuple[Target, ...] = ()
    """What is asked of it."""


@dataclass(frozen=True, slots=True)
class ServiceHealth:
    """One service, with the quorum of its servers."""

    name: str
    listen: Listener
    up: int
    """The servers that can take connections, those that are kept by fail-open among them."""
    quorum: int
    lost: bool = False
    since: float | None = None
    """When the quorum was lost."""
    fail_open: bool = False
    """More servers fail than checks may take out."""
    sorry: Endpoint | None = None
    """The sorry server, while it answers."""
    servers: tuple[ServerHealth, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done about the health of all."""

    at: float
    """When it was made, in seconds since the epoch."""
    overlay: HealthOverlay = field(default_factory=HealthOverlay)
    memory: Memory = field(default_factory=Memory)
    services: tuple[ServiceHealth, ...] = ()
    """In the order of the configuration."""
    wake: float | None = None
    """When another one comes out without any answer; None: never."""


class Concern(StrEnum):
    """What a transition is about."""

    SERVER = "server"
    QUORUM = "quorum"
    FAIL_OPEN = "fail-open"
    SORRY = "sorry"


@dataclass(frozen=True, slots=True)
class Transition:
    """One thing that is another way than it was."""

    concern: Concern
    service: str
    server: Endpoint | None
    """None where it is about the whole service."""
    before: str
    """A state of a server, ``kept`` or ``lost`` of a quorum, ``off`` or ``on`` of the rest."""
    after: str
    reason: str
    at: float
    """Seconds since the epoch."""
