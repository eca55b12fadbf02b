"""The daemon's knowledge as a text, for itself after a restart and for every other command.

What follows from it by ``decide`` is not in it: weights are decided anew by who reads it, about the
configuration as it is then. No I/O here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from pydantic import TypeAdapter

from lvsnat.health.outcome import Memory, ServiceHealth, ServiceMemory
from lvsnat.health.track import Track
from lvsnat.health.values import Target
from lvsnat.model.endpoint import Endpoint, IPAddress
from lvsnat.model.health import HealthCheck

VERSION = 1


@dataclass(frozen=True, slots=True)
class Published:
    """What a daemon knows."""

    at: float
    """When it was written, in seconds since the epoch."""
    tracks: Mapping[Target, Track] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)
    elsewhere: tuple[ServiceHealth, ...] = ()
    """What HAProxy says of the servers that it checks itself."""
    problems: tuple[str, ...] = ()
    """What keeps the daemon from its work: a configuration that is broken, a refused plan."""
    pid: int | None = None
    started: float | None = None
    """When that daemon began, in seconds since the epoch."""
    in_force: str | None = None
    """The text of the configuration that it goes by, where the file is broken or gone."""


@dataclass(frozen=True, slots=True)
class _Track:
    address: IPAddress
    port: int
    check: int
    """The place in the list of checks, which thousands of targets share."""
    track: Track


@dataclass(frozen=True, slots=True)
class _Memory:
    lost: bool
    since: float | None
    out: list[Endpoint]
    warming: list[tuple[Endpoint, float]]


@dataclass(frozen=True, slots=True)
class _Document:
    """What is published, as JSON has it: a key of JSON is a string."""

    version: int
    at: float
    pid: int | None
    started: float | None
    problems: tuple[str, ...]
    checks: list[HealthCheck]
    tracks: list[_Track]
    memory: dict[str, _Memory]
    elsewhere: tuple[ServiceHealth, ...]
    in_force: str | None = None


def render(published: Published) -> str:
    """Write what ``parse`` reads."""
    checks: dict[HealthCheck, int] = {}
    tracks = [
        _Track(one.address, one.port, checks.setdefault(one.check, len(checks)), track)
        for one, track in published.tracks.items()
    ]
    document = _Document(
        VERSION,
        published.at,
        published.pid,
        published.started,
        published.problems,
        list(checks),
        tracks,
        {name: _as_lists(one) for name, one in published.memory.services.items()},
        published.elsewhere,
        published.in_force,
    )
    return _adapter().dump_json(document).decode() + "\n"


def parse(text: str) -> Published:
    """Read what ``render`` wrote; ValueError for anything else, another version too."""
    document = _adapter().validate_json(text)
    if document.version != VERSION:
        message = f"version {document.version}"
        raise ValueError(message)
    tracks = {}
    for one in document.tracks:
        if not 0 <= one.check < len(document.checks):
            message = f"there is no check {one.check}"
            raise ValueError(message)
        tracks[Target(one.address, one.port, document.checks[one.check])] = one.track
    memory = {name: _from_lists(one) for name, one in document.memory.items()}
    return Published(
        document.at,
        tracks,
        Memory(memory),
        document.elsewhere,
        document.problems,
        document.pid,
        document.started,
        document.in_force,
    )


def _as_lists(memory: ServiceMemory) -> _Memory:
    out = sorted(memory.out, key=str)
    return _Memory(memory.lost, memory.since, out, list(memory.warming.items()))


def _from_lists(memory: _Memory) -> ServiceMemory:
    return ServiceMemory(memory.lost, memory.since, frozenset(memory.out), dict(memory.warming))


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[_Document]:
    """Made where it is needed: that takes milliseconds."""
    return TypeAdapter(_Document)
