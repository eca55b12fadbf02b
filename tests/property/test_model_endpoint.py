"""Laws of listeners and endpoints: what is printed reads back as the same value."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvsnat.errors import UsageError
from lvsnat.model.endpoint import (
    MAX_MARK,
    MAX_PORT,
    AddressListener,
    Endpoint,
    Family,
    Listener,
    MarkListener,
    PortRange,
    PortsListener,
    Protocol,
    parse_listener,
)

addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))
endpoints = st.builds(Endpoint, addresses, st.integers(0, MAX_PORT))
ranges = st.tuples(st.integers(1, MAX_PORT), st.integers(1, MAX_PORT)).map(
    lambda ends: PortRange(min(ends), max(ends))
)
# One port alone is another kind of listener.
several_ports = (
    st.lists(ranges, min_size=1)
    .filter(lambda found: len({port for one in found for port in (one.first, one.last)}) > 1)
    .map(tuple)
)
listeners: st.SearchStrategy[Listener] = st.one_of(
    st.builds(AddressListener, st.sampled_from(Protocol), endpoints),
    st.builds(PortsListener, st.sampled_from(Protocol), addresses, several_ports),
    st.builds(MarkListener, st.integers(1, MAX_MARK), st.sampled_from(Family)),
)


def read(text: str) -> Listener | UsageError:
    try:
        return parse_listener(text)
    except UsageError as error:
        return error


@given(endpoints)
def test_an_endpoint_reads_back(endpoint: Endpoint) -> None:
    assert Endpoint.parse(str(endpoint)) == endpoint


@given(listeners)
def test_a_listener_reads_back(listener: Listener) -> None:
    assert parse_listener(str(listener)) == listener


@given(listeners)
def test_equal_listeners_have_one_text(listener: Listener) -> None:
    assert str(parse_listener(str(listener))) == str(listener)


@given(several_ports, st.randoms())
def test_the_same_ports_are_the_same_listener(ports: tuple[PortRange, ...], chance: Random) -> None:
    twice = [*ports, *ports]
    chance.shuffle(twice)

    one = PortsListener(Protocol.TCP, IPv4Address("192.168.1.50"), ports)
    other = PortsListener(Protocol.TCP, IPv4Address("192.168.1.50"), tuple(twice))

    assert one == other
    assert all(a.last + 1 < b.first for a, b in pairwise(one.ports))
    assert all(any(a.overlaps(b) for b in one.ports) for a in ports)


@given(
    st.text(max_size=40) | st.from_regex(r"(tcp|udp|fwmark)/[\[\]0-9a-f:./%,-]*", fullmatch=True)
)
def test_any_text_is_a_listener_or_is_refused_with_a_hint(text: str) -> None:
    outcome = read(text)

    if isinstance(outcome, UsageError):
        assert outcome.hint
    else:
        assert parse_listener(str(outcome)) == outcome


@given(addresses)
def test_a_family_is_that_of_the_address(address: IPv4Address | IPv6Address) -> None:
    assert Endpoint(address, 1).family.bits == address.max_prefixlen


@pytest.mark.parametrize("digits", [6, 5000])
def test_a_port_of_many_digits_is_refused(digits: int) -> None:
    with pytest.raises(UsageError, match="is not a port"):
        Endpoint.parse(f"192.168.2.55:{'9' * digits}")
