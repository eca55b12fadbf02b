"""The kernel's own answer to where replies of real servers would go: no packet is sent."""

from __future__ import annotations

from collections.abc import Iterator

from lvsnat.host.returns import Return
from lvsnat.host.routes import PolicyRule, routes_for
from lvsnat.host.routing import Routing
from lvsnat.host.seen import Answer, RouteKind
from lvsnat.host.transparency import EXAMPLE, servers_of
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Family, IPAddress


def answers(config: Config) -> Iterator[Return]:
    """One for each network of real servers of HAProxy, in the families whose rule is in place."""
    with Routing() as routing:
        wished = [one for one in routes_for(config) if isinstance(one, PolicyRule)]
        placed = {
            one.family: one.mark
            for one in routing.observe([rule.key for rule in wished])
            if isinstance(one, PolicyRule)
        }
        for server in servers_of(config):
            way = routing.lookup(server.address)
            if server.family in placed and way.kind == RouteKind.UNICAST and way.interface:
                answer = _asked(routing, server.address, way.interface, placed[server.family])
                yield Return(server.address, way.interface, answer)


def _asked(routing: Routing, server: IPAddress, interface: str, mark: int) -> Answer:
    client = EXAMPLE[Family.of(server)]
    return routing.lookup(client, origin=server, interface=interface, mark=mark)
