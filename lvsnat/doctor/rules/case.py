"""One real server of a service, with all that is known of it. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_interface
from typing import Final

from lvsnat.doctor.facts import Facts, HostFacts, Neighbour, Probed
from lvsnat.doctor.rules.paths import holds
from lvsnat.doctor.rules.services import name_of
from lvsnat.model.config import IPNetwork
from lvsnat.model.endpoint import Endpoint, Family, IPAddress
from lvsnat.model.status import DirectorStatus, ServerStatus, ServiceStatus

_NEAR: Final = {Family.IPV4: 24, Family.IPV6: 64}
"""Clients of one network of this length are told of together."""
_TICK: Final = 1
"""The kernel rounds to seconds."""


@dataclass(frozen=True, slots=True)
class Case:
    """One real server of a service, with all that is known of it."""

    facts: Facts
    host: HostFacts
    service: ServiceStatus
    server: ServerStatus

    @property
    def endpoint(self) -> Endpoint:
        return self.server.endpoint

    @property
    def probed(self) -> Probed | None:
        probes = self.facts.probes
        return None if probes is None else probes.servers.get(self.endpoint)

    @property
    def scope(self) -> tuple[str, str]:
        return (name_of(self.service), str(self.endpoint))

    @property
    def subject(self) -> str:
        return " ".join(self.scope)

    def stuck(self, *, trying: bool) -> list[IPAddress]:
        """Clients whose connections were opening at both moments; not this host itself.

        ``trying``: only those that have asked again meanwhile. The kernel remembers the others for
        a minute, also where it was cured or they have given up.
        """
        if self.facts.samples is None:
            return []
        first, second = self.facts.samples
        own = {one.address for one in self.host.assigned or ()}
        found = (
            one.client.address
            for one, before in first.opening.items()
            if one.server == self.endpoint
            and one.service in (None, self.scope[0])
            and one in second.opening
            and not (trying and _is_left(before, second.opening[one], second.at - first.at))
        )
        return sorted({one for one in found if one not in own}, key=int)

    def begun(self) -> set[IPAddress]:
        """Clients that have begun another connection meanwhile, which is not open either.

        What a server answers late keeps an entry of before a cure alive, and a client's reset does
        not end it: IPVS takes none in SYN_RECV (ip_vs_proto_tcp.c).
        """
        if self.facts.samples is None:
            return set()
        first, second = self.facts.samples
        return {one.client.address for one in second.opening if one not in first.opening}

    def packets_out(self) -> list[int | None]:
        """What has come from it at both moments; nothing where that is not known."""
        if self.facts.samples is None or not self.facts.samples[1].status.table.estimating:
            return []
        return [_packets_out(one.status, self.service, self.endpoint) for one in self.facts.samples]


def _is_left(before: int | None, after: int | None, passed: float) -> bool:
    """Whether an entry was only counted down."""
    return before is not None and after is not None and after <= before - passed + _TICK


def next_hop(case: Case) -> Neighbour:
    """What the kernel knows of the next hop to the server."""
    way = case.host.ways.get(case.endpoint.address)
    known = case.host.neighbours
    if way is not None and way.gateway is not None:
        by_text = {str(address): state for address, state in known.items()}
        return by_text.get(way.gateway, Neighbour.UNKNOWN)
    return known.get(case.endpoint.address, Neighbour.UNKNOWN)


def is_beside(client: IPAddress, case: Case) -> bool:
    """Whether client and server are neighbours, so that the server answers it directly."""
    return any(
        holds(one, client) and holds(one, case.endpoint.address) for one in case.host.assigned or ()
    )


def network_of(client: IPAddress) -> IPNetwork:
    return ip_interface((client, _NEAR[Family.of(client)])).network


def _packets_out(status: DirectorStatus, service: ServiceStatus, endpoint: Endpoint) -> int | None:
    for one in status.services:
        if one.listen == service.listen:
            for server in one.servers:
                if server.endpoint == endpoint and server.stats is not None:
                    return server.stats.totals.packets_out
    return None


def here(case: Case) -> str:
    """This host's address in the server's network."""
    near = (one for one in case.host.assigned or () if holds(one, case.endpoint.address))
    return next((str(one.address) for one in near), "DIRECTOR")
