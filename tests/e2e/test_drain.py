"""A server leaves while clients talk to it: no connection is cut, no new one arrives."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from e2e.conftest import ipvsadm, lvsnat
from labkit.load import long_connections
from labkit.topology import Network

from lvsnat.errors import ExitCode

pytestmark = pytest.mark.e2e

FIRST = "192.168.2.55:8080"
UDP_CLIENT = """
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
s.connect((sys.argv[1], 53))
lost = 0
while True:
    s.send(b"who?")
    try:
        print(s.recv(100).decode().split()[0], lost, flush=True)
    except OSError:
        lost += 1
    time.sleep(0.05)
"""


@pytest.fixture
def net(dual: Network) -> Network:
    """Two servers behind a TCP and a UDP service."""
    for rs in dual.servers:
        rs.serve_tcp(8080)
        rs.serve_udp(8080)
    servers = '[{ address = "192.168.2.55:8080" }, { address = "192.168.2.56:8080" }]'
    (dual.director.home / "lvsnat.toml").write_text(
        "".join(
            f'[[service]]\nname = "{name}"\nlisten = "{listen}"\nscheduler = "rr"\n'
            f"servers = {servers}\n"
            for name, listen in (("web", f"tcp/{dual.vip}:80"), ("dns", f"udp/{dual.vip}:53"))
        )
    )
    lvsnat(dual, "apply")
    return dual


@contextmanager
def started(net: Network, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = net.director.popen("lvsnat", *arguments)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def weights(net: Network) -> list[str]:
    start = f"-a -t {net.vip}:80 -r "
    lines = [line.strip() for line in ipvsadm(net, "-Sn")]
    return [line.removeprefix(start) for line in lines if line.startswith(start)]


def test_connections_go_on_and_new_ones_go_elsewhere_until_it_is_idle(net: Network) -> None:
    with (
        long_connections(net.client, net.vip, 80, count=6) as load,
        started(net, "server", "drain", "web", FIRST, "--wait", "--remove") as drain,
    ):
        assert drain.stderr is not None
        said = iter(drain.stderr.readline, "")
        assert "3 active" in next(line for line in said if line.startswith("draining"))
        assert weights(net) == [f"{FIRST} -m -w 0", "192.168.2.56:8080 -m -w 1"]
        assert {net.client.ask_tcp(net.vip, 80).server for _ in range(4)} == {"rs2"}
        assert drain.poll() is None

        report = load.stop()
        rest = drain.communicate(timeout=240)[1]

    assert drain.returncode == ExitCode.DONE, rest
    assert report.breaks == 0
    assert set(report.servers) == {"rs1", "rs2"}
    assert weights(net) == ["192.168.2.56:8080 -m -w 1"]
    assert FIRST not in (net.director.home / "lvsnat.toml").read_text().split("[[service]]")[1]


def test_at_the_deadline_nothing_is_cut_and_enable_takes_it_back(net: Network) -> None:
    with long_connections(net.client, net.vip, 80, count=4) as load:
        # Removing a busy server is a drain first, too.
        refused = lvsnat(
            net, "server", "remove", "web", FIRST, "--deadline", "2s", code=ExitCode.FAILED
        )
        (web, _) = json.loads(lvsnat(net, "status", "-o", "json").stdout)["services"]
        lvsnat(net, "server", "enable", "web", FIRST)
        report = load.stop()

    assert f"{FIRST} is not idle after 2 s: 2 active" in refused.stderr
    assert web["servers"][0]["override"] == {"reason": "drained", "until": None}
    assert report.breaks == 0
    assert weights(net) == [f"{FIRST} -m -w 1", "192.168.2.56:8080 -m -w 1"]


def test_now_cuts_and_a_service_with_connections_needs_to_be_told(net: Network) -> None:
    with long_connections(net.client, net.vip, 80, count=4) as load:
        refused = lvsnat(net, "service", "remove", "web", code=ExitCode.REFUSED)
        lvsnat(net, "server", "remove", "web", FIRST, "--now")
        report = load.go_round()

    assert "4 active connections of service tcp/192.168.1.50:80 would be cut" in refused.stderr
    assert report.failures == {"ConnectionResetError": 2}


def test_a_busy_udp_client_moves_when_its_server_is_drained_and_removed(net: Network) -> None:
    client = net.client.popen(sys.executable, "-I", "-S", "-c", UDP_CLIENT, net.vip)
    assert client.stdout is not None
    first = client.stdout.readline().split()[0]
    address = {rs.name: rs.address for rs in net.servers}[first]

    lvsnat(net, "server", "drain", "dns", f"{address}:8080", "--remove")

    answers = iter(client.stdout.readline, "")
    moved = next(line.split() for line in answers if line.split()[0] != first)
    client.kill()
    assert moved[1] == "0", "datagrams were lost"
