"""The routing rule and the route that take marked replies to HAProxy, as values. No I/O here.

All that makes one of them is its identity: the kernel changes neither in place, and one of somebody
else's at the same priority, or in the same table, is another one. So a changed option brings the
new rule before the old one goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final, Self

from lvsnat.host.tproxy import diverted_families
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Family
from lvsnat.model.resource import Key, Stage, Standalone

RULE: Final = "routing rule"
ROUTE: Final = "local route"

_RULE = re.compile(r"(ipv[46]) (\d+): fwmark (0x[0-9a-f]+)/\3 lookup (\d+)")
_ROUTE = re.compile(r"(ipv[46]) default dev lo table (\d+)")


@dataclass(frozen=True, slots=True)
class PolicyRule(Standalone):
    """``ip rule``: packets with these bits of the mark ask this routing table."""

    stage: ClassVar[Stage] = Stage.HOST
    shared: ClassVar[bool] = False

    family: Family
    mark: int
    """The bits, which are also the mask."""
    table: int
    priority: int

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """The rule that a key names; None if the name is of another form."""
        found = _RULE.fullmatch(name)
        if found is None:
            return None
        family, priority, mark, table = found.groups()
        return cls(Family[family.upper()], int(mark, 16), int(table), int(priority))

    @property
    def key(self) -> Key:
        return Key(RULE, str(self))

    def __str__(self) -> str:
        mark = f"{self.mark:#x}/{self.mark:#x}"
        return f"{self.family.label} {self.priority}: fwmark {mark} lookup {self.table}"


@dataclass(frozen=True, slots=True)
class LocalRoute(Standalone):
    """``ip route``: whatever asks this table is for this host, whoever it is addressed to."""

    stage: ClassVar[Stage] = Stage.HOST
    shared: ClassVar[bool] = False

    family: Family
    table: int

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """The route that a key names; None if the name is of another form."""
        found = _ROUTE.fullmatch(name)
        if found is None:
            return None
        family, table = found.groups()
        return cls(Family[family.upper()], int(table))

    @property
    def key(self) -> Key:
        return Key(ROUTE, str(self))

    def __str__(self) -> str:
        return f"{self.family.label} default dev lo table {self.table}"


def routes_for(config: Config) -> Iterator[LocalRoute | PolicyRule]:
    """What the present phase asks of routing: the route first, since the rule leads to it."""
    options = config.haproxy
    for family in diverted_families(config):
        yield LocalRoute(family, options.table)
        yield PolicyRule(family, options.mark, options.table, options.priority)
