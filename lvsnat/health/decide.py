"""From answers to weights: what becomes of every server. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lvsnat.health.outcome import (
    Concern,
    Decision,
    Memory,
    ServerHealth,
    ServiceHealth,
    ServiceMemory,
    Transition,
)
from lvsnat.health.service import UNKNOWN, Part, decide_service
from lvsnat.health.targets import Watched, carried_over, dampings, watched
from lvsnat.health.track import Track, next_interval
from lvsnat.health.transitions import transitions
from lvsnat.health.values import Answer, Target
from lvsnat.model.config import Config
from lvsnat.model.resource import Key
from lvsnat.plan.overlay import HealthOverlay, Overrides, holding

__all__ = [
    "Concern",
    "Decider",
    "Decision",
    "Memory",
    "ServerHealth",
    "ServiceHealth",
    "ServiceMemory",
    "Transition",
    "decide",
    "transitions",
]

_NOTHING = ServiceMemory()


def decide(
    config: Config,
    tracks: Mapping[Target, Track],
    memory: Memory,
    now: float,
    overrides: Overrides | None = None,
) -> Decision:
    """Decide about all services; ``now`` in seconds since the epoch."""
    return Decider(config, tracks, memory, overrides or {}).decide(now)


@dataclass(slots=True)
class _Asked:
    """A target at work: looked up once for each answer, so it is one object that changes."""

    track: Track
    damping: float
    services: tuple[str, ...]


class Decider:
    """Decides as ``decide`` does, again and again, at the cost of what has changed."""

    def __init__(
        self,
        config: Config,
        tracks: Mapping[Target, Track],
        memory: Memory,
        overrides: Overrides | None = None,
    ) -> None:
        self._overrides: Overrides = overrides or {}
        self._memory = dict(memory.services)
        self._watched: dict[str, Watched] = {}
        self._asked: dict[Target, _Asked] = {}
        self._parts: dict[str, Part] = {}
        self._wakes: dict[str, float] = {}
        self._dirty: set[str] = set()
        self._decision: Decision | None = None
        self._begin(config, tracks)

    @property
    def tracks(self) -> dict[Target, Track]:
        """Of every target of the configuration, as they are now."""
        return {target: asked.track for target, asked in self._asked.items()}

    @property
    def dirty(self) -> bool:
        """Whether something has come since the last decision that may change it."""
        return bool(self._dirty)

    def answered(self, target: Target, answer: Answer, now: float, random01: float) -> float:
        """Note an answer; seconds from the start of that question to the next one.

        Costs microseconds: the decision is made by ``decide``.
        """
        asked = self._asked.get(target)
        if asked is None:  # The question was on its way when the configuration changed.
            return target.check.interval
        before = asked.track
        after = before.after(answer, target.check, asked.damping, now)
        asked.track = after
        if after.state is not before.state or after.share != before.share:
            self._dirty.update(asked.services)
        return next_interval(after, target.check, random01)

    def decide(self, now: float) -> Decision:
        """Decide anew about the services that an answer or the time has changed."""
        due = {name for name, wake in self._wakes.items() if wake <= now} | self._dirty
        if not due and self._decision is not None:
            return self._decision
        held = holding(self._overrides, now)
        tracks = {
            target: self._asked[target].track
            for name in due
            for several in self._watched[name].targets
            for target in several
        }
        for name in due:
            one = self._watched[name]
            memory = self._memory.get(name, _NOTHING)
            self._keep(name, decide_service(one, tracks, memory, now, held))
        self._dirty.clear()
        self._decision = self._whole(now)
        return self._decision

    def reconfigure(self, config: Config, overrides: Overrides) -> None:
        """Go on with another configuration or other overrides; what is known is carried over."""
        self._overrides = overrides
        self._begin(config, self.tracks)

    def _begin(self, config: Config, tracks: Mapping[Target, Track]) -> None:
        services = watched(config)
        self._watched = {one.service.name: one for one in services}
        wanting: dict[Target, dict[str, None]] = {}
        for one in services:
            for target in (target for several in one.targets for target in several):
                wanting.setdefault(target, {})[one.service.name] = None
        known, damping = dict(carried_over(tracks, wanting)), dampings(services)
        self._asked = {
            target: _Asked(known.get(target, UNKNOWN), damping[target], tuple(names))
            for target, names in wanting.items()
        }
        for kept in (self._memory, self._parts, self._wakes):
            for name in kept.keys() - self._watched.keys():
                kept.pop(name)
        self._dirty = set(self._watched)
        self._decision = None

    def _keep(self, name: str, part: Part) -> None:
        self._parts[name] = part
        if part.memory == _NOTHING:
            self._memory.pop(name, None)
        else:
            self._memory[name] = part.memory
        if part.wake is None:
            self._wakes.pop(name, None)
        else:
            self._wakes[name] = part.wake

    def _whole(self, now: float) -> Decision:
        weights: dict[Key, int | None] = {}
        parts = [self._parts[name] for name in self._watched]
        for part in parts:
            if part.weights:
                weights |= part.weights
        return Decision(
            now,
            HealthOverlay(weights, frozenset(p.standby for p in parts if p.standby is not None)),
            Memory({n: self._memory[n] for n in self._watched if n in self._memory}),
            tuple(part.health for part in parts),
            min(self._wakes.values(), default=None),
        )
