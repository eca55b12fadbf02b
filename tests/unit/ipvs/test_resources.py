from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from lvsnat.ipvs.resources import (
    Forwarding,
    IpvsServer,
    IpvsService,
    ServiceFlag,
    expand,
    real_server,
    virtual_service,
)
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Endpoint, parse_kernel_listener
from lvsnat.model.resource import Key, Stage
from lvsnat.model.service import (
    Persistence,
    PersistenceEngine,
    RealServer,
    Scheduler,
    SchedulerFlag,
    VirtualService,
)

LISTEN = parse_kernel_listener("tcp/192.168.1.50:80")
ENDPOINT = Endpoint.parse("192.168.2.55:8080")
WEB = VirtualService("web", LISTEN, servers=(RealServer(ENDPOINT, 3, 100, 50),))


def in_kernel(service: VirtualService) -> IpvsService:
    """What a service is to the kernel, without its servers."""
    (resource,) = expand(Config(services=(replace(service, servers=()),)))
    assert isinstance(resource, IpvsService)
    return resource


def test_a_configuration_expands_to_each_service_before_its_servers() -> None:
    other = replace(
        WEB, name="other", listen=parse_kernel_listener("udp/[2001:db8::1]:53"), servers=()
    )

    resources = list(expand(Config(services=(WEB, other))))

    assert [str(resource.key) for resource in resources] == [
        "service tcp/192.168.1.50:80",
        "server tcp/192.168.1.50:80 192.168.2.55:8080",
        "service udp/[2001:db8::1]:53",
    ]
    assert [resource.stage for resource in resources] == [
        Stage.SERVICE,
        Stage.SERVER,
        Stage.SERVICE,
    ]


def test_a_server_belongs_to_its_service() -> None:
    server = IpvsServer(LISTEN, ENDPOINT)

    assert server.owner == IpvsService(LISTEN, "rr").key == Key("service", "tcp/192.168.1.50:80")
    assert replace(server, listen=parse_kernel_listener("fwmark/7")).owner == Key(
        "service", "fwmark/7"
    )


def test_resources_describe_themselves() -> None:
    service, server = expand(Config(services=(WEB,)))

    assert service.describe() == "service tcp/192.168.1.50:80"
    assert server.describe() == "server 192.168.2.55:8080 of tcp/192.168.1.50:80"
    assert service.settings() == {"scheduler": "wlc", "flags": "none", "persistence": "none"}
    assert server.settings() == {"weight": "3", "upper": "100", "lower": "50"}


@pytest.mark.parametrize(
    ("service", "flags", "persistence"),
    [
        (IpvsService(LISTEN, "sh", 0x18), "sh-fallback, sh-port", "none"),
        (IpvsService(LISTEN, "rr", 0x2C), "one-packet, flag-1, flag-3", "none"),
        (IpvsService(LISTEN, "rr", 0x80), "flag 0x80", "none"),
        (IpvsService(LISTEN, "rr", 1, 300, 24, "sip"), "none", "300 s, /24, sip"),
        (
            IpvsService(LISTEN, "rr", 1, 60, IPv4Address("255.0.255.0")),
            "none",
            "60 s, mask 255.0.255.0",
        ),
    ],
)
def test_settings_are_words(service: IpvsService, flags: str, persistence: str) -> None:
    assert service.settings()["flags"] == flags
    assert service.settings()["persistence"] == persistence


def test_a_full_prefix_is_no_prefix() -> None:
    written = replace(WEB, persistence=Persistence(300, 32))
    plain = replace(WEB, persistence=Persistence(300))

    assert in_kernel(written) == in_kernel(plain)


def test_32_is_a_real_prefix_in_ipv6() -> None:
    six = replace(
        WEB, listen=parse_kernel_listener("fwmark/7/ipv6"), persistence=Persistence(300, 32)
    )

    assert in_kernel(six).prefix == 32


def test_equal_wishes_have_equal_fingerprints() -> None:
    flags = [SchedulerFlag.MH_PORT, SchedulerFlag.MH_FALLBACK]
    one = replace(WEB, scheduler=Scheduler.MH, flags=frozenset(flags))
    other = replace(WEB, scheduler=Scheduler.MH, flags=frozenset(reversed(flags)))

    assert repr(in_kernel(one)) == repr(in_kernel(other))
    assert "key" not in repr(in_kernel(one))


def test_a_server_made_by_hand_with_direct_routing_is_drift() -> None:
    wish = IpvsServer(LISTEN, ENDPOINT)
    seen = replace(wish, forwarding=int(Forwarding.DIRECT_ROUTING))

    assert wish != seen
    assert seen.settings()["forwarding"] == "direct routing"
    assert replace(seen, forwarding=6).settings()["forwarding"] == "method 6"


def test_what_is_seen_is_shown_in_the_words_of_the_configuration() -> None:
    wish = replace(
        WEB,
        name="",
        scheduler=Scheduler.SH,
        flags=frozenset({SchedulerFlag.SH_PORT}),
        persistence=Persistence(300, 24, PersistenceEngine.SIP),
    )

    service, server = expand(Config(services=(wish,)))

    assert isinstance(service, IpvsService)
    assert isinstance(server, IpvsServer)
    assert virtual_service(service, [server]) == wish
    assert real_server(server) == WEB.servers[0]


def test_what_the_configuration_has_no_word_for_does_not_break_showing() -> None:
    assert virtual_service(IpvsService(LISTEN, "homemade"), []) is None
    strange = IpvsService(LISTEN, "rr", 0x2D, 60, IPv4Address("255.0.255.0"), "homemade")

    assert virtual_service(strange, []) == VirtualService(
        "", LISTEN, Scheduler.RR, persistence=Persistence(60)
    )


def test_flags_have_the_kernels_numbers() -> None:
    wish = replace(
        WEB,
        scheduler=Scheduler.SH,
        flags=frozenset({SchedulerFlag.SH_FALLBACK, SchedulerFlag.SH_PORT}),
    )

    assert in_kernel(wish).flags == ServiceFlag.SCHEDULER_1 | ServiceFlag.SCHEDULER_2
