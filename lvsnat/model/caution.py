"""What speaks against success although nothing is wrong with the plan. A value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caution:
    """Something about this host that will stop the traffic, and what to do about it.

    It is no objection: the plan is safe to carry out, and the cure is somebody else's to make.
    """

    message: str
    hint: str

    def __str__(self) -> str:
        return self.message
