"""Ways back to render: any that 'lvsnat gateway set' could make."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

from hypothesis import strategies as st

from lvsnat.gateway.expand import METRIC
from lvsnat.gateway.render.parts import Back, Device
from lvsnat.gateway.resources import EVERY, Destination, ReplyRule, Route
from lvsnat.gateway.seen import MAIN
from lvsnat.gateway.ways import Hop
from lvsnat.gateway.wish import RESERVED_TABLES, GatewayWish, ReplyPort
from lvsnat.model.config import IPNetwork
from lvsnat.model.endpoint import Family, IPAddress

INTERFACES = st.from_regex(r"[a-z][a-z0-9]{0,8}([.-][0-9]{1,3})?", fullmatch=True)
PORTS = st.builds(ReplyPort, st.sampled_from(["tcp", "udp"]), st.integers(1, 65535))
TABLES = st.integers(1, 2**31 - 1).filter(lambda one: one not in RESERVED_TABLES)
PRIORITIES = st.integers(1, 32765)


def network_of(address: IPAddress) -> IPNetwork:
    return ip_network(f"{address}/{24 if address.version == 4 else 64}", strict=False)


def neighbours(family: Family) -> st.SearchStrategy[tuple[IPAddress, IPAddress]]:
    """A director and a real server in one network."""
    first, last = (1, 254) if family is Family.IPV4 else (1, 2**32)
    numbers = st.lists(st.integers(first, last), min_size=2, max_size=2, unique=True)
    base = IPv4Address("10.0.1.0") if family is Family.IPV4 else IPv6Address("fd00:1::")
    return numbers.map(lambda two: (base + two[0], base + two[1]))


@st.composite
def backs(draw: st.DrawFn, *, replies: bool | None = None) -> Back:
    """Any way back: of either family, whole or for some ports."""
    family = draw(st.sampled_from(Family))
    via, own = draw(neighbours(family))
    interface = draw(INTERFACES)
    hop = Hop(via, interface)
    device = draw(st.sampled_from(Device))
    if replies is False or (replies is None and draw(st.booleans())):
        default = Route(Destination(family, None, MAIN, METRIC), hop)
        return Back(via, interface, (default,), device=device)
    table, priority = draw(TABLES), draw(PRIORITIES)
    beside = hop if draw(st.booleans()) else Hop(None, "")
    ports = draw(st.lists(PORTS, min_size=1, max_size=4, unique=True))
    return Back(
        via,
        interface,
        (
            Route(Destination(family, network_of(via), table), beside),
            Route(Destination(family, None, table), hop),
        ),
        tuple(ReplyRule(_source(own, port), port, table, priority) for port in ports),
        device=device,
    )


def _source(own: IPAddress, port: ReplyPort) -> IPAddress:
    return own if port.protocol == "tcp" else EVERY[Family.of(own)]


@st.composite
def wishes(draw: st.DrawFn) -> GatewayWish:
    """Any wish."""
    via, _ = draw(neighbours(draw(st.sampled_from(Family))))
    interface = draw(st.none() | INTERFACES)
    ports = tuple(draw(st.lists(PORTS, max_size=4, unique=True)))
    if not ports:
        return GatewayWish(via, interface)
    return GatewayWish(
        via, interface, (), ports, draw(st.booleans()), draw(TABLES), draw(PRIORITIES)
    )
