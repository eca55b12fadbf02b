"""A server whose replies do not come back, made for real: status and its live form flag it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from e2e.conftest import TOPOLOGIES, lvsnat
from e2e.daemon.watching import eventually
from e2e.doctor.ailing import configure, hanging, service
from labkit.tmux import tmux
from labkit.topology import Network

pytestmark = pytest.mark.e2e

LOGGING = """
import socket, sys, time
while True:
    # Another port is another flow: so each server gets some.
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for _ in range(50):
        out.sendto(b"<13>a line", (sys.argv[1], 514))
        time.sleep(0.01)
"""
SILENT = """
import socket
taking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
taking.bind(("0.0.0.0", 5514))
print("ready", flush=True)
while True:
    taking.recv(2000)
"""


@contextmanager
def director(topology: str, mode: str) -> Iterator[Network]:
    """A service that works, and one of logs that nobody answers."""
    with TOPOLOGIES[topology](servers=2) as net:
        for rs in net.servers:
            rs.serve_tcp(8080)
            rs.started("python3", "-c", SILENT)
        logs = service(net, name="logs", listen=f"udp/{net.vip}:514").replace(":8080", ":5514")
        configure(net, f'mode = "{mode}"\n{service(net)}{logs}')
        yield net


def flags(net: Network) -> tuple[str, list[str]]:
    """The return path as a whole, and the servers that are one-way."""
    document: dict[str, Any] = json.loads(lvsnat(net, "status", "-o", "json").stdout)
    found = [
        f"{web['name']} {server['address']}"
        for web in document["services"]
        for server in web["servers"]
        if server["one_way"]
    ]
    return document["return_path"], found


def flagged(screen: str) -> list[str]:
    """The servers that are one-way on a screen, once its head says that one is."""
    lines = [line.split() for line in screen.splitlines()]
    found = [line[0] for line in lines if line[1:2] == ["one-way"]]
    whole = "return path 1 server one-way" in screen and screen.count("one-way") == 1 + len(found)
    return found if whole else []


@pytest.mark.parametrize(
    ("topology", "mode"), [("dual-subnet", "lvs-nat"), ("single-subnet", "haproxy-tproxy")]
)
def test_a_server_that_loses_its_gateway_is_flagged_and_no_other(topology: str, mode: str) -> None:
    with director(topology, mode) as net:
        assert flags(net) == ("unknown", [])
        lost = f"{net.rs(2).address}:8080"
        for _ in net.servers:
            net.client.ask_tcp(net.vip, 80)
        sender = net.client.popen("python3", "-c", LOGGING, net.vip)
        with tmux(net.director, "lvsnat", "status", "--live", width=120, height=30) as terminal:
            terminal.until("return path ok")
            net.rs(2).run("ip", "route", "del", "default")
            with hanging(net.client, net.vip):
                eventually(lambda: flagged(terminal.screen()) == [lost])
                terminal.press("/", *"one-way", "Enter", "Down")
                terminal.until("filter: one-way (1 service)", lost)
                if mode == "lvs-nat":
                    # One look tells it, too: the kernel's rates have a memory, HAProxy has none.
                    eventually(lambda: flags(net) == ("one-way", [f"web {lost}"]))
                    words = (
                        f"one-way: web {lost}: packets in, none out",
                        "'lvsnat doctor' says why",
                    )
                    eventually(lambda: all(one in lvsnat(net, "status").stdout for one in words))

            assert sender.poll() is None
            net.rs(2).run("ip", "route", "add", "default", "via", net.gateway)
            for _ in range(4):
                net.client.ask_tcp(net.vip, 80)
            terminal.until("return path ok")
            eventually(lambda: flags(net) == ("ok", []))
