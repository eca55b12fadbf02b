"""Each rule about checks, sorry servers and HAProxy, with the exact words that a person sees."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lvsnat.model.config import Config, HaproxyOptions
from lvsnat.model.endpoint import Endpoint, parse_listener
from lvsnat.model.health import CheckType, HealthCheck
from lvsnat.model.mode import Mode
from lvsnat.model.rules import violations
from lvsnat.model.service import ProxyOptions, ProxyProtocol, RealServer, VirtualService
from lvsnat.model.violation import Path

WEB = VirtualService(
    "web",
    parse_listener("tcp/192.168.1.50:80"),
    servers=(RealServer(Endpoint.parse("192.168.2.55:80")),),
)
HTTP = HealthCheck(CheckType.HTTP)
HTTPS = HealthCheck(CheckType.HTTPS)


def found(*services: VirtualService) -> list[tuple[Path, str]]:
    return [(v.path, v.message) for v in violations(Config(services=services))]


def told(service: VirtualService, *below: str | int) -> list[str]:
    """What is said of keys below this one of the service, and of nothing else."""
    problems = found(service)
    assert all(path[2 : 2 + len(below)] == below for path, _ in problems)
    return [message for _, message in problems]


def test_an_ordinary_configuration_breaks_no_rule() -> None:
    check = HealthCheck(
        CheckType.HTTPS, "/a?b=%20", "HEAD", "www.example.com", ((100, 599),), "é ok",
        verify=False, port=65535, interval=0.001, fast_interval=1, timeout=2147483,
        rise=1, fall=1000,
    )  # fmt: skip
    proxy = ProxyOptions(
        ProxyProtocol.HTTP, 1, 2147483, 1, 1, forward_for=True, cookie="SRV",
        frontend_lines=("option httpclose",), backend_lines=("retries 3",),
    )  # fmt: skip
    service = replace(WEB, check=check, sorry=Endpoint.parse("192.168.2.99:80"), proxy=proxy)
    options = HaproxyOptions((), 1, 1, 1, 2147483, 2**32 - 1, 256, 32765, 64511)

    for mode in Mode:
        assert list(violations(Config(mode, (service,), haproxy=options))) == []


@pytest.mark.parametrize(
    ("check", "key", "message"),
    [
        (replace(HTTP, path="health"), "path", "'health' is not the path of a URL"),
        (replace(HTTP, path="/a b"), "path", "'/a b' is not the path of a URL"),
        (replace(HTTP, path="/a\nb"), "path", "'/a\\nb' is not the path of a URL"),
        (replace(HTTP, method="get"), "method", "'get' is not a method of HTTP"),
        (replace(HTTP, host="a b"), "host", "'a b' is not the name of a host"),
        (replace(HTTPS, host="a:443"), "host", "'a:443' is not the name of a host"),
        (replace(HTTP, body=""), "body", "'' is not a text to look for"),
        (replace(HTTP, body="a\nb"), "body", "'a\\nb' is not a text to look for"),
        (
            replace(HTTP, expect=((99, 200),)),
            "expect",
            "99-200 are no HTTP statuses (100 to 599, the lower one first)",
        ),
        (
            replace(HTTP, expect=((200, 600),)),
            "expect",
            "200-600 are no HTTP statuses (100 to 599, the lower one first)",
        ),
        (
            replace(HTTP, expect=((299, 200),)),
            "expect",
            "299-200 are no HTTP statuses (100 to 599, the lower one first)",
        ),
        (HealthCheck(port=0), "port", "0 is not a port (1 to 65535)"),
        (HealthCheck(port=65536), "port", "65536 is not a port (1 to 65535)"),
        (
            HealthCheck(interval=0),
            "interval",
            "0 s is not a time between or for checks (1 ms to 24 days)",
        ),
        (
            HealthCheck(fast_interval=-1),
            "fast_interval",
            "-1 s is not a time between or for checks (1 ms to 24 days)",
        ),
        (
            HealthCheck(timeout=2147484),
            "timeout",
            "2147484 s is not a time between or for checks (1 ms to 24 days)",
        ),
        (HealthCheck(rise=0), "rise", "0 is not a number of answers in a row (1 to 1000)"),
        (HealthCheck(fall=1001), "fall", "1001 is not a number of answers in a row (1 to 1000)"),
        (
            HealthCheck(verify=False),
            "verify",
            "verify is for checks by https, and this one is tcp",
        ),
        (
            replace(HTTP, verify=False),
            "verify",
            "verify is for checks by https, and this one is http",
        ),
    ],
)
def test_a_check_can_be_made(check: HealthCheck, key: str, message: str) -> None:
    assert told(replace(WEB, check=check), "check", key) == [message]


def test_a_host_may_have_a_port_in_http() -> None:
    assert found(replace(WEB, check=replace(HTTP, host="www.example.com:8080"))) == []


@pytest.mark.parametrize(
    ("sorry", "message"),
    [
        (
            "[2001:db8::99]:80",
            "[2001:db8::99]:80 and the listener tcp/192.168.1.50:80 are of different families",
        ),
        (
            "192.168.1.50:8080",
            "192.168.1.50 is a VIP, of the listener tcp/192.168.1.50:80 of service[0]",
        ),
        ("192.168.2.55:80", "192.168.2.55:80 is also servers[0] of this service"),
        ("192.168.2.99:0", "port 0 keeps the client's port, and tcp/192.168.1.50:80 has one port"),
        ("0.0.0.0:80", "0.0.0.0 stands for every address, not for one server"),
        ("224.0.0.1:80", "224.0.0.1 is a multicast address"),
    ],
)
def test_a_sorry_server_is_another_host(sorry: str, message: str) -> None:
    assert told(replace(WEB, sorry=Endpoint.parse(sorry)), "sorry") == [message]


def test_a_sorry_server_is_on_no_vip_of_another_service() -> None:
    other = VirtualService("dns", parse_listener("udp/192.168.1.53:53"))

    assert found(replace(WEB, sorry=Endpoint.parse("192.168.1.53:80")), other) == [
        (
            ("service", 0, "sorry"),
            "192.168.1.53 is a VIP, of the listener udp/192.168.1.53:53 of service[1]",
        )
    ]


def test_a_real_server_of_another_port_may_be_the_sorry_server() -> None:
    assert found(replace(WEB, sorry=Endpoint.parse("192.168.2.55:81"))) == []


@pytest.mark.parametrize(
    ("proxy", "where", "message"),
    [
        (
            ProxyOptions(client_timeout=0),
            ("client_timeout",),
            "0 is not a timeout (1 to 2147483 seconds)",
        ),
        (
            ProxyOptions(server_timeout=2147484),
            ("server_timeout",),
            "2147484 is not a timeout (1 to 2147483 seconds)",
        ),
        (
            ProxyOptions(connect_timeout=-1),
            ("connect_timeout",),
            "-1 is not a timeout (1 to 2147483 seconds)",
        ),
        (
            ProxyOptions(maxconn=0),
            ("maxconn",),
            "0 is not a number of connections (1 to 2147483647)",
        ),
        (
            ProxyOptions(forward_for=True),
            ("forwardfor",),
            "forwardfor needs HAProxy to read HTTP, and the mode here is tcp",
        ),
        (
            ProxyOptions(cookie="SRV"),
            ("cookie",),
            "cookie needs HAProxy to read HTTP, and the mode here is tcp",
        ),
        (
            ProxyOptions(ProxyProtocol.HTTP, cookie="a;b"),
            ("cookie",),
            "'a;b' is not a name for a cookie",
        ),
        (
            ProxyOptions(frontend_lines=("a\nb",)),
            ("frontend_lines", 0),
            "'a\\nb' is not one line of HAProxy's configuration",
        ),
        (
            ProxyOptions(backend_lines=("retries 3", " ")),
            ("backend_lines", 1),
            "' ' is not one line of HAProxy's configuration",
        ),
        (
            ProxyOptions(backend_lines=("  frontend mine",)),
            ("backend_lines", 0),
            "'frontend' would begin another section",
        ),
    ],
)
def test_a_setting_of_haproxys_makes_sense(
    proxy: ProxyOptions, where: tuple[str | int, ...], message: str
) -> None:
    assert told(replace(WEB, proxy=proxy), "haproxy", *where) == [message]


@pytest.mark.parametrize(
    ("options", "key", "message"),
    [
        (
            HaproxyOptions(maxconn=0),
            "maxconn",
            "0 is not a number of connections (1 to 2147483647)",
        ),
        (
            HaproxyOptions(hard_stop_after=0),
            "hard_stop_after",
            "0 is not a timeout (1 to 2147483 seconds)",
        ),
        (
            HaproxyOptions(connect_timeout=0),
            "connect_timeout",
            "0 is not a timeout (1 to 2147483 seconds)",
        ),
        (
            HaproxyOptions(queue_timeout=2147484),
            "queue_timeout",
            "2147484 is not a timeout (1 to 2147483 seconds)",
        ),
        (HaproxyOptions(mark=0), "mark", "0 is not a firewall mark (1 to 4294967295)"),
        (
            HaproxyOptions(mark=2**32),
            "mark",
            "4294967296 is not a firewall mark (1 to 4294967295)",
        ),
        (HaproxyOptions(table=0), "table", "0 is not a routing table (1 to 4294967295)"),
        (
            HaproxyOptions(table=2**32),
            "table",
            "4294967296 is not a routing table (1 to 4294967295)",
        ),
        (HaproxyOptions(table=253), "table", "table 253 is the kernel's own table default"),
        (HaproxyOptions(table=254), "table", "table 254 is the kernel's own table main"),
        (HaproxyOptions(table=255), "table", "table 255 is the kernel's own table local"),
        (HaproxyOptions(priority=0), "priority", "0 is not a priority (1 to 32765)"),
        (HaproxyOptions(priority=32766), "priority", "32766 is not a priority (1 to 32765)"),
        (
            HaproxyOptions(side_port_offset=0),
            "side_port_offset",
            "0 is not an offset of ports (1 to 64511)",
        ),
        (
            HaproxyOptions(side_port_offset=64512),
            "side_port_offset",
            "64512 is not an offset of ports (1 to 64511)",
        ),
    ],
)
def test_numbers_of_haproxys_have_bounds(options: HaproxyOptions, key: str, message: str) -> None:
    problems = list(violations(Config(haproxy=options)))

    assert [(v.path, v.message) for v in problems] == [(("haproxy", key), message)]
    assert all(v.hint for v in problems)
