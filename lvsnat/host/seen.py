"""Rules and routes of this host's routing as they were read, whoever made them. Values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from lvsnat.host.routes import PolicyRule
from lvsnat.model.endpoint import Family

EVERY_BIT = 0xFFFFFFFF
LOOPBACK = "lo"
TABLES = {253: "default", 254: "main", 255: "local"}
"""As ip(8) names them."""


class RouteKind(IntEnum):
    """What becomes of packets that take a route (linux/rtnetlink.h)."""

    UNICAST = 1
    LOCAL = 2


class RuleAction(IntEnum):
    """What a routing rule does (linux/fib_rules.h)."""

    TO_TABLE = 1
    GOTO = 2
    NOP = 3
    BLACKHOLE = 6
    UNREACHABLE = 7
    PROHIBIT = 8


@dataclass(frozen=True, slots=True)
class SeenRule:
    """A routing rule."""

    family: Family
    priority: int
    mark: int = 0
    mask: int = 0
    """0: it does not look at the mark."""
    table: int = 0
    action: int = RuleAction.TO_TABLE
    inverted: bool = False
    narrow: bool = False
    """Whether it asks for more than a mark: a source, an interface, a port."""
    spares_default: bool = False
    """Whether it ignores the default route of its table."""

    def takes(self, mark: int) -> bool:
        """Whether a packet with this mark is sure to be taken."""
        return not self.narrow and (mark & self.mask == self.mark) is not self.inverted

    def is_ours(self, ours: PolicyRule) -> bool:
        """Whether it is exactly this one."""
        return self == SeenRule(ours.family, ours.priority, ours.mark, ours.mark, ours.table)

    def __str__(self) -> str:
        sign = "not " if self.inverted else ""
        mark = f"{sign}fwmark {self.mark:#x}{self._mask()} " if self.mask else "from all "
        more = "... " if self.narrow else ""
        return f"{self.priority}: {mark}{more}{self._target()}"

    def _mask(self) -> str:
        return "" if self.mask == EVERY_BIT else f"/{self.mask:#x}"

    def _target(self) -> str:
        if self.action == RuleAction.TO_TABLE:
            return f"lookup {TABLES.get(self.table, self.table)}"
        known = {int(action): action.name.lower() for action in RuleAction}
        return known.get(self.action, f"action {self.action}")


@dataclass(frozen=True, slots=True)
class SeenRoute:
    """A route of one table."""

    family: Family
    table: int
    destination: str
    """``default``, or a network."""
    kind: int = RouteKind.UNICAST
    interface: str | None = None
    gateway: str | None = None

    @property
    def returns_all(self) -> bool:
        """Whether it takes everything to this host itself."""
        everything = self.destination == "default" and self.interface == LOOPBACK
        return everything and self.kind == RouteKind.LOCAL

    def __str__(self) -> str:
        words = ["local" if self.kind == RouteKind.LOCAL else "", self.destination]
        words += [f"via {self.gateway}" if self.gateway else ""]
        words += [f"dev {self.interface}" if self.interface else "", f"table {self.table}"]
        return " ".join(filter(None, words))


@dataclass(frozen=True, slots=True)
class Answer:
    """Where the kernel would send a packet."""

    kind: int | None
    """RouteKind; None where it would drop it."""
    interface: str | None = None
    gateway: str | None = None
    error: int = 0
    """The errno, where it would drop it."""
