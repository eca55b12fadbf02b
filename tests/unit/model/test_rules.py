"""Each rule, with the exact words that a person sees."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lvsnat.model.config import Config, HostOptions
from lvsnat.model.endpoint import Endpoint, parse_listener
from lvsnat.model.rules import MAX_PERSISTENCE_SECONDS, MAX_THRESHOLD, violations
from lvsnat.model.service import (
    Persistence,
    PersistenceEngine,
    RealServer,
    Scheduler,
    SchedulerFlag,
    VirtualService,
)
from lvsnat.model.violation import Path


def service(
    listen: str = "tcp/192.168.1.50:80", *servers: str, name: str = "web"
) -> VirtualService:
    reals = tuple(RealServer(Endpoint.parse(server)) for server in servers)
    return VirtualService(name, parse_listener(listen), servers=reals)


WEB = service("tcp/192.168.1.50:80", "192.168.2.55:80", "192.168.2.56:80")


def found(*services: VirtualService) -> list[tuple[Path, str]]:
    return [(v.path, v.message) for v in violations(Config(services=services))]


def server_with(**numbers: int) -> VirtualService:
    return replace(WEB, servers=(RealServer(WEB.servers[0].endpoint, **numbers),))


def test_an_ordinary_configuration_breaks_no_rule() -> None:
    mark = service("fwmark/7", "192.168.2.55:0", name="mark")
    every_port = replace(
        service("udp/[2001:db8::50]:0", "[2001:db8::55]:0", name="voice"),
        persistence=Persistence(MAX_PERSISTENCE_SECONDS, 128, PersistenceEngine.SIP),
    )
    hashed = replace(
        service("tcp/192.168.1.50:81", "192.168.2.55:80", name="x" * 63),
        scheduler=Scheduler.SH,
        flags=frozenset({SchedulerFlag.SH_PORT, SchedulerFlag.SH_FALLBACK}),
    )

    assert found(WEB, mark, every_port, hashed) == []


@pytest.mark.parametrize("name", ["", "-web", "a b", "web/1", "tcp:80", "x" * 64, "wéb", "web\n"])
def test_a_name_is_letters_and_digits(name: str) -> None:
    assert found(replace(WEB, name=name)) == [
        (("service", 0, "name"), f"{name!r} is not a name for a service")
    ]


def test_a_name_is_no_address() -> None:
    assert found(replace(WEB, name="10.0.0.1")) == [
        (("service", 0, "name"), "'10.0.0.1' is an address, not a name")
    ]


def test_a_name_is_taken_once() -> None:
    assert found(WEB, service("tcp/192.168.1.50:81")) == [
        (("service", 1, "name"), "the name 'web' is taken by service[0]")
    ]


def test_a_listener_is_taken_once() -> None:
    assert found(WEB, service(name="shop")) == [
        (
            ("service", 1, "listen"),
            "tcp/192.168.1.50:80 is already the listener of service[0] (web)",
        )
    ]


@pytest.mark.parametrize(
    ("listen", "message"),
    [
        ("tcp/0.0.0.0:80", "0.0.0.0 stands for every address, and IPVS has no wildcard"),
        ("tcp/[::]:80", ":: stands for every address, and IPVS has no wildcard"),
        ("udp/224.0.0.1:80", "224.0.0.1 is a multicast address"),
        ("udp/[ff02::1]:80", "ff02::1 is a multicast address"),
        ("udp/255.255.255.255:80", "255.255.255.255 is a broadcast address"),
        ("tcp/[fe80::1%eth0]:80", "fe80::1%eth0 names an interface, which IPVS cannot express"),
        ("tcp/192.168.1.50:0", "port 0 (every port) needs persistence"),
    ],
)
def test_a_listener_is_one_unicast_address(listen: str, message: str) -> None:
    assert found(service(listen)) == [(("service", 0, "listen"), message)]


@pytest.mark.parametrize(
    ("listen", "address", "message"),
    [
        (
            "tcp/192.168.1.50:80",
            "[2001:db8::55]:80",
            "[2001:db8::55]:80 and the listener tcp/192.168.1.50:80 are of different families",
        ),
        (
            "fwmark/7/ipv6",
            "192.168.2.55:80",
            "192.168.2.55:80 and the listener fwmark/7/ipv6 are of different families",
        ),
        (
            "tcp/192.168.1.50:80",
            "192.168.2.55:0",
            "port 0 keeps the client's port, and tcp/192.168.1.50:80 has one port",
        ),
        (
            "tcp/192.168.1.50:80",
            "192.168.1.50:80",
            "192.168.1.50:80 is the director's own listener, of service[0]",
        ),
        (
            "tcp/192.168.1.50:80",
            "0.0.0.0:80",
            "0.0.0.0 stands for every address, not for one server",
        ),
        ("tcp/192.168.1.50:80", "224.0.0.1:80", "224.0.0.1 is a multicast address"),
    ],
)
def test_a_server_can_answer_its_service(listen: str, address: str, message: str) -> None:
    assert found(service(listen, address)) == [(("service", 0, "servers", 0, "address"), message)]


def test_a_server_is_no_listener_of_another_service() -> None:
    other = replace(service("tcp/192.168.1.51:0", name="all"), persistence=Persistence(300))

    assert found(service("tcp/192.168.1.50:80", "192.168.1.51:8080"), other) == [
        (
            ("service", 0, "servers", 0, "address"),
            "192.168.1.51:8080 is the director's own listener, of service[1]",
        )
    ]


def test_another_protocol_or_port_of_the_vip_is_no_circle() -> None:
    other = service("udp/192.168.1.51:53", name="dns")

    assert found(service("tcp/192.168.1.50:80", "192.168.1.51:53", "192.168.1.50:81"), other) == []


def test_a_server_stands_once_in_a_service() -> None:
    assert found(service("tcp/192.168.1.50:80", "192.168.2.55:80", "192.168.2.55:80")) == [
        (
            ("service", 0, "servers", 1, "address"),
            "192.168.2.55:80 is already servers[0] of this service",
        )
    ]


@pytest.mark.parametrize(
    ("numbers", "key", "message"),
    [
        ({"weight": 65536}, "weight", "65536 is not a weight (0 to 65535)"),
        ({"weight": -1}, "weight", "-1 is not a weight (0 to 65535)"),
        (
            {"upper": MAX_THRESHOLD + 1},
            "upper",
            "2147483648 is not a number of connections (0 to 2147483647)",
        ),
        ({"lower": -1}, "lower", "-1 is not a number of connections (0 to 2147483647)"),
        (
            {"upper": 10, "lower": 20},
            "lower",
            "the lower threshold 20 needs an upper one above it; there is the upper one, 10",
        ),
        (
            {"lower": 20},
            "lower",
            "the lower threshold 20 needs an upper one above it; there is no upper one (0)",
        ),
    ],
)
def test_numbers_of_a_server_have_bounds(numbers: dict[str, int], key: str, message: str) -> None:
    assert found(server_with(**numbers)) == [(("service", 0, "servers", 0, key), message)]


def test_equal_thresholds_are_well() -> None:
    assert found(server_with(upper=10, lower=10)) == []


@pytest.mark.parametrize("timeout", [0, -1, MAX_PERSISTENCE_SECONDS + 1])
def test_persistence_lasts_up_to_31_days(timeout: int) -> None:
    assert found(replace(WEB, persistence=Persistence(timeout))) == [
        (
            ("service", 0, "persistence", "timeout"),
            f"{timeout} is not a persistence timeout (1 to 2678400 seconds)",
        )
    ]


@pytest.mark.parametrize(
    ("listen", "prefix", "message"),
    [
        ("tcp/192.168.1.50:80", 33, "33 is not a prefix length of IPv4 (1 to 32)"),
        ("tcp/192.168.1.50:80", 0, "0 is not a prefix length of IPv4 (1 to 32)"),
        ("fwmark/7/ipv6", 129, "129 is not a prefix length of IPv6 (1 to 128)"),
    ],
)
def test_a_netmask_fits_the_family(listen: str, prefix: int, message: str) -> None:
    assert found(replace(service(listen), persistence=Persistence(300, prefix))) == [
        (("service", 0, "persistence", "netmask"), message)
    ]


def test_the_sip_engine_is_for_udp() -> None:
    sip = Persistence(300, engine=PersistenceEngine.SIP)

    assert found(replace(WEB, persistence=sip)) == [
        (
            ("service", 0, "persistence", "engine"),
            "the sip engine reads UDP only, and this service listens on tcp/192.168.1.50:80",
        )
    ]
    assert found(replace(service("udp/192.168.1.50:5060"), persistence=sip)) == []
    assert found(replace(service("fwmark/7"), persistence=sip)) == []


def test_a_flag_belongs_to_its_scheduler() -> None:
    assert found(replace(WEB, flags=frozenset({SchedulerFlag.SH_PORT}))) == [
        (
            ("service", 0, "flags"),
            "sh-port is a flag of the scheduler sh, and this service uses wlc",
        )
    ]


@pytest.mark.parametrize("name", ["", "a b", "eth/0", "..", "x" * 16, "eth0:1"])
def test_an_interface_has_a_name_that_the_kernel_accepts(name: str) -> None:
    config = Config(host=HostOptions(vip_interface=name))

    assert [(v.path, v.message) for v in violations(config)] == [
        (("host", "vip_interface"), f"{name!r} is not the name of an interface")
    ]


def test_every_violation_says_what_to_do_instead() -> None:
    broken = replace(server_with(weight=-1, lower=3), name="", flags=frozenset(SchedulerFlag))

    assert all(violation.hint for violation in violations(Config(services=(broken, broken))))
