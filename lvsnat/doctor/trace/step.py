"""The steps of a packet's way through a director, as values. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lvsnat.doctor.finding import Finding
from lvsnat.doctor.names import Code
from lvsnat.model.carrier import Carrier
from lvsnat.model.endpoint import Endpoint, Listener


class Place(StrEnum):
    """Where something happens to a packet, in the order of the kernel. For programs, too."""

    ARRIVAL = "arrival"
    """The interface that it comes in by."""
    PREROUTING = "prerouting"
    ROUTING = "routing"
    """Reverse path filter, and whether it is for this host."""
    INPUT = "input"
    SERVICE = "service"
    """Who takes it: IPVS or HAProxy."""
    SERVERS = "servers"
    """Which real server gets it."""
    TO_SERVER = "to-server"
    SERVER = "server"
    VPC = "vpc"
    """The route tables of a VPC; only where there is one."""
    WAY_BACK = "way-back"
    """Where the real server sends its reply: outside of this host."""
    REPLY = "reply"
    """The reply comes in: prerouting and routing."""
    FORWARD = "forward"
    """IPVS: through the hook forward. HAProxy: through input, and a reply of its own."""
    TO_CLIENT = "to-client"


class Verdict(StrEnum):
    """What becomes of the packet at a step."""

    OK = "ok"
    FAILS = "fails"
    DEPENDS = "depends"
    """On what is known, but cannot be evaluated: a rule, another host's settings."""
    UNKNOWN = "unknown"
    """Nobody has looked, or it could not be looked at."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step."""

    place: Place
    verdict: Verdict
    seen: str
    why: str = ""
    """Why it fails; empty where it does not."""
    remedy: str = ""
    code: Code | None = None
    """What `lvsnat explain` says more of."""
    also: tuple[Finding, ...] = ()
    """What else the doctor has found here, and does not stop this packet."""

    @property
    def fails(self) -> bool:
        return self.verdict is Verdict.FAILS


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would become of the packet if this real server got it."""

    server: Endpoint
    weight: int | None
    """None where it is not in the carrier's table."""
    takes: bool
    """Whether it gets new connections."""
    why: str
    """Why it gets none; empty where it does."""
    fails: Step | None = None
    """The first step that fails, of those behind the choice."""
    decided: bool = False
    """Whether a connection or persistence leads the client there, and no other."""


@dataclass(frozen=True, slots=True)
class Trace:
    """The whole way of a client's first packet, and of the reply."""

    client: Endpoint
    """The port is 0 where it was not said."""
    service: str
    listen: Listener
    carrier: Carrier
    server: Endpoint | None
    """The real server whose way is followed; None where none takes it."""
    steps: tuple[Step, ...]
    """Each place once, in their order; those behind the first that fails are not reached."""
    outlooks: tuple[Outlook, ...]
    """The real servers of the service, in the order of the configuration."""
    probed: bool

    @property
    def failing(self) -> Step | None:
        """The first step that fails."""
        return next((step for step in self.steps if step.fails), None)

    @property
    def works(self) -> bool | None:
        """Whether the client gets its answer; None where that cannot be told for sure."""
        if self.failing is not None:
            return False
        return True if all(step.verdict is Verdict.OK for step in self.steps) else None
