"""A connection survives the way to the kernel's text and back, and is selected by either form."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from hypothesis import given
from hypothesis import strategies as st

from lvsnat.ipvs.connections import criteria, decode, encode, hexadecimal, split
from lvsnat.model.connection import STATES, Connection, Selection
from lvsnat.model.endpoint import Endpoint, Protocol

ADDRESSES = st.ip_addresses()
ENDPOINTS = {
    version: st.builds(Endpoint, st.ip_addresses(v=version), st.integers(0, 65535))
    for version in (4, 6)
}
WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)


@st.composite
def connections(draw: st.DrawFn) -> Connection:
    ends = ENDPOINTS[draw(st.sampled_from((4, 6)))]
    engine = draw(st.none() | WORDS)
    return Connection(
        draw(st.sampled_from([*Protocol, "ip"])),
        draw(ends),
        draw(ends),
        draw(ends),
        draw(st.sampled_from(STATES)),
        draw(st.integers(0, 2**32 // 1000)),
        engine,
        None if engine is None else draw(st.none() | WORDS),
    )


@given(connections())
def test_a_connection_survives_the_way_there_and_back(connection: Connection) -> None:
    fields = split(encode(connection))

    assert fields is not None
    assert decode(fields) == connection


@given(st.text())
def test_any_line_is_read_or_refused(line: str) -> None:
    fields = split(line)

    if fields is not None:
        try:
            decode(fields)
        except ValueError:
            return


@given(ADDRESSES, ADDRESSES)
def test_addresses_of_a_family_have_the_order_of_their_text(
    one: IPv4Address | IPv6Address, other: IPv4Address | IPv6Address
) -> None:
    if one.version == other.version:
        assert (hexadecimal(one) < hexadecimal(other)) == (int(one) < int(other))


@given(connections(), st.data())
def test_text_is_selected_as_the_value_would_be(
    connection: Connection, data: st.DataObject
) -> None:
    near = data.draw(st.just(connection.client.address) | ADDRESSES)
    prefix = data.draw(st.integers(0, near.max_prefixlen))
    kind = IPv4Network if near.version == 4 else IPv6Network
    network = kind((int(near), prefix), strict=False)

    (within,) = criteria(Selection(clients=network))

    assert within(split(encode(connection)) or []) == (connection.client.address in network)
