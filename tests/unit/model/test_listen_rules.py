"""Listeners of several ports beside others, and what the host and IPVS may be asked for."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from lvsnat.errors import UsageError
from lvsnat.model.config import Config, Egress, HostOptions, IpvsOptions, Timeouts
from lvsnat.model.endpoint import Endpoint, parse_kernel_listener, parse_listener
from lvsnat.model.rules import violations
from lvsnat.model.service import Persistence, RealServer, VirtualService

RANGE = "tcp/192.168.1.50:8000-8100,9000"


def service(
    listen: str, *servers: str, name: str = "s", persistence: Persistence | None = None
) -> VirtualService:
    reals = tuple(RealServer(Endpoint.parse(server)) for server in servers)
    return VirtualService(name, parse_listener(listen), persistence=persistence, servers=reals)


def found(*services: VirtualService) -> list[str]:
    return [violation.message for violation in violations(Config(services=services))]


def beside(other: str) -> list[str]:
    every = Persistence(300) if other.endswith(":0") else None
    return found(service(RANGE), service(other, name="other", persistence=every))


@pytest.mark.parametrize(
    ("other", "port"),
    [
        ("tcp/192.168.1.50:8000", 8000),
        ("tcp/192.168.1.50:9000", 9000),
        ("tcp/192.168.1.50:7000-8000", 8000),
        ("tcp/192.168.1.50:8101,8999-9001", 9000),
        ("tcp/192.168.1.50:0", 8000),
    ],
)
def test_a_port_is_in_one_service(other: str, port: int) -> None:
    canonical = parse_listener(other)

    assert beside(other) == [f"{canonical} and {RANGE} of service[0] both take port {port}"]


@pytest.mark.parametrize(
    "other",
    [
        "tcp/192.168.1.50:7999",
        "tcp/192.168.1.50:8101-8999",
        "udp/192.168.1.50:8000",
        "udp/192.168.1.50:8000-8100,9000",
        "tcp/192.168.1.51:8000",
        "tcp/[2001:db8::50]:8000-8100",
        "fwmark/7",
    ],
)
def test_other_ports_protocols_and_addresses_are_free(other: str) -> None:
    assert beside(other) == []


def test_the_same_ports_twice_are_one_mistake() -> None:
    assert beside("tcp/192.168.1.50:9000,8000-8100") == [
        f"{RANGE} is already the listener of service[0] (s)"
    ]


def test_several_ports_may_be_persistent_and_keep_the_clients_port() -> None:
    wish = service(RANGE, "192.168.2.55:0", "192.168.2.56:80", persistence=Persistence(300))

    assert found(wish) == []


@pytest.mark.parametrize("port", ["8050", "9000"])
def test_a_real_server_is_not_the_directors_own_range(port: str) -> None:
    assert found(service(RANGE, f"192.168.1.50:{port}")) == [
        f"192.168.1.50:{port} is the director's own listener, of service[0]"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tcp/192.168.1.50:8100-8000", "'8100-8000' runs backwards"),
        ("tcp/192.168.1.50:0-100", "'0-100': port 0 stands for every port"),
        ("tcp/192.168.1.50:80,0", "'0': port 0 stands for every port"),
        ("tcp/192.168.1.50:80,", "'' is not a port"),
        ("tcp/192.168.1.50:80-65536", "'65536' is not a port"),
        ("tcp/2001:db8::50:80-81", "is not an address and a port"),
        ("tcp/example.com:80-81", "'example.com' is not an IP address"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_listener(text)


def test_ipvs_itself_has_no_ranges() -> None:
    with pytest.raises(UsageError, match="no list of ports"):
        parse_kernel_listener(RANGE)


def host(egress: Egress | None, *networks: str) -> list[tuple[str, ...]]:
    options = HostOptions(egress=egress, egress_networks=tuple(map(ip_network, networks)))
    return [tuple(map(str, v.path)) for v in violations(Config(host=options))]


def test_egress_and_its_networks_belong_together() -> None:
    assert host("masquerade", "192.168.2.0/24", "2001:db8:2::/64") == []
    assert host(ip_address("192.168.1.50"), "192.168.2.0/24") == []
    assert host("masquerade") == [("host", "egress")]
    assert host(None, "192.168.2.0/24") == [("host", "egress_networks")]


def test_an_egress_address_serves_its_own_family() -> None:
    assert host(ip_address("192.168.1.50"), "192.168.2.0/24", "2001:db8:2::/64") == [
        ("host", "egress_networks", "1")
    ]


@pytest.mark.parametrize("address", ["0.0.0.0", "224.0.0.1", "255.255.255.255"])  # noqa: S104
def test_an_egress_address_is_one_hosts(address: str) -> None:
    assert host(ip_address(address), "192.168.2.0/24") == [("host", "egress")]


@pytest.mark.parametrize(("seconds", "wrong"), [(0, True), (1, False), (2147484, True)])
def test_a_timeout_is_what_the_kernel_can_count(seconds: int, *, wrong: bool) -> None:
    config = Config(ipvs=IpvsOptions(Timeouts(udp=seconds)))

    assert [v.path for v in violations(config)] == [("ipvs", "timeouts", "udp")] * wrong
