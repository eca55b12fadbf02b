"""What is known of one client's packet to one service. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lvsnat.doctor.facts import Facts, HostFacts
from lvsnat.doctor.rules.paths import holds
from lvsnat.host.conditions import Packet
from lvsnat.host.firewall import Chains, chains_of
from lvsnat.host.placement import AssignedAddress
from lvsnat.host.seen import Answer
from lvsnat.model import carrier as carried
from lvsnat.model.carrier import Carrier
from lvsnat.model.config import Config
from lvsnat.model.connection import Connection
from lvsnat.model.endpoint import (
    AddressListener,
    Endpoint,
    IPAddress,
    MarkListener,
    PortsListener,
)
from lvsnat.model.proxied import is_proxied, side_ports
from lvsnat.model.service import VirtualService
from lvsnat.model.status import ServerStatus, ServiceStatus


@dataclass(frozen=True, slots=True)
class Question:
    """What the kernel's routing is asked for one packet and its replies."""

    client: IPAddress
    vip: IPAddress | None
    """None for a firewall mark, which has no address."""
    arrival: str | None
    servers: Mapping[IPAddress, str] = field(default_factory=dict)
    """Each real server that has a way, with the interface that its replies come in by."""
    mark: int = 0
    """What our rules mark a reply with before it is routed; 0: nothing."""


@dataclass(frozen=True, slots=True)
class Lookups:
    """The kernel's own answers; None and nothing where they could not be had."""

    incoming: Answer | None = None
    """Of a packet from the client to the VIP, come in by the interface of its arrival."""
    back: Answer | None = None
    """Of a packet to the client."""
    replies: Mapping[IPAddress, Answer] = field(default_factory=dict)
    """Of a packet from each real server to the client."""
    held: tuple[Connection, ...] = ()
    """The client's connections to the service, and persistence's memory of it."""


@dataclass(frozen=True, slots=True)
class Journey:
    """One packet of a client to a service, with all that is known."""

    facts: Facts
    service: VirtualService
    client: Endpoint
    """The port is 0 where it is not known."""
    lookups: Lookups = Lookups()
    chosen: Endpoint | None = None
    """The real server that is asked about."""
    chains: Chains | None = None
    """None where the rules could not be read."""

    @classmethod
    def of(
        cls,
        facts: Facts,
        service: VirtualService,
        client: Endpoint,
        lookups: Lookups | None = None,
        chosen: Endpoint | None = None,
    ) -> Journey:
        listing = None if facts.host is None else facts.host.listing
        chains = None if listing is None else chains_of(listing)
        return cls(facts, service, client, lookups or Lookups(), chosen, chains)

    @property
    def config(self) -> Config:
        return self.facts.config or Config(services=(self.service,))

    @property
    def host(self) -> HostFacts:
        return self.facts.host or HostFacts()

    @property
    def status(self) -> ServiceStatus | None:
        known = () if self.facts.status is None else self.facts.status.services
        mine = (one for one in known if one.listen == self.service.listen)
        return next((one for one in mine if self.carrier in one.carriers), None)

    @property
    def carrier(self) -> Carrier:
        """Who takes new connections."""
        return carried.carriers(self.service, self.config.phase)[0]

    @property
    def vip(self) -> IPAddress | None:
        listen = self.service.listen
        return None if isinstance(listen, MarkListener) else listen.address

    @property
    def port(self) -> int | None:
        """The first port of the service; None where any will do."""
        match self.service.listen:
            case AddressListener(endpoint=Endpoint(port=port)):
                return port or None
            case PortsListener(ports=ports):
                return ports[0].first
            case MarkListener():
                return None

    @property
    def protocol(self) -> str | None:
        listen = self.service.listen
        return None if isinstance(listen, MarkListener) else str(listen.protocol)

    @property
    def is_marked(self) -> bool:
        """Whether IPVS knows its packets by a mark that our own rules set."""
        return self.carrier is Carrier.IPVS and isinstance(self.service.listen, PortsListener)

    @property
    def steered(self) -> int | None:
        """The side port that our rules send a new connection to, in a switch of modes."""
        if self.vip is None or self.port is None or not is_proxied(self.service):
            return None
        if not self.config.phase.steers:
            return None
        return side_ports(self.config).get(Endpoint(self.vip, self.port))

    @property
    def tracked(self) -> bool:
        """Whether connection tracking sees what IPVS forwards."""
        return self.host.settings.get("net.ipv4.vs.conntrack") == "1"

    @property
    def is_local(self) -> bool:
        """Whether HAProxy serves the client from the director's own address."""
        return self.carrier is Carrier.HAPROXY and any(
            self.client.address in network for network in self.config.haproxy.local_networks
        )

    @property
    def arrival(self) -> str | None:
        """The interface that the client's packets come in by, as far as that can be told."""
        near = [one.interface for one in self._assigned if holds(one, self.client.address)]
        vip = self.vip
        there = [one.interface for one in self._assigned if vip is not None and holds(one, vip)]
        back = self.lookups.back.interface if self.lookups.back is not None else None
        return next(iter((*near, *there)), back)

    @property
    def held_by(self) -> Connection | None:
        """The connection or the memory of persistence that decides; None where nothing does."""
        if self.client.port:
            for one in self.lookups.held:
                if one.client == self.client and not one.template:
                    return one
        return next((one for one in self.lookups.held if one.template), None)

    @property
    def _assigned(self) -> tuple[AssignedAddress, ...]:
        return self.host.assigned or ()

    def server(self, endpoint: Endpoint) -> ServerStatus | None:
        """What is known of a real server."""
        known = () if self.status is None else self.status.servers
        return next((one for one in known if one.endpoint == endpoint), None)

    def interface_to(self, server: Endpoint) -> str | None:
        way = self.host.ways.get(server.address)
        return None if way is None else way.interface

    def packet(self, *, arrived: bool = True) -> Packet:
        """The client's first packet, as rules see it before IPVS or HAProxy has it."""
        steered = self.steered if arrived else None
        return Packet(
            "new",
            self.client.address,
            self.vip,
            steered or self.port,
            redirected=steered is not None,
            protocol=self.protocol or "tcp",
            source_port=self.client.port or None,
            incoming=self.arrival,
            local=True,
        )

    def question(self) -> Question:
        """What is still to be asked."""
        ways = self.host.ways
        servers = {
            one.endpoint.address: way.interface
            for one in self.service.servers
            if (way := ways.get(one.endpoint.address)) is not None and way.interface is not None
        }
        diverted = self.carrier is Carrier.HAPROXY
        mark = self.config.haproxy.mark if diverted else 0
        return Question(self.client.address, self.vip, self.arrival, servers, mark)
