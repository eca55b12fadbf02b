"""Packets: what user data brings to a real server sends its replies through the director."""

from __future__ import annotations

from pathlib import Path

import pytest
from e2e import warm
from gateway_render.conftest import scripts_of, state
from labkit.host import Answer
from labkit.topology import Network

pytestmark = pytest.mark.e2e

CONFIG = """\
[[service]]
name = "web"
listen = "tcp/192.168.1.50:80"
servers = [ { address = "192.168.1.55:8080" } ]
[[service]]
name = "web6"
listen = "tcp/[fd00:1::50]:80"
servers = [ { address = "[fd00:1::55]:8080" } ]
"""


def test_boot_after_boot_replies_go_through_the_director(single: Network) -> None:
    server, client = single.rs(1), single.client
    server.serve_tcp(8080)
    (single.director.home / "lvsnat.toml").write_text(CONFIG)
    warm.run(single.director, "apply")
    data = warm.run(single.director, "aws", "user-data", "--role", "real-server").stdout
    scripts = scripts_of(data, server.home)
    vips = {single.vip: client.address, single.vip6: client.address6}
    for vip in vips:
        with pytest.raises((TimeoutError, ConnectionError)):
            client.ask_tcp(vip, 80, timeout=1)
    before = state(server)

    for script in scripts:
        server.run("sh", script, "start")

    made = state(server)
    heeded = [f"net.ipv4.conf.{name}.accept_redirects" for name in ("all", "eth0")]
    heeded.append("net.ipv6.conf.eth0.accept_redirects")
    assert server.run("sysctl", "-n", *heeded).stdout.split() == ["0"] * 3
    assert {vip: client.ask_tcp(vip, 80) for vip in vips} == {
        vip: Answer("rs1", address) for vip, address in vips.items()
    }
    assert server.run("ip", "route", "get", client.address).stdout.split()[2] == "192.168.1.1"
    for script in scripts:
        server.run("sh", script, "start")
    assert state(server) == made
    for script in scripts:
        server.run("sh", script, "stop")
    assert state(server) == before


def test_a_neighbour_of_the_server_is_served_too(single: Network) -> None:
    server = single.rs(1)
    server.serve_tcp(8080)
    (single.director.home / "lvsnat.toml").write_text(CONFIG)
    warm.run(single.director, "apply")
    data = warm.run(
        single.director, "aws", "user-data", "--role", "real-server", "--local-clients"
    ).stdout

    for script in scripts_of(data, server.home):
        server.run("sh", script, "start")

    for vip, address in (
        (single.vip, single.neighbour.address),
        (single.vip6, single.neighbour.address6),
    ):
        assert single.neighbour.ask_tcp(vip, 80) == Answer("rs1", address)


def test_a_director_that_is_no_neighbour_is_an_error(single: Network) -> None:
    server = single.rs(1)
    data = warm.run(server, "gateway", "render", "203.0.113.10", "--format", "cloud-init").stdout
    (script,) = scripts_of(data, server.home)
    # Not a minute of waiting.
    Path(script).write_text(Path(script).read_text().replace("tries=30", "tries=1"))

    done = server.run("sh", script, "start", check=False)

    assert done.returncode == 1
    assert "no network of this server holds the director 203.0.113.10" in done.stderr
