"""One real server of a service, with all that is known of it. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_interface
from typing import Final

from lvsnat.doctor.facts import Facts, HostFacts, Neighbour, Opening, Probed
from lvsnat.doctor.rules.paths import holds
from lvsnat.doctor.rules.services import name_of
from lvsnat.host.transparency import EXAMPLE
from lvsnat.model.carrier import Carrier
from lvsnat.model.config import IPNetwork
from lvsnat.model.endpoint import Endpoint, Family, IPAddress, MarkListener, Protocol
from lvsnat.model.status import Counters, DirectorStatus, ServerStatus, ServiceStatus

_NEAR: Final = {Family.IPV4: 24, Family.IPV6: 64}
"""Clients of one network of this length are told of together."""
_BARE: Final = {Family.IPV4: 40, Family.IPV6: 60}
"""Bytes of the headers of IP and TCP without options."""
ELSEWHERE: Final = "DIRECTOR"
"""This host in a command, where it has no address in the server's network."""
_TICK: Final = 1
"""The kernel rounds to seconds."""
_BEAT: Final = 2.0
"""Seconds that the kernel's counters lag (``IPVS_EST_TICK`` in include/net/ip_vs.h)."""


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
        probes, listen = self.facts.probes, self.service.listen
        if probes is None or isinstance(listen, MarkListener):
            return None
        udp = listen.protocol is Protocol.UDP
        return (probes.datagrams if udp else probes.servers).get(self.endpoint)

    @property
    def meets_strangers(self) -> bool:
        """Whether a foreign address proves anything: a VPC may serve some networks alone."""
        vpc, endpoint = self.facts.vpc, self.endpoint
        return vpc is None or vpc.serves(endpoint, EXAMPLE[endpoint.family])

    @property
    def proxied(self) -> bool:
        """Whether HAProxy takes its new connections."""
        return self.service.carriers[:1] == (Carrier.HAPROXY,)

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
            if self._is_mine(one)
            and one in second.opening
            and not (trying and _is_left(before, second.opening[one], first.before(second)))
        )
        return sorted({one for one in found if one not in own}, key=int)

    def begun(self) -> set[IPAddress]:
        """Clients that have begun another connection to it meanwhile, not open either.

        What a server answers late keeps an entry of before a cure alive, and a client's reset does
        not end it: IPVS takes none in SYN_RECV (ip_vs_proto_tcp.c).
        """
        if self.facts.samples is None:
            return set()
        first, second = self.facts.samples
        # HAProxy gives up after seconds, and each attempt counts under one entry.
        return {
            one.client.address
            for one in second.opening
            if self._is_mine(one) and (one in first.opening) is self.proxied
        }

    def _is_mine(self, one: Opening) -> bool:
        # HAProxy's own are known by their server alone.
        mine = self.proxied if one.service is None else one.service == self.scope[0]
        return one.server == self.endpoint and mine

    @property
    def seconds(self) -> float:
        """How long was looked."""
        if self.facts.samples is None:
            return 0
        first, second = self.facts.samples
        return second.at - first.at

    @property
    def counts(self) -> bool:
        """Whether the counters of both looks differ by what passed between them.

        HAProxy's are of this moment.
        """
        return self.proxied or self.seconds >= _BEAT

    def refused(self) -> int:
        """Connections that were begun between the looks, if each was refused or reset; else 0.

        A reset is a packet of two headers and no more (RFC 9293, 3.10.7); what opens a connection
        says its segment size, too. So one that opened shows in the bytes that came back.
        """
        listen = self.service.listen
        if self.facts.samples is None or self.proxied or isinstance(listen, MarkListener):
            return 0
        before, after = (
            _totals(one.status, self.service, self.endpoint) for one in self.facts.samples
        )
        if listen.protocol is not Protocol.TCP or before is None or after is None:
            return 0
        begun = after.connections - before.connections
        packets = _less(after.packets_out, before.packets_out)
        carried = _less(after.bytes_out, before.bytes_out)
        bare = carried == packets * _BARE[self.endpoint.family]
        return begun if bare and packets >= begun else 0

    def returned(self) -> list[int | None]:
        """What has come from it at both moments; nothing where that is not known.

        Packets, or bytes where HAProxy has it, whose counters never stand still.
        """
        if self.facts.samples is None:
            return []
        if not (self.proxied or self.facts.samples[1].status.table.estimating):
            return []
        return [_returned(one.status, self.service, self.endpoint) for one in self.facts.samples]


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
    server, vpc = case.endpoint.address, case.facts.vpc
    if vpc is not None and vpc.beside(client, server):
        return True
    return any(holds(one, client) and holds(one, server) for one in case.host.assigned or ())


def network_of(client: IPAddress) -> IPNetwork:
    return ip_interface((client, _NEAR[Family.of(client)])).network


def _returned(status: DirectorStatus, service: ServiceStatus, endpoint: Endpoint) -> int | None:
    totals = _totals(status, service, endpoint)
    return None if totals is None else totals.returned


def _totals(status: DirectorStatus, service: ServiceStatus, endpoint: Endpoint) -> Counters | None:
    for one in status.services:
        if one.listen == service.listen:
            for server in one.servers:
                if server.endpoint == endpoint and server.stats is not None:
                    return server.stats.totals
    return None


def _less(after: int | None, before: int | None) -> int:
    """What has been added; 0 where nobody counts."""
    return 0 if after is None or before is None else after - before


def here(case: Case) -> str:
    """This host's address in the server's network."""
    near = (one for one in case.host.assigned or () if holds(one, case.endpoint.address))
    return next((str(one.address) for one in near), ELSEWHERE)


def near_networks(case: Case) -> list[IPNetwork]:
    """The networks of this host that the server is in."""
    near = (one for one in case.host.assigned or () if holds(one, case.endpoint.address))
    return list(dict.fromkeys(one.network for one in near))
