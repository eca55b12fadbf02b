"""Whose a connection is."""

from __future__ import annotations

import pytest

from lvsnat.ipvs.connections import encode, split
from lvsnat.ipvs.servicenames import ServiceNames, mark_text
from lvsnat.model.connection import Connection
from lvsnat.model.endpoint import Endpoint, MarkListener, parse_listener
from lvsnat.model.marks import kernel_listeners
from lvsnat.model.service import RealServer, VirtualService


def service(name: str, listen: str, *servers: str) -> VirtualService:
    ends = tuple(RealServer(Endpoint.parse(server)) for server in servers)
    return VirtualService(name, parse_listener(listen), servers=ends)


SERVICES = (
    service("web", "tcp/192.168.1.50:80", "192.168.2.55:80"),
    service("all", "udp/192.168.1.50:0"),
    service("ports", "tcp/192.168.1.50:8000-8100,9000"),
    service("mark", "fwmark/7", "192.168.2.60:0", "192.168.2.61:0"),
    service("other", "fwmark/8", "192.168.2.61:0"),
    service("web6", "tcp/[fd00:1::50]:80"),
    service("mark6", "fwmark/9/ipv6"),
)
SERVER = "192.168.2.55:80"


def name(protocol: str, virtual: str, server: str = SERVER) -> str | None:
    client = Endpoint.parse("[2001:db8::1]:40000" if "[" in virtual else "203.0.113.9:40000")
    ends = (client, Endpoint.parse(virtual), Endpoint.parse(server))
    fields = split(encode(Connection(protocol, *ends, "ESTABLISHED", 1)))
    assert fields is not None
    return ServiceNames(SERVICES).of(fields)


@pytest.mark.parametrize(
    ("protocol", "virtual", "expected"),
    [
        ("tcp", "192.168.1.50:80", "web"),
        ("udp", "192.168.1.50:80", "all"),
        ("tcp", "192.168.1.50:8100", "ports"),
        ("tcp", "192.168.1.50:9000", "ports"),
        ("tcp", "192.168.1.50:8101", None),
        ("tcp", "192.168.1.51:80", None),
        ("tcp", "[fd00:1::50]:80", "web6"),
        ("ip", "0.0.0.7:0", "mark"),
        ("ip", "[0:9::]:0", "mark6"),
    ],
)
def test_the_virtual_address_tells_the_service(
    protocol: str, virtual: str, expected: str | None
) -> None:
    assert name(protocol, virtual) == expected


def test_the_server_tells_the_service_of_a_mark() -> None:
    assert name("tcp", "10.0.0.1:21", "192.168.2.60:21") == "mark"


def test_a_server_of_two_marks_tells_nothing() -> None:
    assert name("tcp", "10.0.0.1:21", "192.168.2.61:21") is None


def test_a_template_of_several_ports_has_the_mark_behind_them() -> None:
    mark = kernel_listeners(SERVICES)[SERVICES[2].listen]
    assert isinstance(mark, MarkListener)

    assert name("ip", f"{Endpoint.parse('0.0.0.0:0').address + mark.mark}:0") == "ports"
    assert mark_text(mark) == f"{mark.mark:08X}"
