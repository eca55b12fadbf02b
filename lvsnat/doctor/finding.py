"""What the doctor has found, as values. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lvsnat.doctor.names import Code, Group
from lvsnat.errors import LvsnatError
from lvsnat.model.resource import Key

_AS_ROOT: Final = "run it as root"
"""How the hint begins of every error that root would not meet."""


class Severity(StrEnum):
    """How bad it is."""

    BROKEN = "broken"
    """Traffic is lost, or would be with the next client."""
    RISK = "risk"
    """It flows, and something may end that."""
    NOTE = "note"
    """Nothing is lost, and somebody may want to know."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A part of the facts that could not be read."""

    part: str
    why: str
    denied: bool = False
    """Whether root could have read it."""

    @classmethod
    def of(cls, part: str, error: LvsnatError | OSError) -> Unread:
        """A part of this host that could not be read, for this reason."""
        if isinstance(error, LvsnatError):
            return cls(part, error.message, denied=(error.hint or "").startswith(_AS_ROOT))
        why = error.strerror or str(error)
        return cls(part, why, denied=isinstance(error, PermissionError))


@dataclass(frozen=True, slots=True)
class Fix:
    """What of a plan is the remedy: the changes of these resources."""

    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be."""

    code: Code
    severity: Severity
    subject: str
    """What it is about: a setting, a service, a server."""
    seen: str
    expected: str
    why: str
    remedy: str
    """What to do; a command stands between single quotes."""
    fix: Fix | None = None
    """None where no plan can do it."""
    scope: tuple[str, ...] = ()
    """The service that it concerns, and of that the server; empty: all of this host."""
    servers: tuple[tuple[str, str], ...] = ()
    """Where it concerns several servers, and has no scope: those, each with its service."""

    @property
    def group(self) -> Group:
        return self.code.group

    def covers(self, other: Finding) -> bool:
        """Whether what the other one concerns is a part of what this one concerns."""
        if self.servers and other.servers:
            return {*other.servers} <= {*self.servers}
        if self.servers:
            return any(
                other.scope and one[: len(other.scope)] == other.scope for one in self.servers
            )
        return other.scope[: len(self.scope)] == self.scope

    def concerns(self, service: str) -> bool:
        """Whether whoever asks for a service alone wants to know of it."""
        if self.servers:
            return any(name == service for name, _ in self.servers)
        return not self.scope or self.scope[0] == service
