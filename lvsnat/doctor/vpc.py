"""What the doctor knows of the VPC around a director. Values; no I/O here.

A VPC is loaded only where there is one: most directors have none.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING

from lvsnat.model.aws import Layout
from lvsnat.model.config import IPNetwork
from lvsnat.model.endpoint import Endpoint, IPAddress, Protocol

if TYPE_CHECKING:
    from lvsnat.aws.network import Rule
    from lvsnat.aws.unclear import Unclear
    from lvsnat.aws.wishes import Scene


@dataclass(frozen=True, slots=True)
class WayBack:
    """Where a route table sends what a real server replies to a client."""

    table: str
    network: IPNetwork | None
    """Of the route that takes it, by the longest prefix; None: there is no route."""
    target: str
    """``eni-0a1b``, ``local``; empty without a route."""
    blackhole: bool
    here: bool
    """Whether that is the director."""


@dataclass(frozen=True, slots=True)
class VpcFacts:
    """A VPC, and who is served in it now."""

    scene: Scene | None
    """None where it is not clear what is meant."""
    silent: str | None = None
    """Why the EC2 API could not be asked; None where it answered."""
    unclear: tuple[Unclear, ...] = ()
    clients: frozenset[IPAddress] = frozenset()
    """Those in the table of connections."""
    aliases: frozenset[IPAddress] = frozenset()
    """Addresses of this host that amazon-ec2-net-utils adds and takes away."""

    def beside(self, one: IPAddress, other: IPAddress) -> bool:
        """Whether both are in one subnet, so that no route table sees their packets."""
        subnets = () if self.scene is None else self.scene.picture.subnets
        return any(subnet.holds(one) and subnet.holds(other) for subnet in subnets)

    def way_back(self, server: IPAddress, client: IPAddress) -> WayBack | None:
        """How replies leave a real server's subnet; None where that is not known.

        Of neighbours (``beside``) no route table is asked.
        """
        if self.scene is None:
            return None
        from lvsnat.aws.network import RouteState
        from lvsnat.aws.picture import best_route

        subnet = self.scene.picture.subnet_of(server)
        use = None if subnet is None else self.scene.picture.table_of(subnet.id)
        if use is None:
            return None
        route = best_route(use.table.routes, ip_network(client))
        if route is None:
            return WayBack(use.table.id, None, "", blackhole=False, here=False)
        matching = max((one for one in route.networks if client in one), key=_length)
        return WayBack(
            use.table.id,
            matching,
            str(route.target),
            blackhole=route.state is RouteState.BLACKHOLE,
            here=route.target.id == self.scene.around.director.id,
        )

    def serves(self, server: Endpoint, client: IPAddress) -> bool:
        """Whether a server is to get a client's packets, and its replies are to come here.

        By its security groups and its route table; True where that is not known.
        """
        if self.scene is None:
            return True
        way = self.way_back(server.address, client)
        routed = self.scene.around.layout is Layout.SINGLE_SUBNET or way is None or way.here
        holder = self.scene.picture.holder(server.address)
        groups = () if holder is None else map(self.scene.picture.group, holder.groups)
        inbound = [rule for group in groups if group is not None for rule in group.inbound]
        return routed and (holder is None or any(_admits(one, server, client) for one in inbound))


def _admits(rule: Rule, server: Endpoint, client: IPAddress) -> bool:
    network = None if isinstance(rule.peer, str) else rule.peer
    tcp = rule.covers(Protocol.TCP, server.port, server.port)
    return tcp and network is not None and client in network


def _length(network: IPNetwork) -> int:
    return network.prefixlen
