"""What is known of the servers, for whoever looks: values alone. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lvsnat.health.outcome import ServerHealth, ServiceHealth
from lvsnat.health.track import Track, Turn
from lvsnat.health.values import Target


@dataclass(frozen=True, slots=True)
class Report:
    """The health of all, and who says so. Times in seconds since the epoch."""

    at: float
    """When it was read."""
    running: bool
    """Whether a daemon runs."""
    known_at: float | None = None
    """When the daemon wrote it down; None: nothing is known."""
    pid: int | None = None
    started: float | None = None
    problems: tuple[str, ...] = ()
    """What keeps the daemon from its work."""
    services: tuple[ServiceHealth, ...] = ()
    """Those that the daemon checks, in the order of the configuration."""
    elsewhere: tuple[ServiceHealth, ...] = ()
    """What HAProxy says of servers that it checks itself."""
    tracks: Mapping[Target, Track] = field(default_factory=dict)

    @property
    def all(self) -> tuple[ServiceHealth, ...]:
        """Each service once or twice: what the daemon says, and what HAProxy does."""
        return (*self.services, *self.elsewhere)

    def history(self, server: ServerHealth) -> tuple[Turn, ...]:
        """The last turns of a server's checks, the oldest first."""
        turns = (turn for target in server.targets for turn in self.track(target).history)
        return tuple(sorted(turns, key=lambda turn: turn.at))

    def next_at(self, server: ServerHealth) -> float | None:
        """About when a server is asked again; None where nobody does."""
        times = (self.track(target).expected(target.check) for target in server.targets)
        known = [time for time in times if time is not None]
        return min(known, default=None) if self.running else None

    def track(self, target: Target) -> Track:
        return self.tracks.get(target, Track())
