from __future__ import annotations

from dataclasses import replace

import pytest

from lvsnat.model.config import Config
from lvsnat.model.endpoint import Endpoint, parse_listener
from lvsnat.model.mode import Mode
from lvsnat.model.proxy_rules import MAX_SERVERS, proxy_violations
from lvsnat.model.service import Persistence, ProxyOptions, RealServer, VirtualService

WEB = VirtualService("web", parse_listener("tcp/192.168.1.50:80"))


def broken(service: VirtualService, mode: Mode = Mode.HAPROXY_TPROXY) -> list[str]:
    config = Config(mode, (service,))
    return [
        f"{'.'.join(map(str, one.path[2:]))}: {one.message}" for one in proxy_violations(config)
    ]


def test_an_ordinary_service_breaks_no_rule() -> None:
    assert broken(WEB) == []


@pytest.mark.parametrize("listen", ["tcp/192.168.1.50:0", "tcp/192.168.1.50:1-1000,2000"])
def test_haproxy_does_not_listen_on_thousands_of_ports(listen: str) -> None:
    wide = replace(WEB, listen=parse_listener(listen), persistence=Persistence(60))

    (only,) = broken(wide)
    assert only.startswith(f"listen: {listen} is ")
    assert broken(wide, Mode.LVS_NAT) == []


def test_a_thousand_ports_are_no_problem() -> None:
    assert broken(replace(WEB, listen=parse_listener("tcp/192.168.1.50:1-1000"))) == []


def test_more_servers_than_haproxy_weighs_are_refused() -> None:
    first = Endpoint.parse("10.0.0.1:80")
    servers = tuple(
        RealServer(Endpoint(first.address + number, 80)) for number in range(MAX_SERVERS + 1)
    )

    (only,) = broken(replace(WEB, servers=servers))
    assert only.startswith(f"servers.{MAX_SERVERS}: ")


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("listen", ["udp/192.168.1.50:53", "fwmark/7"])
def test_settings_of_haproxy_for_what_it_never_serves_are_refused(listen: str, mode: Mode) -> None:
    service = replace(WEB, listen=parse_listener(listen), proxy=ProxyOptions(maxconn=5))

    (only,) = broken(service, mode)
    assert "is never HAProxy's" in only


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(
    "line", ["bind :81", "  server a 192.0.2.1:80", "balance first", "source 0.0.0.0"]
)
def test_lines_that_lvsnat_writes_itself_are_refused(line: str, mode: Mode) -> None:
    service = replace(WEB, proxy=ProxyOptions(backend_lines=("retries 3", line)))

    (only,) = broken(service, mode)
    assert (
        only
        == f"haproxy.backend_lines.1: a line {line.split(maxsplit=1)[0]!r} is lvsnat's to write"
    )
