"""Virtual services and real servers as IPVS holds them. No I/O here.

A scheduler is a string, flags are a number and the forwarding method may be any, because the kernel
may hold what somebody else made: it must be read, compared and shown, never choked on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import InitVar, dataclass, field, replace
from enum import IntEnum, IntFlag
from ipaddress import IPv4Address
from typing import ClassVar

from lvsnat.model.config import Config
from lvsnat.model.endpoint import Endpoint, KernelListener, Listener
from lvsnat.model.marks import kernel_listeners
from lvsnat.model.proxied import ipvs_services
from lvsnat.model.resource import Key, Stage, Standalone, Weighted
from lvsnat.model.service import (
    Persistence,
    PersistenceEngine,
    RealServer,
    Scheduler,
    SchedulerFlag,
    VirtualService,
)

SERVICE_KIND = "service"
SERVER_KIND = "server"
NONE = "none"
NO_MODULE = (
    "if there is no such module: on Ubuntu install linux-modules-extra-$(uname -r), on Debian a"
    " kernel that is not the cloud or virtual one, and in a container load it on the host"
)
"""What to do where modprobe does not find ip_vs."""


class ServiceFlag(IntFlag):
    """The flags of a service that are configuration (the kernel's own 0x2 is not)."""

    PERSISTENT = 0x1
    ONE_PACKET = 0x4
    SCHEDULER_1 = 0x8
    SCHEDULER_2 = 0x10
    SCHEDULER_3 = 0x20


class Forwarding(IntEnum):
    """How packets reach a real server; lvsnat makes ``MASQUERADING`` and nothing else."""

    MASQUERADING = 0
    LOCAL = 1
    TUNNELLING = 2
    DIRECT_ROUTING = 3
    BYPASS = 4


SCHEDULER_FLAG_BITS = {
    SchedulerFlag.SH_FALLBACK: int(ServiceFlag.SCHEDULER_1),
    SchedulerFlag.SH_PORT: int(ServiceFlag.SCHEDULER_2),
    SchedulerFlag.MH_FALLBACK: int(ServiceFlag.SCHEDULER_1),
    SchedulerFlag.MH_PORT: int(ServiceFlag.SCHEDULER_2),
}

_FLAG_WORDS = {
    int(ServiceFlag.ONE_PACKET): "one-packet",
    int(ServiceFlag.SCHEDULER_1): "flag-1",
    int(ServiceFlag.SCHEDULER_2): "flag-2",
    int(ServiceFlag.SCHEDULER_3): "flag-3",
}

# Plain numbers: these are looked at once for each of thousands of resources, and enums are slow.
_PERSISTENT = int(ServiceFlag.PERSISTENT)
_MASQUERADING = int(Forwarding.MASQUERADING)

NO_TUNNEL = (0, 0, 0)

Prefix = int | IPv4Address | None
"""A prefix length; None counts each address alone; a mask is one with holes, which IPVS accepts."""


@dataclass(frozen=True, slots=True)
class IpvsService(Standalone):
    """A virtual service's identity and configuration in the kernel."""

    stage: ClassVar[Stage] = Stage.SERVICE
    shared: ClassVar[bool] = False

    listen: KernelListener
    scheduler: str
    flags: int = 0
    timeout: int = 0
    """Seconds of persistence; 0 without the flag PERSISTENT."""
    prefix: Prefix = None
    """Which clients persistence counts as one; None without the flag PERSISTENT."""
    engine: str | None = None
    alias: Listener | None = field(default=None, repr=False, compare=False)
    """The listener of the configuration that is a mark to the kernel."""
    key: Key = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", Key(SERVICE_KIND, str(self.listen)))

    @property
    def persistent(self) -> bool:
        return bool(self.flags & _PERSISTENT)

    def describe(self) -> str:
        return f"service {_in_words(self.listen, self.alias)}"

    def settings(self) -> Mapping[str, str]:
        return {
            "scheduler": self.scheduler,
            "flags": ", ".join(flag_words(self.scheduler, self.flags)) or NONE,
            "persistence": self._persistence_words(),
        }

    def _persistence_words(self) -> str:
        words = [f"{self.timeout} s"] if self.persistent else []
        if self.prefix is not None:
            kind = "mask " if isinstance(self.prefix, IPv4Address) else "/"
            words.append(f"{kind}{self.prefix}")
        if self.engine is not None:
            words.append(self.engine)
        return ", ".join(words) or NONE


@dataclass(frozen=True, slots=True)
class IpvsServer(Weighted):
    """A real server's identity and configuration in the kernel."""

    stage: ClassVar[Stage] = Stage.SERVER
    shared: ClassVar[bool] = False

    listen: KernelListener
    """The service that it belongs to."""
    endpoint: Endpoint
    weight: int = 1
    upper: int = 0
    lower: int = 0
    forwarding: int = _MASQUERADING
    tunnel: tuple[int, int, int] = NO_TUNNEL
    """Type, port and flags of the encapsulation; only with TUNNELLING."""
    alias: Listener | None = field(default=None, repr=False, compare=False)
    """The listener of the configuration that is a mark to the kernel."""
    standby: bool = field(default=False, repr=False, compare=False)
    """Whether it is the sorry server."""
    service: InitVar[Key | None] = None
    """The key of the service where it is at hand: it spares thousands of servers to spell it."""
    key: Key = field(init=False, repr=False, compare=False)
    owner: Key = field(init=False, repr=False, compare=False)

    def __post_init__(self, service: Key | None) -> None:
        owner = service or Key(SERVICE_KIND, str(self.listen))
        object.__setattr__(self, "owner", owner)
        object.__setattr__(self, "key", Key(SERVER_KIND, f"{owner.name} {self.endpoint}"))

    @property
    def seat(self) -> Key:
        return self.key

    def with_weight(self, weight: int) -> IpvsServer:
        return replace(self, weight=weight)

    def with_share(self, weight: int) -> IpvsServer:
        return replace(self, weight=weight)

    def describe(self) -> str:
        return f"server {self.endpoint} of {_in_words(self.listen, self.alias)}"

    def settings(self) -> Mapping[str, str]:
        words = {
            "weight": str(self.weight),
            "upper": str(self.upper or NONE),
            "lower": str(self.lower or NONE),
        }
        if self.forwarding != _MASQUERADING:
            words["forwarding"] = forwarding_word(self.forwarding)
        return words


IpvsResource = IpvsService | IpvsServer


def _in_words(listen: KernelListener, alias: Listener | None) -> str:
    return str(listen) if alias is None else f"{alias} ({listen})"


def flag_words(scheduler: str, flags: int) -> Iterator[str]:
    """The flags in ipvsadm's words, but for persistence, which is shown by itself."""
    named = {
        bit: str(flag) for flag, bit in SCHEDULER_FLAG_BITS.items() if flag.scheduler == scheduler
    }
    words = _FLAG_WORDS | named
    for bit in (1 << shift for shift in range(32)):
        if flags & bit & ~_PERSISTENT:
            yield words.get(bit, f"flag {bit:#x}")


def forwarding_word(forwarding: int) -> str:
    """A forwarding method in words, also one that this program has never heard of."""
    try:
        return Forwarding(forwarding).name.lower().replace("_", " ")
    except ValueError:
        return f"method {forwarding}"


def expand(config: Config) -> Iterator[IpvsResource]:
    """The services and servers that a configuration asks for, each service before its servers."""
    known = kernel_listeners(config.services)
    for service in ipvs_services(config):
        resource = service_resource(service, known[service.listen])
        yield resource
        for server in service.servers:
            yield IpvsServer(
                resource.listen,
                server.endpoint,
                server.weight,
                server.upper,
                server.lower,
                alias=resource.alias,
                service=resource.key,
            )


def standby(config: Config) -> Iterator[IpvsServer]:
    """The sorry servers of a configuration: for an overlay to let in."""
    known = kernel_listeners(config.services)
    for service in ipvs_services(config):
        sorry = service.sorry
        if sorry is None or any(server.endpoint == sorry for server in service.servers):
            continue
        listen = known[service.listen]
        alias = None if service.listen == listen else service.listen
        yield IpvsServer(listen, sorry, alias=alias, standby=True)


def service_resource(service: VirtualService, listen: KernelListener) -> IpvsService:
    """What a virtual service is to the kernel, which knows it by ``listen``; without servers."""
    flags = scheduler_bits(service.flags)
    wish = service.persistence
    alias = None if service.listen == listen else service.listen
    if wish is None:
        return IpvsService(listen, str(service.scheduler), flags, alias=alias)
    return IpvsService(
        listen,
        str(service.scheduler),
        flags | _PERSISTENT,
        wish.timeout,
        None if wish.prefix == listen.family.bits else wish.prefix,
        None if wish.engine is None else str(wish.engine),
        alias,
    )


def scheduler_bits(flags: Collection[SchedulerFlag]) -> int:
    bits = 0
    for flag in flags:
        bits |= SCHEDULER_FLAG_BITS[flag]
    return bits


def virtual_service(service: IpvsService, servers: Iterable[IpvsServer]) -> VirtualService | None:
    """What was seen in the kernel, in the words of the configuration; it has no name there.

    None if the configuration has no word for the scheduler. Other things of strangers without a
    word (a mask with holes, one-packet scheduling) are left out: ``settings`` shows them.
    """
    if service.scheduler not in {str(known) for known in Scheduler}:
        return None
    flags = frozenset(
        flag
        for flag, bit in SCHEDULER_FLAG_BITS.items()
        if service.flags & bit and flag.scheduler == service.scheduler
    )
    return VirtualService(
        name="",
        listen=service.listen,
        scheduler=Scheduler(service.scheduler),
        flags=flags,
        persistence=_persistence(service),
        servers=tuple(real_server(server) for server in servers),
    )


def real_server(server: IpvsServer) -> RealServer:
    """What was seen in the kernel, in the words of the configuration."""
    return RealServer(server.endpoint, server.weight, server.upper, server.lower)


def _persistence(service: IpvsService) -> Persistence | None:
    if not service.persistent:
        return None
    known = {str(engine): engine for engine in PersistenceEngine}
    prefix = service.prefix if isinstance(service.prefix, int) else None
    engine = None if service.engine is None else known.get(service.engine)
    return Persistence(service.timeout, prefix, engine)
