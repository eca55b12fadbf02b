"""One client's packet by way of one real server, and the packets that come of it. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass

from lvsnat.doctor.rules.case import Case
from lvsnat.doctor.trace.journey import Journey
from lvsnat.host.arrivals import EPHEMERAL
from lvsnat.host.conditions import Packet
from lvsnat.model.carrier import Carrier
from lvsnat.model.connection import Connection
from lvsnat.model.endpoint import Endpoint, IPAddress
from lvsnat.model.status import ServerStatus


@dataclass(frozen=True, slots=True)
class Leg:
    """A journey by way of one real server."""

    journey: Journey
    server: ServerStatus

    @property
    def endpoint(self) -> Endpoint:
        return self.server.endpoint

    @property
    def client(self) -> IPAddress:
        return self.journey.client.address

    @property
    def by_ipvs(self) -> bool:
        return self.journey.carrier is Carrier.IPVS

    @property
    def interface(self) -> str | None:
        """By which the real server is reached, and its replies come in."""
        return self.journey.interface_to(self.endpoint)

    @property
    def case(self) -> Case | None:
        """As the doctor's rules know it; None where nothing is known."""
        status = self.journey.status
        if status is None or self.journey.facts.host is None:
            return None
        return Case(self.journey.facts, self.journey.host, status, self.server)

    @property
    def connections(self) -> list[Connection]:
        """Those that the client has to this real server."""
        held = self.journey.lookups.held
        return [one for one in held if one.server == self.endpoint and not one.template]

    def outgoing(self) -> Packet:
        """What the real server gets: the client's packet with another destination."""
        state = "new" if self._tracked else "untracked"
        return Packet(
            state,
            self.client,
            self.endpoint.address,
            self.endpoint.port or self.journey.port,
            outgoing=self.interface,
            protocol=self.journey.protocol or "tcp",
        )

    def reply(self) -> Packet:
        """What the real server answers, before anything of it is changed."""
        back = self.journey.lookups.replies.get(self.endpoint.address)
        return Packet(
            "established" if self._tracked else "invalid",
            self.endpoint.address,
            self.client,
            (self.journey.client.port or None) if self.by_ipvs else EPHEMERAL,
            outgoing=None if back is None else back.interface,
            protocol=self.journey.protocol or "tcp",
            source_port=self.endpoint.port or self.journey.port,
            incoming=self.interface,
        )

    def answer(self) -> Packet:
        """What the client gets: the reply from the VIP."""
        back = self.journey.lookups.back
        return Packet(
            "established" if self._tracked else "untracked",
            self.journey.vip,
            self.client,
            self.journey.client.port or None,
            outgoing=None if back is None else back.interface,
            protocol=self.journey.protocol or "tcp",
            source_port=self.journey.port,
        )

    @property
    def _tracked(self) -> bool:
        """Whether connection tracking knows the connection; HAProxy's own it always does."""
        return self.journey.tracked or not self.by_ipvs
