"""What the doctor knows, read once. Values; no I/O here.

What could not be read is None, and ``unread`` says why: a rule passes over what it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lvsnat.doctor.beside import Rival
from lvsnat.doctor.finding import Unread
from lvsnat.doctor.proxyfacts import ProxyFacts
from lvsnat.doctor.vpc import VpcFacts
from lvsnat.host.firewall import Listing
from lvsnat.host.placement import AssignedAddress
from lvsnat.host.seen import Answer
from lvsnat.model.config import Config, Timeouts
from lvsnat.model.endpoint import Endpoint, IPAddress, Protocol
from lvsnat.model.status import DirectorStatus
from lvsnat.model.switch import Standing


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
    again: bool = False
    """Whether it has asked more than once: the first answer would have come within a second."""


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
    places: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Other settings of each interface, by the setting's name with ``*``."""
    lacking: frozenset[str] = frozenset()
    """Modules that the configuration needs and this kernel is sure not to have."""
    listing: Listing | None = None
    """The nft rules but for our own."""
    saved: str = ""
    """What iptables-save says."""
    assigned: tuple[AssignedAddress, ...] | None = None
    ways: Mapping[IPAddress, Answer] = field(default_factory=dict)
    """How the real servers, and the clients that EXAMPLE stands for, are reached."""
    neighbours: Mapping[IPAddress, Neighbour] = field(default_factory=dict)
    listening: tuple[Socket, ...] = ()
    ec2: bool = False
    """Whether it is an instance of EC2."""
    rivals: tuple[Rival, ...] = ()
    """Other programs that fill the table of IPVS."""
    restoring: str | None = None
    """The file by which ipvsadm restores a table of its own at boot."""


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
    """Seconds of a clock that only goes forward, as the look at connections began."""
    status: DirectorStatus
    opening: Mapping[Opening, int | None] = field(default_factory=dict)
    """With the seconds until each is forgotten, if no packet comes; None where it goes with its
    program."""
    flows: tuple[Flow, ...] = ()
    allowances: Mapping[str, int] = field(default_factory=dict)
    """What EC2 has dropped at this instance's interfaces, by interface and counter."""
    counters: Mapping[str, int] = field(default_factory=dict)
    """The kernel's own, of both families: /proc/net/snmp, netstat and snmp6."""
    took: float = 0
    """Seconds of the look at connections: many, where there are many or the machine is busy."""

    def before(self, later: Sample) -> float:
        """Seconds that a connection has been older at a later look, at least."""
        return later.at - self.at - self.took


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
    """A real server that was asked."""

    own: Reply
    """From an address of this host."""
    foreign: Reply
    """From an address that no network has: the reply comes only where it leads to the director."""
    diverted: Reply | None = None
    """From such an address, which this host has not either: the reply comes only where this host
    keeps it, as it must for HAProxy. None: not asked."""


@dataclass(frozen=True, slots=True)
class Probes:
    """What asking has shown."""

    servers: Mapping[Endpoint, Probed] = field(default_factory=dict)
    """Those of TCP services."""
    elsewhere: Mapping[IPAddress, str] = field(default_factory=dict)
    """VIPs that another host answers for, and its link address."""
    datagrams: Mapping[Endpoint, Probed] = field(default_factory=dict)
    """Those of UDP services of which something could be told."""


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
    daemon_enabled: bool = False
    """Whether the daemon is started at boot."""
    daemon_problems: tuple[str, ...] = ()
    """What it says that keeps it from its work."""
    daemon_quiet: float = 0
    """Seconds since it wrote down what it knows, of one that runs."""
    config: str = ""
    """The configuration's place."""
    absent: bool = False
    """Whether there is no such file."""
    owned: int = 0
    """How many services lvsnat made in this kernel, and has not taken away."""
    others: tuple[str, ...] = ()
    """Who works with another one."""
    trial: str | None = None
    """The file of a trial that was cut off."""
    standing: Standing | None = None
    """Where a switch stands; None: nothing to say, or a command makes a step just now."""
    overdue: bool = False
    """Whether nobody goes on with the switch: no command waits for its next step."""


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
    timeouts: Timeouts | None = None
    """How long IPVS keeps idle connections; None where it is not asked."""
    proxy: ProxyFacts | None = None
    """None where HAProxy has no part in it."""
    vpc: VpcFacts | None = None
    """None where this has nothing to do with AWS, or could not be read."""
