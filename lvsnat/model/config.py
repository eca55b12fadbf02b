"""The whole configuration of a director."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self

from lvsnat.errors import UsageError
from lvsnat.model.service import VirtualService


class Mode(StrEnum):
    """How TCP reaches the real servers."""

    LVS_NAT = "lvs-nat"


@dataclass(frozen=True, slots=True)
class HostOptions:
    """What lvsnat may change on the director itself, beside IPVS."""

    manage_vip: bool = True
    """Add a VIP to an interface where no interface has it."""
    vip_interface: str | None = None
    """Where to add VIPs; None picks the interface whose network holds the VIP."""
    manage_sysctl: bool = True
    """Set the kernel settings that forwarding needs."""


@dataclass(frozen=True, slots=True)
class Config:
    """What should be, in full."""

    mode: Mode = Mode.LVS_NAT
    services: tuple[VirtualService, ...] = ()
    host: HostOptions = field(default_factory=HostOptions)

    def find(self, name: str) -> VirtualService:
        """The service with this name or listener; UsageError names the known ones."""
        for service in self.services:
            if name in (service.name, str(service.listen)):
                return service
        known = ", ".join(service.name for service in self.services) or "none yet"
        raise UsageError(f"no service {name!r}", f"services in the configuration: {known}")

    def with_services(self, services: tuple[VirtualService, ...]) -> Self:
        return replace(self, services=services)
