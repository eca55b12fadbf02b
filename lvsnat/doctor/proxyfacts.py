"""What the doctor knows of HAProxy, and of what its transparency asks of this host. No I/O here.

What could not be read is as in ``ProxyFacts()``, and an ``Unread`` says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lvsnat.host.returns import Return
from lvsnat.host.seen import SeenRoute, SeenRule
from lvsnat.model.caution import Caution
from lvsnat.model.endpoint import Endpoint, Family, IPAddress


@dataclass(frozen=True, slots=True)
class Serving:
    """The process of ours that takes new connections."""

    pid: int
    current: bool = True
    """Whether it has read the file as it is now."""
    transparent: bool = True
    """Whether it may connect from the clients' addresses."""
    connections: int = 0
    limit: int = 0
    """How many connections it takes at a time; 0 where it is not known."""


@dataclass(frozen=True, slots=True)
class Load:
    """What HAProxy says of a service."""

    connections: int = 0
    limit: int = 0
    """How many it takes at a time; 0 where it is not known."""
    waiting: int = 0
    """Connections that wait for a server."""


@dataclass(frozen=True, slots=True)
class ProxyFacts:
    """HAProxy, and the way of the replies to it."""

    installed: bool = True
    unfit: Caution | None = None
    """What keeps the program from serving us."""
    processes: frozenset[int] = frozenset()
    """Those of ours, serving or ending, as /proc shows them."""
    serving: Serving | None = None
    failed: int = 0
    """Reloads in a row that failed."""
    hangs: Caution | None = None
    """What says that a process is there and does not answer."""
    lost: str = ""
    """A socket of its own that nobody listens on."""
    runtime: str = ""
    """The socket on which it is given commands."""
    heard: frozenset[Endpoint] = frozenset()
    """Where it listens, of the places where it should."""
    takers: Mapping[Endpoint, str] = field(default_factory=dict)
    """Who else listens at these places."""
    loads: Mapping[str, Load] = field(default_factory=dict)
    """By the names of services."""
    ports: Mapping[tuple[IPAddress, Endpoint], int] = field(default_factory=dict)
    """How many source ports are in use from an address to a real server, resting ones too."""
    room: int = 0
    """How many there are; 0 where it is not known."""
    rules: Mapping[Family, tuple[SeenRule, ...]] = field(default_factory=dict)
    """The routing rules, in the families whose replies must be caught."""
    routes: Mapping[tuple[Family, int], tuple[SeenRoute, ...]] = field(default_factory=dict)
    """The routes of the tables that matter."""
    returns: tuple[Return, ...] = ()
    """The kernel's own answers to where replies of real servers would go."""
