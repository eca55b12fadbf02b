"""A small world of made-up resources, for the laws of the plan."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from hypothesis import strategies as st

from lvsnat.model.config import Config
from lvsnat.model.resource import Key, Resource, Setting, Stage, State, state_of
from lvsnat.plan.apply import StepError
from lvsnat.plan.change import Change, Create, Delete, Report, Update, key_of


@dataclass(frozen=True)
class Parent:
    """Stands for a virtual service."""

    name: str
    setting: int = 0
    stage: ClassVar[Stage] = Stage.SERVICE
    shared: ClassVar[bool] = False

    @property
    def key(self) -> Key:
        return Key("parent", self.name)

    @property
    def owner(self) -> Key:
        return self.key

    def describe(self) -> str:
        return f"parent {self.name}"

    def settings(self) -> Mapping[str, str]:
        return {"setting": str(self.setting)}


@dataclass(frozen=True)
class Child:
    """Stands for a real server."""

    parent: str
    name: str
    setting: int = 0
    stage: ClassVar[Stage] = Stage.SERVER
    shared: ClassVar[bool] = False

    @property
    def key(self) -> Key:
        return Key("child", f"{self.parent}/{self.name}")

    @property
    def owner(self) -> Key:
        return Key("parent", self.parent)

    def describe(self) -> str:
        return f"child {self.name} of {self.parent}"

    def settings(self) -> Mapping[str, str]:
        return {"setting": str(self.setting)}


@dataclass(frozen=True, kw_only=True)
class Knob(Setting):
    """Stands for a sysctl."""

    name: str
    stage: ClassVar[Stage] = Stage.HOST
    shared: ClassVar[bool] = True

    @property
    def key(self) -> Key:
        return Key("knob", self.name)

    @property
    def owner(self) -> Key:
        return self.key

    def describe(self) -> str:
        return f"knob {self.name}"

    def settings(self) -> Mapping[str, str]:
        return {"value": self.value}


@dataclass
class World:
    """A backend over a dict that behaves as a kernel: no child without its parent, no twins."""

    contents: dict[Key, Resource] = field(default_factory=dict)
    refuse: set[Key] = field(default_factory=set)
    """Keys about which every change is refused."""
    writes: list[Change] = field(default_factory=list)
    fail_after: int | None = None
    """Refuse everything after this many writes."""
    kinds: ClassVar[frozenset[str]] = frozenset({"parent", "child", "knob"})

    def expand(self, config: Config) -> Iterable[Resource]:  # noqa: ARG002 - the laws hand in states
        return ()

    def observe(self, keys: Collection[Key]) -> Iterable[Resource]:
        return (
            resource
            for key, resource in self.contents.items()
            if not isinstance(resource, Setting) or key in keys
        )

    def prepare(self, changes: Sequence[Change]) -> None:
        """Nothing is known before it is tried."""

    def apply(self, changes: Sequence[Change], done: Report) -> None:
        for change in changes:
            self._one(change)
            self.writes.append(change)
            done(change)

    def _one(self, change: Change) -> None:
        key = key_of(change)
        if key in self.refuse or len(self.writes) == self.fail_after:
            raise StepError(change, "refused by the world")
        match change:
            case Create(resource):
                if key in self.contents:
                    raise StepError(change, "exists")
                if resource.owner != key and resource.owner not in self.contents:
                    raise StepError(change, "no parent")
                self.contents[key] = resource
            case Update(after=after):
                if key not in self.contents:
                    raise StepError(change, "missing")
                self.contents[key] = after
            case Delete():
                if any(child.owner == key != child.key for child in self.contents.values()):
                    raise StepError(change, "still has children")
                del self.contents[key]


names = st.sampled_from("abcde")
knobs = st.builds(Knob, name=names, value=st.sampled_from("012"))


@st.composite
def states(draw: st.DrawFn, knob_names: Collection[str] = "abcde") -> State:
    """A state that could exist: every child has its parent, and the knobs are there."""
    parents = draw(st.lists(st.builds(Parent, names, st.integers(0, 2))))
    children = [
        Child(parent.name, draw(names), draw(st.integers(0, 2)))
        for parent in parents
        for _ in range(draw(st.integers(0, 3)))
    ]
    settings = [Knob(name=name, value=draw(st.sampled_from("012"))) for name in knob_names]
    return state_of((*settings, *parents, *children))
