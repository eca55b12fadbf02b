"""What lvsnat brought into being, and what settings were before it came.

IPVS objects carry no owner, so this is the only proof that one is ours. Values only; the director
keeps them in a file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from lvsnat.model.resource import Key, Resource, Setting, State
from lvsnat.plan.change import Change, Create, Delete, Update, subject


@dataclass(frozen=True, slots=True)
class Ledger:
    """The keys that are ours; with each setting, the value to put back."""

    owned: frozenset[Key] = frozenset()
    originals: dict[Key, str] = field(default_factory=dict)

    def owns(self, key: Key) -> bool:
        return key in self.owned or key in self.originals

    def adopting(self, keys: Iterable[Key]) -> Ledger:
        """This ledger with more keys that are ours."""
        return replace(self, owned=self.owned | frozenset(keys))

    def intending(self, changes: Iterable[Change]) -> Ledger:
        """This ledger as it must be on disk before the changes begin.

        Ownership is noted first: killed in between, the next run knows that what it finds is ours.
        """
        owned, originals = set(self.owned), dict(self.originals)
        for change in changes:
            match change:
                case Create(resource):
                    if resource.owner == resource.key:
                        owned.add(resource.key)
                case Update(before):
                    if isinstance(before, Setting):
                        originals.setdefault(before.key, before.value)
                case Delete():
                    pass
        return Ledger(frozenset(owned), originals)

    def after(self, changes: Iterable[Change]) -> Ledger:
        """This ledger once the changes are carried out: what is gone or restored is forgotten."""
        gone = {key for change in changes if (key := _released(change, self.originals)) is not None}
        originals = {key: value for key, value in self.originals.items() if key not in gone}
        return Ledger(self.owned - gone, originals)

    def pruned(self, desired: State, observed: State) -> Ledger:
        """This ledger without what is neither wished for nor there, or is as it was before.

        A run that was killed may leave such entries; a later stranger must not inherit them.
        """
        originals = {
            key: original
            for key, original in self.originals.items()
            if key in desired or (key in observed and _differs(observed[key], original))
        }
        return Ledger(
            frozenset(key for key in self.owned if key in desired or key in observed), originals
        )


def _differs(seen: Resource, original: str) -> bool:
    return isinstance(seen, Setting) and seen.value != original


def _released(change: Change, originals: dict[Key, str]) -> Key | None:
    resource = subject(change)
    if isinstance(change, Delete):
        return resource.key
    if isinstance(resource, Setting) and originals.get(resource.key) == resource.value:
        return resource.key
    return None
