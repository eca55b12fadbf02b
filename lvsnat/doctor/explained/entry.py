"""One code, explained. A value."""

from __future__ import annotations

from dataclasses import dataclass

from lvsnat.doctor.finding import Finding
from lvsnat.doctor.names import Code


@dataclass(frozen=True, slots=True)
class Entry:
    """What a code means."""

    title: str
    """A sentence's beginning, without a full stop."""
    text: str
    """What happens, how it is found out, what else looks like it."""
    example: Finding
    """As the doctor would say it."""
    explained_by: frozenset[Code] = frozenset()
    """Causes that have this as their effect: while one of them is there, this is left out."""

    @property
    def code(self) -> Code:
        return self.example.code
