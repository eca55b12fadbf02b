"""A resource is a frozen value: its identity and its configuration.

``==`` between the wished and the observed value is the drift test, so a counter never enters one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import ClassVar, NamedTuple, Protocol, Self


class Stage(IntEnum):
    """When a resource comes into being: parents before children, the way before the traffic."""

    HOST = 10
    SERVICE = 30
    SERVER = 40
    PROXY = 45
    """HAProxy and all that it serves: one file, so one stage."""
    CUTOVER = 50
    """Traffic is sent where everything is ready for it."""


class Key(NamedTuple):
    """What makes two resources the same one: its kind and its name within the kind."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Resource(Protocol):
    """One thing in the world that lvsnat can make, change and take away."""

    stage: ClassVar[Stage]
    shared: ClassVar[bool]
    """True where it is no matter who made it (an address, a setting): finding it is enough."""

    @property
    def key(self) -> Key: ...

    @property
    def owner(self) -> Key:
        """The key whose entry in the ledger says that this is ours: its own, or its parent's."""
        ...

    def describe(self) -> str:
        """Name it on one line, in the words of the field."""
        ...

    def settings(self) -> Mapping[str, str]:
        """Its configuration as words to show, in a fixed order."""
        ...


class Standalone(ABC):
    """A resource whose entry in the ledger is its own, and whose key may be all there is to it."""

    __slots__ = ()

    @property
    @abstractmethod
    def key(self) -> Key: ...

    @property
    def owner(self) -> Key:
        return self.key

    def describe(self) -> str:
        return str(self.key)

    def settings(self) -> Mapping[str, str]:
        return {}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A resource that always exists and only has a value: it is restored, never deleted.

    A class, not a protocol: it is asked for once per change, and that must cost nothing.
    """

    value: str

    def with_value(self, value: str) -> Self:
        return replace(self, value=value)


class Weighted(ABC):
    """A resource that takes a share of new connections: a real server."""

    __slots__ = ()
    weight: int
    lives_by: ClassVar[Key | None] = None
    """What its connections live on by when it is removed; None where they end with it."""

    @property
    def standby(self) -> bool:
        """Whether it is there only while an overlay says so: a sorry server."""
        return False

    @abstractmethod
    def with_weight(self, weight: int) -> Self: ...

    @abstractmethod
    def with_share(self, weight: int) -> Self:
        """With a weight in the scale of the configuration."""
        ...

    @property
    @abstractmethod
    def seat(self) -> Key:
        """What an overlay calls this real server, whoever serves it: its key in lvs-nat."""
        ...


State = Mapping[Key, Resource]


def state_of(resources: Iterable[Resource]) -> dict[Key, Resource]:
    """Index resources by key, in the order given."""
    return {resource.key: resource for resource in resources}
