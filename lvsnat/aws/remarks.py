"""What a change does to others, and what makes it impossible or harmful. Values and words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lvsnat.aws.codes import Code
from lvsnat.aws.network import Subnet


@dataclass(frozen=True, slots=True)
class Remark:
    """A risk to know of before a change, or the reason why it is refused."""

    code: Code
    message: str
    hint: str


def names_of(subnets: Iterable[Subnet]) -> str:
    """Subnets by id, the first few of many."""
    return few(subnet.id for subnet in subnets)


def few(values: Iterable[object], most: int = 4) -> str:
    words = [str(value) for value in values]
    shown = ", ".join(words[:most])
    return shown if len(words) <= most else f"{shown} and {len(words) - most} more"
