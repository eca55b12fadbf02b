"""The rules, routes and the default route that a way back is made of, as resources. No I/O here.

Each is shared: where it is there already, it does not matter who made it, and it stays when the
way back is taken away.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import ClassVar, Final, Self

from lvsnat.gateway.ways import Hop
from lvsnat.gateway.wish import ReplyPort
from lvsnat.model.config import IPNetwork
from lvsnat.model.endpoint import Family, IPAddress
from lvsnat.model.resource import Key, Resource, Setting, Stage, Standalone

RULE: Final = "routing rule"
ROUTE: Final = "route"
DEFAULT: Final = "default route"

_RULE = re.compile(
    r"(ipv[46]) (\d+): from (\S+)(?: iif lo)? ipproto (tcp|udp) sport (\d+) lookup (\d+)"
)
_ROUTE = re.compile(r"(ipv[46]) (\S+) table (\d+)(?: metric (\d+))?")

EVERY: Final = {Family.IPV4: ip_address("0.0.0.0"), Family.IPV6: ip_address("::")}  # noqa: S104 - nothing listens


@dataclass(frozen=True, slots=True)
class ReplyRule(Standalone):
    """``ip rule``: what this server answers from a port asks a table of its own."""

    stage: ClassVar[Stage] = Stage.CUTOVER
    shared: ClassVar[bool] = True

    source: IPAddress
    """Unspecified (0.0.0.0, ::): whatever this host itself sends, and no packet that it forwards.

    A UDP server that listens on every address has none yet when the kernel chooses the route.
    """
    port: ReplyPort
    table: int
    priority: int

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """The rule that a key names; None if the name is of another form."""
        found = _RULE.fullmatch(name)
        if found is None:
            return None
        label, priority, source, protocol, port, table = found.groups()
        reply = ReplyPort.parse(f"{protocol}/{port}")
        own = EVERY[Family[label.upper()]] if source == "all" else ip_address(source)
        return cls(own, reply, int(table), int(priority))

    @property
    def family(self) -> Family:
        return Family.of(self.source)

    @property
    def selector(self) -> str:
        """Whose packets it is about, in the words of ip-rule(8)."""
        return "from all iif lo" if self.source.is_unspecified else f"from {self.source}"

    @property
    def key(self) -> Key:
        return Key(RULE, str(self))

    def __str__(self) -> str:
        port = f"ipproto {self.port.protocol} sport {self.port.port}"
        start = f"{self.family.label} {self.priority}: {self.selector}"
        return f"{start} {port} lookup {self.table}"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where in the kernel's tables a route is: its identity."""

    family: Family
    network: IPNetwork | None
    """None is everywhere."""
    table: int
    metric: int = 0
    """0 in a table of our own, where no other route comes before it."""

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """The place that a key names; None if the name is of another form."""
        found = _ROUTE.fullmatch(name)
        if found is None:
            return None
        family, network, table, metric = found.groups()
        where = None if network == "default" else ip_network(network)
        return cls(Family[family.upper()], where, int(table), int(metric or 0))

    def __str__(self) -> str:
        where = "default" if self.network is None else self.network
        metric = f" metric {self.metric}" if self.metric else ""
        return f"{self.family.label} {where} table {self.table}{metric}"


@dataclass(frozen=True, slots=True)
class Route(Standalone):
    """``ip route``: the next hop towards a destination."""

    stage: ClassVar[Stage] = Stage.HOST
    shared: ClassVar[bool] = True

    destination: Destination
    hop: Hop

    @property
    def key(self) -> Key:
        return Key(ROUTE, str(self.destination))

    def settings(self) -> Mapping[str, str]:
        return {"way": str(self.hop)}


@dataclass(frozen=True)
class DefaultRoute(Setting, Standalone):
    """The default route that no other can come before: replaced in one step, and put back."""

    stage: ClassVar[Stage] = Stage.CUTOVER
    shared: ClassVar[bool] = True

    family: Family

    @property
    def key(self) -> Key:
        return Key(DEFAULT, self.family.label)

    def settings(self) -> Mapping[str, str]:
        return {"way": self.value}


def value_of(resource: Resource) -> str:
    """What a resource is set to, beside its identity: what somebody else may have changed."""
    match resource:
        case Route(hop=hop):
            return str(hop)
        case Setting(value=value):
            return value
        case _:
            return ""
