"""What is known of one target: a state machine of a few words. No I/O, no clock.

    UNKNOWN ── success ──▶ UP ── `fall` failures in a row ──▶ DOWN
       │                    ▲                                  │
       └── `fall` failures ─┼────▶ DOWN     `rise` successes ──┘
                            │
         MAINTENANCE: begins with one answer that says so, ends with one that does not

A row of answers that speak against the state is what changes it; one answer that does not begins
the row anew. A target that goes down again and again needs longer rows to come back (damping).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lvsnat.health.values import Answer
from lvsnat.model.health import HealthCheck
from lvsnat.model.status import HealthState

HISTORY: Final = 10
"""So many changes of state are remembered."""
DAMPED_FROM: Final = 3
"""From so many times down within the damping on, a success counts for less."""
DAMPED_AT_MOST: Final = 32
"""So many times ``rise`` is the most that is asked of a target."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A target's change from one state to another."""

    at: float
    """Seconds since the epoch."""
    before: HealthState
    after: HealthState
    reason: str


@dataclass(frozen=True, slots=True)
class Track:
    """What the answers of one target have come to."""

    state: HealthState = HealthState.UNKNOWN
    """UNKNOWN, UP, DOWN or MAINTENANCE; UNKNOWN counts as up."""
    since: float = 0.0
    """Seconds since the epoch, as every time here; when the state began."""
    row: int = 0
    """So many answers in a row speak against the state."""
    last: Answer | None = None
    last_at: float | None = None
    downs: tuple[float, ...] = ()
    """When it went down lately, for the damping."""
    history: tuple[Turn, ...] = ()
    """The last changes of state, the oldest first."""
    share: int | None = None
    """Per cent of its weight that it asked for when it last answered well; None: all of it."""

    @property
    def out(self) -> bool:
        """Whether its server is to take nothing new."""
        return self.state is HealthState.DOWN or self.state is HealthState.MAINTENANCE

    @property
    def changing(self) -> bool:
        """Whether the next answers may change the state: it is asked faster then."""
        return self.row > 0 or self.state is HealthState.UNKNOWN

    def after(self, answer: Answer, check: HealthCheck, damping: float, now: float) -> Track:
        """This track with one more answer; ``damping`` in seconds, 0 for none."""
        after = self._state_after(answer, check, damping, now)
        share = answer.share if answer.ok else self.share
        if after is self.state:
            against = answer.ok is (after is HealthState.DOWN) and not answer.maintenance
            row = self.row + 1 if against else 0
            return Track(
                after, self.since, row, answer, now, self.downs, self.history, share
            )  # Not replace(): thousands of these are made in a second.
        downs = self.downs
        if after is HealthState.DOWN and damping:
            downs = (*_lately(downs, damping, now), now)
        history = (*self.history, Turn(now, self.state, after, answer.detail))[-HISTORY:]
        return Track(after, now, 0, answer, now, downs, history, share)

    def _state_after(
        self, answer: Answer, check: HealthCheck, damping: float, now: float
    ) -> HealthState:
        state, row = self.state, self.row + 1
        if answer.maintenance:
            return HealthState.MAINTENANCE
        if state is HealthState.DOWN:
            believed = answer.ok and row >= check.rise * self.doubt(damping, now)
            return HealthState.UP if believed else state
        if answer.ok:
            return HealthState.UP
        return HealthState.DOWN if row >= check.fall else state

    def expected(self, check: HealthCheck) -> float | None:
        """About when it is asked next, in seconds since the epoch; jitter makes it other."""
        if self.last is None or self.last_at is None:
            return None
        return self.last_at - self.last.took + next_interval(self, check, 0.5)

    def doubt(self, damping: float, now: float) -> int:
        """How many times ``rise`` successes are asked for: 1, or 2, 4 ... 32 after many downs."""
        if len(self.downs) < DAMPED_FROM:
            return 1
        downs = len(_lately(self.downs, damping, now))
        return min(DAMPED_AT_MOST, 1 << max(0, downs - DAMPED_FROM + 1))


def next_interval(track: Track, check: HealthCheck, random01: float) -> float:
    """Seconds from the start of one question to the next; ``random01`` is from 0 to 1.

    The faster interval while the state may change, where that is shorter; longer or shorter by up
    to ``jitter`` of it.
    """
    interval = check.interval
    if track.changing:
        fast = check.interval / 2 if check.fast_interval is None else check.fast_interval
        interval = min(interval, fast)
    return interval * (1 + check.jitter * (2 * random01 - 1))


def _lately(downs: tuple[float, ...], damping: float, now: float) -> tuple[float, ...]:
    # A clock that was set back must not make a target wait for the old time.
    return tuple(at for at in downs if now - damping < at <= now)
