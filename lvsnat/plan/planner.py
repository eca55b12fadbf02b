"""Compare two states. No I/O here."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Self

from lvsnat.model.resource import Key, Resource, Setting, State
from lvsnat.plan.change import Change, Create, Delete, Update, key_of, subject
from lvsnat.plan.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Plan:
    """The difference between what should be and what is, in the order to carry it out."""

    changes: tuple[Change, ...] = ()
    unmanaged: tuple[Resource, ...] = ()
    """Exists, is not wished for and not ours: shown, never touched."""
    conflicts: tuple[Resource, ...] = ()
    """Exists, is wished for and not ours: ``--adopt`` takes it over."""

    def __bool__(self) -> bool:
        return bool(self.changes or self.conflicts)

    @property
    def fingerprint(self) -> str:
        """A short digest of the changes; equal plans have equal ones, on any day."""
        digest = hashlib.sha256()
        for change in self.changes:
            digest.update(repr(change).encode())
        for resource in self.conflicts:
            digest.update(repr(resource).encode())
        return digest.hexdigest()[:12]

    def only(self, keys: Collection[Key]) -> Self:
        """The part of this plan that is about these keys."""
        return type(self)(
            tuple(change for change in self.changes if key_of(change) in keys),
            self.unmanaged,
            tuple(resource for resource in self.conflicts if resource.owner in keys),
        )

    def without(self, keys: Collection[Key]) -> Self:
        """The changes that are not about these keys."""
        return type(self)(tuple(change for change in self.changes if key_of(change) not in keys))


def plan(desired: State, observed: State, ledger: Ledger) -> Plan:
    """Say what turns ``observed`` into ``desired``.

    Creations and updates ascend by stage, removals come last and descend: make before break.
    Within a stage, what is made follows the desired state and what goes follows its name, so the
    same input gives the same plan.
    """
    conflicts = tuple(
        have
        for key, have in observed.items()
        if key in desired and key == have.owner and not have.shared and not ledger.owns(key)
    )
    held = {have.key for have in conflicts}
    makes = [c for want in desired.values() if (c := _make(want, observed, held)) is not None]
    breaks: list[Change] = []
    unmanaged: list[Resource] = []
    for key, have in observed.items():
        if key in desired or have.owner in held:
            continue
        if ledger.owns(have.owner):
            breaks.extend(_release(have, ledger))
        elif not have.shared:
            unmanaged.append(have)
    makes.sort(key=lambda change: subject(change).stage)
    # The kernel's own order says nothing and varies: what goes is sorted by name.
    breaks.sort(key=lambda change: (-subject(change).stage, key_of(change)))
    unmanaged.sort(key=lambda resource: (resource.stage, resource.key))
    return Plan((*makes, *breaks), tuple(unmanaged), conflicts)


def caused_by(before: State, after: State) -> set[Key]:
    """The keys that a change of the configuration touches."""
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def _make(want: Resource, observed: State, held: Collection[Key]) -> Change | None:
    if want.owner in held:
        return None
    have = observed.get(want.key)
    if have is None:
        return Create(want)
    return None if have == want else Update(have, want)


def _release(have: Resource, ledger: Ledger) -> Iterable[Change]:
    if not isinstance(have, Setting):
        return [Delete(have)]
    original = ledger.originals.get(have.key, have.value)
    return [] if have.value == original else [Update(have, have.with_value(original))]
