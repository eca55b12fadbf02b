"""Where a switch of modes stands, what it does next, and what that waits for. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from lvsnat.model.mode import Mode
from lvsnat.model.phase import Phase


class OldSide(StrEnum):
    """Who still holds connections that the next step would cut."""

    IPVS = "IPVS"
    SIDE_PORTS = "HAProxy's side ports"
    HAPROXY = "HAProxy"


def awaited(phase: Phase, mode: Mode) -> OldSide | None:
    """Whose connections are let end before the next step; None where it cuts none."""
    return _AWAITED.get((phase, mode))


_AWAITED = {
    (Phase.BOTH, Mode.HAPROXY_TPROXY): OldSide.IPVS,
    (Phase.PROXY_SETTLING, Mode.HAPROXY_TPROXY): OldSide.SIDE_PORTS,
    (Phase.IPVS_SETTLING, Mode.LVS_NAT): OldSide.HAPROXY,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a switch stands, and where it goes."""

    phase: Phase
    mode: Mode
    """The mode that is wished for."""
    origin: Phase | None = None
    """The phase before, where the step from there to ``phase`` was cut off half-way."""
    deadline: float | None = None
    """Seconds since the epoch: so long are the connections of the old side waited for."""

    @property
    def done(self) -> bool:
        """Whether the mode is in force and nothing is left to do."""
        return self.phase is Phase.of(self.mode) and self.origin is None

    @property
    def awaited(self) -> OldSide | None:
        """What the next step waits for."""
        return None if self.origin else awaited(self.phase, self.mode)

    @property
    def next(self) -> Phase:
        """The phase that comes next.

        A step that was cut off is finished first, unless the way now leads back: then what was
        made of it is undone on that way.
        """
        if self.origin is not None and self.origin.towards(self.mode) is self.phase:
            return self.phase
        return self.phase.towards(self.mode)

    def way(self) -> Iterator[Phase]:
        """Every phase still to come, the last one the mode's own."""
        phase = self.phase
        if not self.done:
            phase = self.next
            yield phase
        while phase is not Phase.of(self.mode):
            phase = phase.towards(self.mode)
            yield phase


@dataclass(frozen=True, slots=True)
class Look:
    """What the old side holds at one moment of a wait."""

    side: OldSide
    connections: int
    left: float | None
    """Seconds until the deadline; None where nobody waits."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a switch stands, and what the old side still holds."""

    standing: Standing
    look: Look | None = None
    """None where the next step waits for nothing."""
