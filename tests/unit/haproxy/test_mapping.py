from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

from lvsnat.config.parse import parse_config
from lvsnat.haproxy.mapping import expand
from lvsnat.haproxy.resources import HaproxyInstance, ProxiedServer, ProxiedService
from lvsnat.haproxy.sections import service_lines
from lvsnat.haproxy.text import render
from lvsnat.model.config import Config, HaproxyOptions, IpvsOptions, Timeouts
from lvsnat.model.endpoint import Endpoint, parse_listener
from lvsnat.model.mode import Mode
from lvsnat.model.phase import Phase
from lvsnat.model.proxied import side_ports
from lvsnat.model.resource import Key
from lvsnat.model.service import Persistence, RealServer, VirtualService

RUN = Path("/run/lvsnat/haproxy")
GOLDEN = Path(__file__).with_name("golden.cfg")
EXAMPLE = """\
mode = "haproxy-tproxy"

[haproxy]
local_networks = ["192.168.0.0/16"]

[[service]]
name = "web"
listen = "tcp/192.168.1.50:80"
scheduler = "wrr"
persistence = { timeout = 300, netmask = 24 }
check = { type = "http", path = "/health" }
sorry = "192.168.2.99:80"
haproxy = { mode = "http", cookie = "SRV", backend_lines = ["http-reuse always"] }
servers = [
  { address = "192.168.2.55:80", weight = 300, upper = 100 },
  { address = "192.168.2.56:80" },
]

[[service]]
name = "dns"
listen = "udp/192.168.1.50:53"
servers = [{ address = "192.168.2.55:53" }]

[[service]]
name = "six"
listen = "tcp/[fd00::1]:8000-8002,9000"
servers = [{ address = "[fd00:2::55]:0" }]
"""


def config(*listeners: str, phase: Phase = Phase.HAPROXY_TPROXY) -> Config:
    services = tuple(
        VirtualService(f"s{number}", parse_listener(listen), servers=(RealServer(SERVER),))
        for number, listen in enumerate(listeners, start=1)
    )
    return Config(services=services, switching=phase)


SERVER = Endpoint.parse("192.168.2.55:80")


def lines_of(wish: Config) -> list[str]:
    return [
        line.strip()
        for resource in expand(wish, RUN)
        if isinstance(resource, ProxiedService)
        for line in resource.lines
    ]


def test_the_whole_file_is_as_the_golden_one() -> None:
    assert render(expand(parse_config(EXAMPLE, "lvsnat.toml"), RUN)) == GOLDEN.read_text("utf-8")


def test_a_service_comes_before_its_servers_and_the_instance_before_all() -> None:
    wish = config("tcp/192.168.1.51:80", "tcp/192.168.1.50:80")

    kinds = [(type(one), one.key.name) for one in expand(wish, RUN)]

    assert kinds == [
        (HaproxyInstance, "lvsnat"),
        (ProxiedService, "tcp/192.168.1.51:80"),
        (ProxiedServer, "tcp/192.168.1.51:80 192.168.2.55:80"),
        (ProxiedService, "tcp/192.168.1.50:80"),
        (ProxiedServer, "tcp/192.168.1.50:80 192.168.2.55:80"),
    ]


def test_without_a_tcp_service_there_is_no_haproxy() -> None:
    assert list(expand(config("udp/192.168.1.50:53", "fwmark/7"), RUN)) == []


def test_in_lvs_nat_there_is_no_haproxy() -> None:
    assert list(expand(config("tcp/192.168.1.50:80", phase=Phase.LVS_NAT), RUN)) == []


def test_while_a_switch_runs_there_is_a_second_place_to_listen() -> None:
    lines = lines_of(config("tcp/192.168.1.50:80", phase=Phase.BOTH))

    assert [line for line in lines if line.startswith("bind")] == [
        "bind 192.168.1.50:80",
        "bind 192.168.1.50:10080",
    ]


def test_a_server_that_keeps_the_clients_port_gets_the_one_that_was_asked_for() -> None:
    wish = config("tcp/192.168.1.50:8000-8002,9000", phase=Phase.BOTH)
    keeps = (RealServer(Endpoint(SERVER.address, 0)),)
    wish = wish.with_services(tuple(replace(one, servers=keeps) for one in wish.services))

    lines = lines_of(wish)

    assert [line for line in lines if "dst_port" in line] == [
        "tcp-request connection set-dst-port dst_port,add(-10000) if { dst_port 18000:18002 }",
        "tcp-request connection set-dst-port dst_port,add(-10000) if { dst_port 19000:19000 }",
    ]


def test_side_ports_that_had_to_give_way_are_mapped_back_each_by_its_own_distance() -> None:
    wish = config("tcp/192.168.1.50:8000,8002", "tcp/192.168.1.50:18000", phase=Phase.BOTH)
    service = replace(wish.services[0], servers=(RealServer(Endpoint(SERVER.address, 0)),))

    lines = service_lines(wish, service, side_ports(wish))

    assert [line.strip() for line in lines if "dst_port" in line] == [
        "tcp-request connection set-dst-port dst_port,add(-10001) if { dst_port 18001:18001 }",
        "tcp-request connection set-dst-port dst_port,add(-10000) if { dst_port 18002:18002 }",
    ]


def test_a_seat_is_the_servers_key_in_lvs_nat() -> None:
    wish = config("tcp/192.168.1.50:80", "tcp/192.168.1.50:8000-8001")

    one, other = (one for one in expand(wish, RUN) if isinstance(one, ProxiedServer))

    assert one.seat == Key("server", "tcp/192.168.1.50:80 192.168.2.55:80")
    assert other.seat.name.startswith("fwmark/")


def test_timeouts_are_those_of_ipvs_so_that_both_modes_behave_alike() -> None:
    wish = replace(config("tcp/192.168.1.50:80"), ipvs=IpvsOptions(Timeouts(60, 30)))

    instance = next(iter(expand(wish, RUN)))

    assert isinstance(instance, HaproxyInstance)
    assert {"    timeout client 60s", "    timeout server-fin 30s"} <= set(instance.lines)


def test_local_clients_are_those_of_the_services_family() -> None:
    networks = tuple(map(ip_network, ("10.0.0.0/8", "fd00::/8")))
    wish = replace(config("tcp/192.168.1.50:80"), haproxy=HaproxyOptions(networks))

    assert "use_backend s1:local if { src 10.0.0.0/8 192.168.2.55 }" in lines_of(wish)


def test_many_local_clients_take_several_lines() -> None:
    servers = tuple(RealServer(Endpoint(SERVER.address + number, 80)) for number in range(70))
    wish = config("tcp/192.168.1.50:80")
    wish = wish.with_services((replace(wish.services[0], servers=servers),))

    words = [len(line.split()) for line in lines_of(wish) if line.startswith("use_backend")]

    assert len(words) == 3
    assert max(words) < 64


def test_ipv6_clients_of_a_network_count_as_one() -> None:
    wish = config("tcp/[fd00::1]:80")
    kept = replace(wish.services[0], persistence=Persistence(60, 64), servers=())

    lines = lines_of(wish.with_services((kept,)))

    assert "stick on src,ipmask(32,64)" in lines
    assert any(line.startswith("stick-table type ipv6 ") for line in lines)


def test_the_mode_of_a_file_with_no_switch_is_enough() -> None:
    wish = replace(config("tcp/192.168.1.50:80"), mode=Mode.HAPROXY_TPROXY, switching=None)

    assert [line for line in lines_of(wish) if line.startswith("bind")] == ["bind 192.168.1.50:80"]
