"""The whole configuration of a director."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network, IPv6Network
from typing import Final, Literal, Self

from lvsnat.errors import UsageError
from lvsnat.model.aws import AwsOptions
from lvsnat.model.daemon import DaemonOptions
from lvsnat.model.endpoint import IPAddress, as_written
from lvsnat.model.mode import Mode
from lvsnat.model.phase import Phase
from lvsnat.model.service import VirtualService

IPNetwork = IPv4Network | IPv6Network
Egress = IPAddress | Literal["masquerade"]
MASQUERADE: Final = "masquerade"


@dataclass(frozen=True, slots=True)
class HostOptions:
    """What lvsnat may change on the director itself, beside IPVS."""

    manage_vip: bool = True
    """Add a VIP to an interface where no interface has it."""
    vip_interface: str | None = None
    """Where to add VIPs; None picks the interface whose network holds the VIP."""
    manage_sysctl: bool = True
    """Set the kernel settings that forwarding needs."""
    block_imds: bool = True
    """Keep real servers from the metadata service of the director, and so from its role."""
    egress: Egress | None = None
    """From where the real servers' own connections leave; None leaves them as they are."""
    egress_networks: tuple[IPNetwork, ...] = ()
    """Whose own connections these are."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How many seconds IPVS keeps an idle connection; None leaves one as it is."""

    tcp: int | None = None
    tcp_fin: int | None = None
    """After a FIN."""
    udp: int | None = None

    def given(self) -> dict[str, int]:
        """Those that are not None, by name."""
        named = {"tcp": self.tcp, "tcp_fin": self.tcp_fin, "udp": self.udp}
        return {name: seconds for name, seconds in named.items() if seconds is not None}


@dataclass(frozen=True, slots=True)
class IpvsOptions:
    """IPVS as a whole, beside its services."""

    timeouts: Timeouts = field(default_factory=Timeouts)


@dataclass(frozen=True, slots=True)
class HaproxyOptions:
    """HAProxy as a whole, beside its services, and what its transparency asks of this host."""

    local_networks: tuple[IPNetwork, ...] = ()
    """Clients whose replies would not pass the director: they are served from its own address."""
    maxconn: int = 20_000
    """Connections at a time, of all services together."""
    hard_stop_after: int = 900
    """Seconds that connections of a process that was replaced or stopped may go on."""
    connect_timeout: int = 4
    """Seconds until a real server that does not answer is given up."""
    queue_timeout: int = 10
    """Seconds that a connection waits where every server is at its threshold."""
    mark: int = 0x1
    """The bits of the firewall mark that replies to HAProxy get."""
    table: int = 233
    """The routing table that takes them to HAProxy."""
    priority: int = 100
    """The place of the routing rule that looks there, before 32766 (main)."""
    side_port_offset: int = 10_000
    """While a switch runs, a service listens on its port plus this, too."""


@dataclass(frozen=True, slots=True)
class Config:
    """What should be, in full."""

    mode: Mode = Mode.LVS_NAT
    services: tuple[VirtualService, ...] = ()
    host: HostOptions = field(default_factory=HostOptions)
    ipvs: IpvsOptions = field(default_factory=IpvsOptions)
    haproxy: HaproxyOptions = field(default_factory=HaproxyOptions)
    aws: AwsOptions | None = None
    """None: nothing is said of EC2, and ``lvsnat aws`` has its options alone."""
    daemon: DaemonOptions = field(default_factory=DaemonOptions)
    switching: Phase | None = None
    """Where a switch of modes stands; not of the file. None: the mode is in force."""

    @property
    def phase(self) -> Phase:
        """Who has the TCP services, by the mode or in the midst of a switch."""
        return self.switching or Phase.of(self.mode)

    def find(self, name: str) -> VirtualService:
        """The service with this name or listener; UsageError names the known ones."""
        wanted = as_written(name)
        for service in self.services:
            if wanted in (service.name, str(service.listen)):
                return service
        listeners = {service.name: str(service.listen) for service in self.services}
        raise UsageError(
            f"no service {name!r}", meant(name, listeners, "services in the configuration")
        )

    def with_services(self, services: tuple[VirtualService, ...]) -> Self:
        return replace(self, services=services)


def meant(name: str, listeners: Mapping[str, str], known: str) -> str:
    """The hint for an unknown service: the ones like it, else all; ``listeners`` by names."""
    from difflib import get_close_matches

    places = (name, name.partition("/")[2])  # With another protocol, or none.
    there = [one for one in listeners.values() if one.partition("/")[2] in places]
    near = there or get_close_matches(name, [*listeners, *listeners.values()])
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"{known}: {', '.join(listeners) or 'none yet'}"
