"""What the plan asks of a place where resources live."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import ClassVar, Protocol

from lvsnat.model.config import Config
from lvsnat.model.resource import Key, Resource
from lvsnat.plan.change import Change
from lvsnat.plan.planner import Report


class Backend(Protocol):
    """A place where resources live: the kernel's IPVS table, the host."""

    kinds: ClassVar[frozenset[str]]
    """The kinds of the keys that live here."""

    def expand(self, config: Config) -> Iterable[Resource]:
        """The resources that a configuration asks for. Reads nothing."""
        ...

    def observe(self, keys: Collection[Key]) -> Iterable[Resource]:
        """The resources that exist. Never writes.

        Where the world is unbounded (settings, addresses) only ``keys`` are looked at.
        """
        ...

    def apply(self, changes: Sequence[Change], done: Report) -> None:
        """Carry out the changes in order, calling ``done`` after each that the system confirmed.

        Changes may be sent in batches. When one is refused, those already sent are still waited
        for and reported, the rest is not begun, and StepError says which one it was and why.
        """
        ...
