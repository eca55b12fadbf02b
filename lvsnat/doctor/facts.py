"""What the doctor knows, read once. Values; no I/O here.

What could not be read is None, and ``unread`` says why: a rule passes over what it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lvsnat.doctor.finding import Unread
from lvsnat.host.firewall import Listing
from lvsnat.host.placement import AssignedAddress
from lvsnat.host.seen import Answer
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Endpoint, IPAddress, Protocol
from lvsnat.model.status import DirectorStatus


class SocketState(StrEnum):
    """What a socket of this host does."""

    LISTENING = "listening"
    OPENING = "opening"
    """It has asked, and nobody has answered yet."""


@dataclass(frozen=True, slots=True)
class Socket:
    """A socket of a program of this host."""

    protocol: Protocol
    local: Endpoint
    remote: Endpoint
    state: SocketState


@dataclass(frozen=True, slots=True)
class HostFacts:
    """This host's kernel."""

    kernel: tuple[int, int] = (0, 0)
    """Its version: (6, 1)."""
    ipvs: bool = True
    """Whether it has IPVS at work."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Kernel settings by name; what this kernel has not is not in it. With ``*`` in the name, the
    places that are not as they should be (lvsnat.host.resources), or the value wished for."""
    filters: Mapping[str, str] = field(default_factory=dict)
    """rp_filter of each interface, and of ``all``."""
    listing: Listing | None = None
    """The nft rules but for our own."""
    assigned: tuple[AssignedAddress, ...] | None = None
    ways: Mapping[IPAddress, Answer] = field(default_factory=dict)
    """How the real servers, and the clients that EXAMPLE stands for, are reached."""
    neighbours: Mapping[IPAddress, Neighbour] = field(default_factory=dict)
    listening: tuple[Socket, ...] = ()
    ec2: bool = False
    """Whether it is an instance of EC2."""


class Neighbour(StrEnum):
    """Whether a host on the same wire answers, as the kernel has found out."""

    ANSWERS = "answers"
    FAILED = "failed"
    """It was asked, and does not answer."""
    ASKED = "asked"
    """It is being asked, for longer than an answer takes if somebody waits meanwhile."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Opening:
    """A connection to a real server that is not open yet."""

    client: Endpoint
    """The port is 0 where it changes at each attempt."""
    server: Endpoint
    service: str | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow of datagrams."""

    client: Endpoint
    server: Endpoint
    service: str | None
    expires: int
    """Seconds until it is forgotten, if no packet comes."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What changes by itself, at one moment."""

    at: float
    """Seconds of a clock that only goes forward."""
    status: DirectorStatus
    opening: Mapping[Opening, int | None] = field(default_factory=dict)
    """With the seconds until each is forgotten, if no packet comes; None where it goes with its
    program."""
    flows: tuple[Flow, ...] = ()


class Reply(StrEnum):
    """What became of an attempt to connect."""

    ANSWERED = "answered"
    REFUSED = "refused"
    """Somebody is there, and the port is closed."""
    SILENT = "silent"
    UNREACHABLE = "unreachable"
    """The network says that nobody is there."""

    @property
    def came(self) -> bool:
        """Whether the real server's own word came back."""
        return self in (Reply.ANSWERED, Reply.REFUSED)


@dataclass(frozen=True, slots=True)
class Probed:
    """A real server that was asked over TCP."""

    own: Reply
    """From an address of this host."""
    foreign: Reply
    """From an address that no network has: the reply comes only where it leads to the director."""


@dataclass(frozen=True, slots=True)
class Probes:
    """What asking has shown."""

    servers: Mapping[Endpoint, Probed] = field(default_factory=dict)
    elsewhere: Mapping[IPAddress, str] = field(default_factory=dict)
    """VIPs that another host answers for, and its link address."""


@dataclass(frozen=True, slots=True)
class FileMode:
    """A file of ours, and who may write to it."""

    path: str
    mode: int
    root: bool
    """Whether it belongs to root, or to who asks."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A file that cannot be read as what it should be."""

    path: str
    problem: str
    remedy: str


@dataclass(frozen=True, slots=True)
class SelfFacts:
    """lvsnat on this host."""

    broken_config: Fault | None = None
    broken_state: tuple[Fault, ...] = ()
    health_problem: str | None = None
    files: tuple[FileMode, ...] = ()
    daemon: bool = False
    """Whether a daemon runs."""
    systemd: bool = False
    enabled: bool = False
    """Whether the configuration is applied at boot."""


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it."""

    config: Config | None = None
    status: DirectorStatus | None = None
    host: HostFacts | None = None
    samples: tuple[Sample, Sample] | None = None
    probes: Probes | None = None
    """None where nothing was asked."""
    own: SelfFacts = field(default_factory=SelfFacts)
    unread: tuple[Unread, ...] = ()
