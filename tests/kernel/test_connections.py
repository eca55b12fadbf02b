"""The kernel's own connections, seen by lvsnat and by ipvsadm."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from e2e.conftest import ipvsadm, lvsnat
from labkit.load import long_connections
from labkit.outside import soon
from labkit.topology import Network, dual_subnet

pytestmark = pytest.mark.kernel

COLUMNS = ("state", "client", "virtual", "server")


@pytest.fixture(scope="module")
def net() -> Iterator[Network]:
    """Real servers that answer, and a service of each kind."""
    with dual_subnet(servers=2) as network:
        first, second = network.servers
        for server in network.servers:
            server.serve_tcp(8080)
        for words in (
            f"web tcp/{network.vip}:80 --persistent 300/24 --server {first.address}:8080",
            f"web6 tcp/[{network.vip6}]:80 --server [{first.address6}]:8080",
            f"long tcp/{network.vip}:81 --server {second.address}:8080",
            f"silent tcp/{network.vip}:82 --server 192.168.2.99:8080",
            f"sip udp/{network.vip}:5060 --persistent 60 --server {second.address}:5060",
        ):
            lvsnat(network, "service", "add", *words.split())
        lvsnat(network, "server", "set", "long", f"{second.address}:8080", "--upper", "100")
        sip = ["ipvsadm", "-E", "-u", f"{network.vip}:5060", "-s", "wlc", "-p", "60", "--pe", "sip"]
        network.director.run(*sip)
        yield network


def document(net: Network, *arguments: str) -> Any:  # noqa: ANN401 - what JSON holds
    return json.loads(lvsnat(net, *arguments, "-o", "json").stdout)


def connections(net: Network, *options: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document(net, "connections", *options)["connections"]
    return found


def test_connections_are_those_of_ipvsadm(net: Network) -> None:
    assert net.client.ask_tcp(net.vip, 80).server == "rs1"
    assert net.client.ask_tcp(net.vip6, 80).server == "rs1"

    with long_connections(net.client, net.vip, 81, count=3):
        seen: set[tuple[str, ...]] = set()
        oracle, oracle_after = seen, None
        # Those that were closed go from one state to the next meanwhile.
        while oracle_after != oracle:
            oracle = oracle_of(net)
            seen = {
                (one["protocol"].upper(), *(one[column] for column in COLUMNS))
                for one in connections(net)
            }
            oracle_after = oracle_of(net)

    assert seen == oracle
    assert len(seen) >= 6


def oracle_of(net: Network) -> set[tuple[str, ...]]:
    """The connections as ipvsadm has them; how soon they expire left out."""
    lines = [line.split() for line in ipvsadm(net, "-Lnc")[2:]]
    return {(words[0], *words[2:6]) for words in lines}


def test_services_have_their_names(net: Network) -> None:
    net.client.ask_tcp(net.vip, 80)
    net.client.ask_tcp(net.vip6, 80)

    assert {one["service"] for one in connections(net)} >= {"web", "web6"}
    assert connections(net, "--service", "web6")[0]["listen"] == f"tcp/[{net.vip6}]:80"


def test_a_template_is_told_from_a_connection(net: Network) -> None:
    net.client.ask_tcp(net.vip, 80)

    (template,) = (one for one in connections(net, "--service", "web") if one["template"])

    assert (template["client"], template["state"]) == ("203.0.113.0:0", "ASSURED")


def test_a_persistence_engines_data_is_shown(net: Network) -> None:
    invite = "INVITE sip:x@y SIP/2.0\\r\\nCall-ID: abc-123@host\\r\\nCSeq: 1 INVITE\\r\\n\\r\\n"
    send = f"import socket; socket.socket(2, 2).sendto(b'{invite}', ('{net.vip}', 5060))"
    net.client.run("python", "-c", send)
    assert soon(lambda: connections(net, "--service", "sip"))

    (template,) = (one for one in connections(net, "--service", "sip") if one["template"])

    assert (template["engine"], template["engine_data"]) == ("sip", "abc-123@host")


def test_a_server_that_is_silent_leaves_syn_recv(net: Network) -> None:
    knocking = net.client.popen("bash", "-c", f"exec 3<>/dev/tcp/{net.vip}/82")
    syn_recv = ("--state", "SYN_RECV", "--client", "203.0.113.0/24")
    assert soon(lambda: connections(net, *syn_recv))

    (stuck,) = connections(net, *syn_recv)
    groups = document(net, "connections", "--by", "server", "--state", "SYN_RECV")["groups"]
    knocking.kill()

    assert (stuck["service"], stuck["server"]) == ("silent", "192.168.2.99:8080")
    assert groups == [{"server": "192.168.2.99:8080", "connections": 1, "templates": 0}]


def test_status_holds_connections_against_the_limit(net: Network) -> None:
    with long_connections(net.client, net.vip, 81, count=3):
        lines = lvsnat(net, "status", "long").stdout.splitlines()

    (held,) = (word for line in lines for word in line.split() if word.endswith("/100"))
    assert int(held.removesuffix("/100")) >= 3


def test_counters_are_shown_and_zeroed(net: Network) -> None:
    # One datagram that nobody answers: of a connection, the end may be counted after the zero.
    service = ("service", "add", "once", f"udp/{net.vip}:9", "--server", "192.168.2.99:9")
    lvsnat(net, *service)
    net.client.run("bash", "-c", f"echo once >/dev/udp/{net.vip}/9")
    # The estimator copies the counters every two seconds, each of them in a turn of its own.
    assert soon(lambda: counted(document(net, "stats", "once")) == (1, 1))

    before = document(net, "stats", "once", "--zero")
    after = document(net, "stats", "once")

    assert before["zeroed"] == ["once"]
    assert (counted(before), counted(after)) == ((1, 1), (0, 0))


def counted(stats: Any) -> tuple[int, int]:  # noqa: ANN401 - what JSON holds
    """The connections of the first service, and the packets in of its first server."""
    service = stats["services"][0]
    server = service["servers"][0]
    return service["stats"]["totals"]["connections"], server["stats"]["totals"]["packets_in"]


def test_a_kernel_that_estimates_nothing_is_noticed(net: Network) -> None:
    knob = "net.ipv4.vs.run_estimation"
    assert document(net, "status")["table"]["estimating"] is True
    net.director.run("sysctl", "-w", f"{knob}=0")

    try:
        assert document(net, "status")["table"]["estimating"] is False
        assert "rates and counters stand still" in lvsnat(net, "stats").stdout
    finally:
        net.director.run("sysctl", "-w", f"{knob}=1")


def test_a_kernel_with_a_limit_says_how_full_its_table_is(net: Network) -> None:
    table = document(net, "status")["table"]
    limit = net.director.run("sysctl", "-n", "net.ipv4.vs.conn_max", check=False)
    if limit.returncode:
        assert table["limit"] is None
        return

    assert table["limit"] == int(limit.stdout)
    assert table["connections"] >= document(net, "connections", "--count")["connections"]


def test_mode_is_in_sync_with_the_host(net: Network) -> None:
    found = document(net, "mode")

    assert (found["mode"], found["in_sync"]) == ("lvs-nat", True)
    assert "sysctl net.ipv4.ip_forward" in [thing["what"] for thing in found["host"]]
