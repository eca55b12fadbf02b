"""A server that has the client's port, behind HAProxy: which port it is asked on, and by whom."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from e2e.conftest import lvsnat
from labkit.topology import Network

from lvsnat.haproxy.mapping import expand
from lvsnat.haproxy.text import render
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Endpoint, PortRange, PortsListener, Protocol
from lvsnat.model.health import HealthCheck
from lvsnat.model.phase import Phase
from lvsnat.model.service import Persistence, RealServer, VirtualService

pytestmark = pytest.mark.e2e

DIVERT = r"""
table inet divert {{
  chain divert {{
    type filter hook prerouting priority mangle; policy accept;
    meta l4proto tcp socket wildcard 1 return
    meta l4proto tcp socket transparent 1 meta mark set meta mark or 0x1 accept
  }}
  chain steer {{
    type nat hook prerouting priority dstnat; policy accept;
    {ip} daddr {vip} tcp dport 8001 tcp flags & (syn|ack) == syn counter \
      dnat {ip} to {place}:18001
  }}
}}
"""


@pytest.fixture(params=["ipv4", "ipv6"])
def asked(request: pytest.FixtureRequest, dual: Network, tmp_path: Path) -> Iterator[Asked]:
    asked = Asked(dual, ipv6=request.param == "ipv6")
    asked.start(tmp_path)
    yield asked
    asked.stop(tmp_path)


class Asked:
    """HAProxy in the midst of a switch, before a server that answers on ports 8000 and 8001."""

    def __init__(self, net: Network, *, ipv6: bool) -> None:
        self.net = net
        self.vip = net.vip6 if ipv6 else net.vip
        self.client = net.client.address6 if ipv6 else net.client.address
        self.server = net.rs(1).address6 if ipv6 else net.rs(1).address
        self.ip = "ip6" if ipv6 else "ip"
        self.place = f"[{self.vip}]" if ipv6 else self.vip
        self.family = "-6" if ipv6 else "-4"
        self.logs = {port: net.rs(1).serve_tcp(port) for port in (8000, 8001)}

    def start(self, folder: Path) -> None:
        director = self.net.director
        # Any service of lvsnat's brings the VIP and the settings for forwarding.
        lvsnat(self.net, "service", "add", "dns", f"udp/{self.place}:53")
        director.run("ip", self.family, "rule", "add", "pref", "100", "fwmark", "1", "lookup", "99")
        local = ("local", "default", "dev", "lo", "table", "99")
        director.run("ip", self.family, "route", "add", *local)
        listen = PortsListener(Protocol.TCP, ip_address(self.vip), (PortRange(8000, 8001),))
        server = RealServer(Endpoint(ip_address(self.server), 0))
        service = VirtualService(
            "web", listen, persistence=Persistence(60), servers=(server,), check=HealthCheck()
        )
        text = render(expand(Config(services=(service,), switching=Phase.BOTH), folder))
        (folder / "haproxy.cfg").write_text(text)
        director.run("haproxy", "-D", "-f", f"{folder}/haproxy.cfg", "-p", f"{folder}/pid")

    def steer(self, folder: Path) -> None:
        """Send new connections to the side port, as a switch does."""
        rules = DIVERT.format(ip=self.ip, vip=self.vip, place=self.place)
        (folder / "rules").write_text(rules)
        self.net.director.run("nft", "-f", f"{folder}/rules")

    def was_steered(self) -> bool:
        shown = self.net.director.run("nft", "list", "table", "inet", "divert").stdout
        return "counter packets" in shown and "packets 0 " not in shown

    def stop(self, folder: Path) -> None:
        self.net.director.run("kill", (folder / "pid").read_text().strip())

    def seen(self, port: int) -> dict[int, list[str]]:
        """Ask once, and give the clients that each port of the server has seen."""
        self.net.client.ask_tcp(self.vip, port)
        return {port: log.seen() for port, log in self.logs.items()}


def test_the_server_is_asked_on_the_clients_port(asked: Asked, tmp_path: Path) -> None:
    asked.steer(tmp_path)

    assert asked.seen(8000) == {8000: [asked.client], 8001: []}


def test_a_redirected_client_gets_the_port_that_it_asked_for(asked: Asked, tmp_path: Path) -> None:
    asked.steer(tmp_path)

    assert asked.seen(8001) == {8000: [], 8001: [asked.client]}
    assert asked.was_steered()


def test_a_client_of_the_side_port_gets_the_port_that_it_stands_for(
    asked: Asked, tmp_path: Path
) -> None:
    asked.steer(tmp_path)

    assert asked.seen(18000) == {8000: [asked.client], 8001: []}
