"""Gather what `lvsnat doctor trace` asks, and follow the packet. Never writes.

``--probe`` is the exception, as in examine.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import ip_interface, ip_network
from typing import Final

from lvsnat.director.director import Director
from lvsnat.director.examine import Asked, examine
from lvsnat.doctor.diagnose import diagnose
from lvsnat.doctor.finding import Unread
from lvsnat.doctor.trace.follow import follow
from lvsnat.doctor.trace.journey import Journey, Lookups
from lvsnat.doctor.trace.step import Trace
from lvsnat.errors import LvsnatError, UsageError
from lvsnat.model.config import IPNetwork
from lvsnat.model.connection import Connection, Selection
from lvsnat.model.endpoint import Endpoint, Family
from lvsnat.model.service import VirtualService

_MOST: Final = 10_000
"""Connections of one client that are looked at."""


@dataclass(frozen=True, slots=True)
class Packet:
    """Whose packet is followed, and where to."""

    client: Endpoint
    """The port is 0 where it does not matter."""
    service: VirtualService
    server: Endpoint | None = None
    """One of its real servers; None: whichever gets it."""


def traced(director: Director, packet: Packet, asked: Asked) -> tuple[Trace, tuple[Unread, ...]]:
    """The packet's way, and what could not be looked at.

    UsageError where there is no such packet; LvsnatError where a file of lvsnat's own is broken.
    """
    _insist_on_sense(packet)
    facts = examine(director, asked)
    if facts.config is None:
        broken = (facts.own.broken_config, *facts.own.broken_state)
        fault = next(one for one in broken if one is not None)
        raise LvsnatError(f"{fault.path}: {fault.problem}", fault.remedy)
    journey = Journey.of(facts, packet.service, packet.client, chosen=packet.server)
    own = {one.address for one in journey.host.assigned or ()}
    if packet.client.address in own:
        raise UsageError(
            f"{packet.client.address} is an address of this host",
            "its own packets take another way: name a client's address",
        )
    lookups, lacking = _looked_up(director, journey)
    whole = replace(journey, lookups=lookups)
    findings = diagnose(facts, service=packet.service.name)
    return follow(whole, findings), (*facts.unread, *lacking)


def _insist_on_sense(packet: Packet) -> None:
    family = packet.service.listen.family
    if packet.client.family is not family:
        raise UsageError(
            f"{packet.client.address} cannot reach {packet.service.name} ({packet.service.listen})",
            f"the service has {family.label} alone: name a client's {family.label} address",
        )
    servers = [one.endpoint for one in packet.service.servers]
    if packet.server is not None and packet.server not in (*servers, packet.service.sorry):
        known = ", ".join(map(str, servers)) or "none yet"
        raise UsageError(
            f"{packet.service.name} has no server {packet.server}", f"its servers: {known}"
        )


def _looked_up(director: Director, journey: Journey) -> tuple[Lookups, tuple[Unread, ...]]:
    lookups, lacking = Lookups(), []
    try:
        if director.ask is not None:
            lookups = director.ask(journey.question())
    except LvsnatError as error:
        lacking.append(Unread("the way of this packet", error.message))
    except OSError as error:
        lacking.append(Unread("the way of this packet", error.strerror or str(error)))
    try:
        lookups = replace(lookups, held=tuple(_held(director, journey)))
    except LvsnatError as error:
        lacking.append(Unread("the client's connections", error.message))
    return lookups, tuple(lacking)


def _held(director: Director, journey: Journey) -> list[Connection]:
    """The client's own connections, and what persistence remembers of it or of its network."""
    found = []
    remembered = _network(journey)
    selection = Selection(service=journey.service.name, clients=remembered)
    for one in director.traffic().connections(selection):
        mine = one.client.address == journey.client.address
        if mine or (one.template and one.client.address == remembered.network_address):
            found.append(one)
            if len(found) == _MOST:
                break
    return found


def _network(journey: Journey) -> IPNetwork:
    """Those whom persistence takes for this client."""
    address = journey.client.address
    wish = journey.service.persistence
    prefix = None if wish is None else wish.prefix
    if prefix is None:
        return ip_network(address)
    return ip_interface((address, min(prefix, Family.of(address).bits))).network
