"""What a real server is to do, read from words."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_address

import pytest
from gateway.grounds import wish
from hypothesis import given
from hypothesis import strategies as st

from lvsnat.errors import LvsnatError, UsageError
from lvsnat.gateway.resources import Destination, ReplyRule
from lvsnat.gateway.ways import Hop, Way
from lvsnat.gateway.wish import GatewayWish, ReplyPort, parse_reply_ports
from lvsnat.model.endpoint import Family

ports = st.builds(ReplyPort, st.sampled_from(["tcp", "udp"]), st.integers(1, 65535))
addresses = st.ip_addresses()
interfaces = st.text(
    st.characters(codec="ascii", exclude_characters=" /", categories=["L", "N", "P", "S"]),
    min_size=1,
    max_size=15,
)
numbers = st.integers(0, 2**32 - 1)
limits = st.dictionaries(st.sampled_from(["mtu", "advmss", "initcwnd"]), numbers)


@given(ports)
def test_a_port_is_read_as_it_is_written(port: ReplyPort) -> None:
    assert ReplyPort.parse(str(port)) == port


@given(st.lists(ports, min_size=1))
def test_several_ports_are_read_once_each_in_order(several: list[ReplyPort]) -> None:
    assert parse_reply_ports(", ".join(map(str, several))) == tuple(dict.fromkeys(several))


@given(st.text())
def test_any_other_text_is_an_error_for_people(text: str) -> None:
    found = None
    with suppress(UsageError):
        found = parse_reply_ports(text)
    assert found is None or parse_reply_ports(",".join(map(str, found))) == found


@pytest.mark.parametrize(
    "text", ["", "80", "tcp", "tcp/", "sctp/80", "tcp/0", "tcp/65536", "tcp/80,"]
)
def test_no_port_is_guessed(text: str) -> None:
    with pytest.raises(UsageError):
        parse_reply_ports(text)


@given(addresses, interfaces)
def test_a_hop_is_read_as_it_is_written(via: object, interface: str) -> None:
    hop = Hop(ip_address(str(via)), interface)

    assert Hop.parse(str(hop)) == hop
    assert Hop.parse("throw") == Hop(None, "")


@given(
    st.builds(
        Way,
        st.none() | addresses,
        interfaces,
        st.integers(0, 255),
        st.integers(0, 255),
        st.none() | addresses,
        st.booleans(),
        st.integers(0, 3),
        limits.map(lambda found: tuple(found.items())),
    )
)
def test_a_default_route_is_read_as_it_is_written(way: Way) -> None:
    assert Way.parse(str(way)) == way


@given(st.text())
def test_any_other_way_is_an_error_for_people(text: str) -> None:
    for form in (Way, Hop):
        with suppress(LvsnatError):
            form.parse(text)


@given(addresses, ports, st.integers(1, 2**32 - 1), st.integers(1, 32765))
def test_the_name_of_a_rule_says_all_of_it(
    source: object, port: ReplyPort, table: int, priority: int
) -> None:
    rule = ReplyRule(ip_address(str(source)), port, table, priority)

    assert ReplyRule.parse(rule.key.name) == rule


@given(st.sampled_from(Family), st.integers(1, 2**32 - 1), numbers)
def test_the_name_of_a_route_says_where_it_is(family: Family, table: int, metric: int) -> None:
    where = Destination(family, None, table, metric)

    assert Destination.parse(str(where)) == where


@pytest.mark.parametrize("via", ["224.0.0.1", "127.0.0.1", "255.255.255.255", "::", "fe80::1"])
def test_what_is_no_director_is_refused(via: str) -> None:
    with pytest.raises(UsageError):
        wish(via)


def test_a_link_local_director_needs_an_interface() -> None:
    assert wish("fe80::1", interface="eth0").family is Family.IPV6


@pytest.mark.parametrize(
    "more",
    [
        {"local_clients": True},
        {"sources": (ip_address("2001:db8::1"),)},
        {"table": 254},
        {"table": 0},
        {"priority": 0},
        {"priority": 32766},
    ],
)
def test_a_wish_without_sense_is_refused(more: dict[str, object]) -> None:
    with pytest.raises(UsageError) as refusal:
        GatewayWish(ip_address("192.168.1.50"), **more)  # type: ignore[arg-type]
    assert refusal.value.hint
