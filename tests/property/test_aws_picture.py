"""Laws of choosing routes: the longest match, whole networks and their parts alike."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from hypothesis import given
from hypothesis import strategies as st

from lvsnat.aws.network import Origin, PrefixList, Route
from lvsnat.aws.picture import best_route, ways_of
from lvsnat.aws.target import Target
from lvsnat.model.config import IPNetwork


def network(number: int, length: int) -> IPv4Network:
    """One of few networks, so that they overlap often."""
    return IPv4Network((number << 24, length), strict=False)


networks = st.builds(network, st.integers(0, 15), st.integers(0, 10))
destinations = networks | st.builds(
    PrefixList, st.just("pl-1"), st.lists(networks, max_size=3).map(tuple)
)


def inside(inner: IPv4Network, outer: IPNetwork) -> bool:
    return isinstance(outer, IPv4Network) and inner.subnet_of(outer)


routes = st.builds(
    Route,
    destinations,
    st.integers(0, 99).map(lambda number: Target(f"eni-{number}")),
    st.sampled_from([Origin.STATIC, Origin.PROPAGATED]),
)
tables = st.lists(routes, max_size=8)


def longest(table: list[Route], address: IPv4Address) -> int | None:
    """The length of the longest prefix that holds an address, the slow way."""
    return max(
        (one.prefixlen for route in table for one in route.networks if address in one),
        default=None,
    )


def length_of(route: Route, address: IPv4Address) -> int:
    return max(one.prefixlen for one in route.networks if address in one)


@given(tables, networks)
def test_one_host_takes_the_longest_match(table: list[Route], where: IPv4Network) -> None:
    address = where.network_address

    best = best_route(table, IPv4Network(address))

    assert (best and length_of(best, address)) == longest(table, address)


@given(tables, networks)
def test_a_static_route_never_loses_to_a_propagated_one_of_its_length(
    table: list[Route], where: IPv4Network
) -> None:
    best = best_route(table, where)

    if best is not None and not best.static:
        length = max(one.prefixlen for one in best.networks if inside(where, one))
        rivals = [one for route in table if route.static for one in route.networks]
        assert not any(one.prefixlen == length and inside(where, one) for one in rivals)


@given(tables, networks, st.integers(0, 15))
def test_the_ways_of_a_network_say_where_each_host_in_it_goes(
    table: list[Route], where: IPv4Network, number: int
) -> None:
    address = IPv4Address(number << 24)
    if address not in where:
        return

    told = [way for way in ways_of(table, where) if address in way.network]

    best = best_route(table, IPv4Network(address))
    narrowest = max(told, key=lambda way: way.network.prefixlen, default=None)
    assert (narrowest and narrowest.route) == best


@given(tables, networks)
def test_ways_go_from_the_whole_to_its_parts(table: list[Route], where: IPv4Network) -> None:
    ways = list(ways_of(table, where))

    assert all(where.supernet_of(way.network) for way in ways)  # type: ignore[arg-type] # all are IPv4
    assert len({way.network for way in ways}) == len(ways)
    lengths = [way.network.prefixlen for way in ways]
    assert lengths == sorted(lengths)
