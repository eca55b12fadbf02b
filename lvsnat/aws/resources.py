"""What lvsnat makes in a VPC, as values. No I/O here.

Everything is named by the id of an interface, never of an instance: EC2 refuses an instance with
two interfaces. All are ``shared``: it does not matter who made them, finding them is enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import ClassVar, Final

from lvsnat.aws.target import Target
from lvsnat.model.config import IPNetwork
from lvsnat.model.endpoint import IPAddress
from lvsnat.model.resource import Key, Setting, Stage, Standalone

SOURCE_DEST_CHECK: Final = "source/dest check"
ROUTE: Final = "route"
SECONDARY_ADDRESS: Final = "secondary address"
ELASTIC_ADDRESS: Final = "allocation"
ELASTIC_MAPPING: Final = "elastic ip"
GROUP_RULE: Final = "group rule"
UNDO_TAG: Final = "undo tag"
NEW_ALLOCATION: Final = "new"
"""Stands for the id of an allocation that is yet to be made."""
ON: Final = "on"
OFF: Final = "off"
FREE: Final = "free"
NOTHING: Final = "nothing"
"""In an undo tag: there was no route."""


@dataclass(frozen=True)
class SourceDestCheck(Setting, Standalone):
    """Whether an interface drops what is neither from nor for itself: ``on`` or ``off``."""

    stage: ClassVar[Stage] = Stage.HOST
    shared: ClassVar[bool] = True

    interface: str

    @property
    def key(self) -> Key:
        return Key(SOURCE_DEST_CHECK, self.interface)

    def describe(self) -> str:
        return f"{self.interface} source/dest check"

    def settings(self) -> Mapping[str, str]:
        return {"value": self.value}


@dataclass(frozen=True, slots=True)
class SecondaryAddress(Standalone):
    """The VIP on an interface. An address is on one interface of a VPC, so a move is an update."""

    stage: ClassVar[Stage] = Stage.HOST
    shared: ClassVar[bool] = True

    address: IPAddress
    interface: str

    @property
    def key(self) -> Key:
        return Key(SECONDARY_ADDRESS, str(self.address))

    def describe(self) -> str:
        return f"secondary address {self.address}"

    def settings(self) -> Mapping[str, str]:
        return {"interface": self.interface}


@dataclass(frozen=True, slots=True)
class GroupRule(Standalone):
    """A security group lets a network in, on some ports."""

    stage: ClassVar[Stage] = Stage.HOST
    shared: ClassVar[bool] = True

    group: str
    protocol: str
    """``tcp``, ``udp``, the number of another protocol, or ``-1`` for all."""
    first: int
    last: int
    """The ports, both included; -1 to -1 are all of them."""
    network: IPNetwork

    @property
    def key(self) -> Key:
        return Key(GROUP_RULE, f"{self.group} {self.what}")

    @property
    def what(self) -> str:
        """What is let in: ``tcp/80 from 0.0.0.0/0``."""
        ports = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        ports = "all" if self.first < 0 else ports
        return f"{'all' if self.protocol == '-1' else self.protocol}/{ports} from {self.network}"

    def describe(self) -> str:
        return f"{self.group} {self.what}"


@dataclass(frozen=True, slots=True)
class ElasticAddress(Standalone):
    """An Elastic IP that was allocated for a VIP, and has a tag that says so."""

    stage: ClassVar[Stage] = Stage.HOST
    shared: ClassVar[bool] = True

    vip: IPv4Address

    @property
    def key(self) -> Key:
        return Key(ELASTIC_ADDRESS, str(self.vip))

    def describe(self) -> str:
        return f"Elastic IP for {self.vip}"


@dataclass(frozen=True, slots=True)
class ElasticMapping(Standalone):
    """Which private address an Elastic IP stands for. It always exists; it may be free."""

    stage: ClassVar[Stage] = Stage.CUTOVER
    shared: ClassVar[bool] = True

    allocation: str
    """``eipalloc-...``, or NEW_ALLOCATION."""
    interface: str | None
    private: IPv4Address | None
    public: IPv4Address | None = field(default=None, compare=False)
    """None as long as nothing is allocated; the allocation is the identity."""

    @property
    def key(self) -> Key:
        return Key(ELASTIC_MAPPING, self.allocation)

    def describe(self) -> str:
        known = "" if self.public is None else f" {self.public}"
        return f"{self.allocation}{known}"

    def settings(self) -> Mapping[str, str]:
        if self.interface is None:
            return {"mapped to": FREE}
        return {"mapped to": f"{self.interface} {self.private}"}


@dataclass(frozen=True, slots=True)
class TableRoute(Standalone):
    """A static route of a route table."""

    stage: ClassVar[Stage] = Stage.CUTOVER
    shared: ClassVar[bool] = True

    table: str
    destination: IPNetwork
    target: Target

    @property
    def key(self) -> Key:
        return Key(ROUTE, f"{self.table} {self.destination}")

    def describe(self) -> str:
        return f"{self.table} {self.destination}"

    def settings(self) -> Mapping[str, str]:
        return {"target": str(self.target)}


@dataclass(frozen=True, slots=True)
class UndoTag(Standalone):
    """A tag on a route table that says where a route led before: for who has not our journal."""

    stage: ClassVar[Stage] = Stage.HOST
    shared: ClassVar[bool] = True

    table: str
    destination: IPNetwork
    before: str
    """The id of a target, or NOTHING."""

    @property
    def key(self) -> Key:
        return Key(UNDO_TAG, f"{self.table} {self.destination}")

    def describe(self) -> str:
        return f"{self.table} undo tag {self.destination}"

    def settings(self) -> Mapping[str, str]:
        return {"before": self.before}


AwsResource = (
    SourceDestCheck
    | SecondaryAddress
    | GroupRule
    | ElasticAddress
    | ElasticMapping
    | UndoTag
    | TableRoute
)
"""All kinds, for ``match``."""
