"""An edit of the configuration alone: shown, then written. The world stays as it is, unasked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lvsnat.model.resource import State
from lvsnat.plan.ledger import Ledger
from lvsnat.plan.planner import Plan, plan
from lvsnat.system import write_file


@dataclass(frozen=True, slots=True)
class Draft:
    """A configuration that nobody has made so yet."""

    plan: Plan
    """What the new configuration asks for, compared with the old one."""
    path: Path
    text: str
    edited: bool
    """Whether the text is another one."""

    def write(self) -> None:
        """Put the new text in place."""
        if self.edited:
            write_file(self.path, self.text)


def difference(before: State, after: State) -> Plan:
    """The plan that would turn one wish into the other, were both the world."""
    return plan(after, before, Ledger(frozenset(before)))
