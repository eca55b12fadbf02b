"""Let a server's connections end: hold it at weight 0, and watch what it still holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from lvsnat.director.director import Director, Overriding
from lvsnat.errors import LvsnatError, UsageError
from lvsnat.health.service import refuses_at_zero
from lvsnat.ipvs.resources import IpvsServer
from lvsnat.model.carrier import Carrier, carriers
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Endpoint, MarkListener, Protocol
from lvsnat.model.marks import kernel_listeners
from lvsnat.model.override import Override
from lvsnat.model.resource import Key
from lvsnat.model.service import SchedulerFlag, VirtualService
from lvsnat.model.status import ServerStats
from lvsnat.plan.overlay import Overrides

INTERVAL = 1.0
"""Seconds between two looks at the counters."""
QUIESCENT = "net.ipv4.vs.expire_quiescent_template"
NODEST = "net.ipv4.vs.expire_nodest_conn"
_CURES = {
    flag.scheduler: f"the flag {flag} does, or remove the server"
    for flag in (SchedulerFlag.SH_FALLBACK, SchedulerFlag.MH_FALLBACK)
}


@dataclass(frozen=True, slots=True)
class Target:
    """One real server of the configuration."""

    service: VirtualService
    endpoint: Endpoint
    seat: Key
    """What overrides call it, whoever carries for it."""
    carriers: tuple[Carrier, ...] = (Carrier.IPVS,)
    goes_on: int = 0
    """Seconds that HAProxy lets its connections go on once it is removed."""

    @property
    def ends_softly(self) -> bool:
        """Whether its connections live on when it is removed."""
        return Carrier.IPVS not in self.carriers

    @property
    def drains(self) -> bool:
        """Whether weight 0 makes its clients leave: a busy UDP flow stays as long as it talks."""
        listen = self.service.listen
        return isinstance(listen, MarkListener) or listen.protocol is not Protocol.UDP


def target(config: Config, service: str, endpoint: Endpoint) -> Target:
    """Find a server by the words of the command line; UsageError names the known ones."""
    found = config.find(service)
    if any(server.endpoint == endpoint for server in found.servers):
        listen = kernel_listeners(config.services)[found.listen]
        return Target(
            found,
            endpoint,
            IpvsServer(listen, endpoint).seat,
            carriers(found, config.phase),
            config.haproxy.hard_stop_after,
        )
    known = ", ".join(str(server.endpoint) for server in found.servers) or "none yet"
    raise UsageError(f"{found.name} has no real server {endpoint}", f"its real servers: {known}")


def holding_at_zero(service: str, endpoint: Endpoint, override: Override) -> Overriding:
    """What lays an override over a server."""

    def change(config: Config, overrides: Overrides) -> Overrides:
        return {**overrides, target(config, service, endpoint).seat: override}

    return change


def letting_go(service: str, endpoint: Endpoint) -> Overriding:
    """What takes the override of a server away."""

    def change(config: Config, overrides: Overrides) -> Overrides:
        seat = target(config, service, endpoint).seat
        return {held: override for held, override in overrides.items() if held != seat}

    return change


def cautions(director: Director, server: Target, *, removing: bool) -> Iterator[str]:
    """What becomes of a server's clients at weight 0 that nobody would expect."""
    yield from refusals(server)
    if not server.drains:
        if not removing:
            yield "UDP: a client that goes on sending stays on it; --remove makes such clients move"
        elif director.setting(NODEST) not in (None, "1"):
            yield (
                f"{NODEST} is not 1: UDP clients that go on sending get no answer,"
                " instead of another server"
            )
    elif _remembers(server) and director.setting(QUIESCENT) not in (None, "1"):
        yield (
            f"{QUIESCENT} is not 1: persistence goes on sending returning clients to a server of"
            f" weight 0; 'sysctl {QUIESCENT}=1' lets them go elsewhere"
        )
    if Carrier.HAPROXY in server.carriers and (cookie := server.service.proxy.cookie):
        yield (
            f"clients that bring the cookie {cookie} for it go on reaching a server of weight 0;"
            " without it, or once the server is removed, they go elsewhere"
        )


def refusals(server: Target) -> Iterator[str]:
    """Whose new connections are refused while a server has the weight 0."""
    if Carrier.IPVS in server.carriers and refuses_at_zero(server.service):
        scheduler = server.service.scheduler
        yield (
            f"{scheduler} refuses new connections of this server's clients while it has the weight"
            f" 0, and gives them no other one: {_CURES.get(scheduler, 'remove it instead')}"
        )


def _remembers(server: Target) -> bool:
    """Whether IPVS knows its clients again; HAProxy forgets those of a server at weight 0."""
    return Carrier.IPVS in server.carriers and server.service.persistence is not None


class Patience(NamedTuple):
    """How long to wait, and for what."""

    seconds: float
    everything: bool = False
    """Wait for inactive connections and persistent clients, too."""

    def waits_for(self, held: ServerStats) -> bool:
        others = held.inactive + held.persistent if self.everything else 0
        return held.active + others > 0


@dataclass(frozen=True, slots=True)
class Look:
    """What a server holds at one moment of a drain."""

    held: ServerStats
    left: float
    """Seconds until the deadline."""


def watch(director: Director, server: Target, patience: Patience) -> Iterator[Look]:
    """Look until the server is idle; LvsnatError at the deadline, or if somebody enables it."""
    clock = director.clock
    deadline = clock.monotonic() + patience.seconds
    while True:
        held = director.held(server.seat)
        if held is None or not patience.waits_for(held):
            return
        left = max(0.0, deadline - clock.monotonic())
        yield Look(held, left)
        if left == 0:
            raise _unfinished(server, held, patience)
        clock.sleep(min(INTERVAL, left))
        if server.seat not in director.overrides():
            raise LvsnatError(
                f"{server.endpoint} was enabled while it was drained", "'lvsnat status' shows it"
            )


def counts(held: ServerStats) -> str:
    """``3 active, 10 inactive, 0 persistent``."""
    return f"{held.active} active, {held.inactive} inactive, {held.persistent} persistent"


def _unfinished(server: Target, held: ServerStats, patience: Patience) -> LvsnatError:
    name = f"{server.service.name} {server.endpoint}"
    remove = (
        f"'lvsnat server remove {name}' removes it and they go on for {server.goes_on} s at most"
        if server.ends_softly
        else f"'lvsnat server remove {name} --now' cuts them"
    )
    return LvsnatError(
        f"{server.endpoint} is not idle after {patience.seconds:g} s: {counts(held)}",
        f"it stays at weight 0: 'lvsnat server drain {name} --wait' goes on waiting,"
        f" {remove}, 'lvsnat server enable {name}' takes it back",
    )
