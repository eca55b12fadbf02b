"""What the plan asks of a place where resources live."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import ClassVar, Protocol

from lvsnat.model.config import Config
from lvsnat.model.resource import Key, Resource
from lvsnat.plan.change import Change, Report


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

    def prepare(self, changes: Sequence[Change]) -> None:
        """Raise LvsnatError if these changes can be seen to fail: asked before the first of all.

        Here belongs what would otherwise fail half-way: a program that is not installed, a port
        that is taken, a text that its program refuses. Never writes.
        """
        ...

    def apply(self, changes: Sequence[Change], done: Report) -> None:
        """Carry out the changes in order, calling ``done`` after each that the system confirmed.

        Changes may be sent in batches. When one is refused, those already sent are still waited
        for and reported, the rest is not begun, and StepError says which one it was and why.
        """
        ...
