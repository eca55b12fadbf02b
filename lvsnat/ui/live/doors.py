"""What the live status asks of the rest of the program: functions that read and change.

Values and signatures alone: who makes them knows the director, who calls them does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from lvsnat.health.report import Report
from lvsnat.model.connection import Connection
from lvsnat.model.endpoint import Endpoint
from lvsnat.model.service import VirtualService
from lvsnat.model.status import DirectorStatus
from lvsnat.ui.lines import Line


@dataclass(frozen=True, slots=True)
class Reading:
    """A director at one moment."""

    status: DirectorStatus
    at: float
    """In seconds of a clock that only goes forward."""
    now: float
    """In seconds since the epoch."""


class Action(StrEnum):
    """What can be done to a server."""

    DRAIN = "drain"
    DISABLE = "disable"
    ENABLE = "enable"
    HEAVIER = "weight up"
    LIGHTER = "weight down"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the operator wants done."""

    action: Action
    service: str
    server: Endpoint

    def __str__(self) -> str:
        return f"{self.action} {self.service} {self.server}"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What carrying out a wish would change."""

    lines: tuple[Line, ...]
    """The plan as a diff, with its risks."""
    fingerprint: str
    notes: tuple[str, ...] = ()
    refusal: str | None = None
    """Why it is not done; None where it can be."""
    hint: str | None = None
    """What to do about the refusal."""
    idle: bool = False
    """Nothing would change, not even a file."""


@dataclass(frozen=True, slots=True)
class Detail:
    """All that there is to know of one service, or of one of its servers."""

    service: VirtualService | None = None
    """As the configuration has it; None of somebody else's."""
    report: Report | None = None
    """What the daemon knows; None where it knows nothing."""
    connections: tuple[Connection, ...] = ()
    more: bool = False
    """There are more connections than these."""


@dataclass(frozen=True, slots=True)
class Doors:
    """Each may take its time, is called outside the thread that draws, and raises LvsnatError."""

    read: Callable[[], Reading]
    propose: Callable[[Wish], Proposal]
    carry_out: Callable[[Wish, str], str]
    """Carry out a wish if its plan still has this fingerprint; what was done, in words."""
    detail: Callable[[str, Endpoint | None], Detail]
    """Of a service by its name or listener, or of one of its servers."""
