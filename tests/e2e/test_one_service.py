"""One service from the command line to a real packet: the server sees the client's address."""

from __future__ import annotations

import json

import pytest
from e2e.conftest import ipvsadm, lvsnat
from labkit.host import Answer
from labkit.topology import Network

pytestmark = pytest.mark.e2e


def bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def add(net: Network, protocol: str, *, ipv6: bool = False) -> None:
    """Add a service with two real servers, of weight 1 each."""
    vip = net.vip6 if ipv6 else net.vip
    servers = [bracketed(rs.address6 if ipv6 else rs.address) for rs in net.servers]
    options = [word for server in servers for word in ("--server", f"{server}:8080")]
    lvsnat(
        net, "service", "add", "web", f"{protocol}/{bracketed(vip)}:80",
        "--scheduler", "rr", *options,
    )  # fmt: skip


@pytest.mark.parametrize("ipv6", [False, True], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_request_reaches_both_servers_with_the_clients_address(
    net: Network, protocol: str, *, ipv6: bool
) -> None:
    vip, client = (net.vip6, net.client.address6) if ipv6 else (net.vip, net.client.address)
    seen = [getattr(rs, f"serve_{protocol}")(8080) for rs in net.servers]
    ask = getattr(net.client, f"ask_{protocol}")

    add(net, protocol, ipv6=ipv6)
    answers = {ask(vip, 80) for _ in range(4)}

    assert answers == {Answer("rs1", client), Answer("rs2", client)}
    assert [server.seen() for server in seen] == [[client, client], [client, client]]


def test_an_http_request_reaches_a_server_with_the_clients_address(net: Network) -> None:
    for rs in net.servers:
        rs.serve_http(8080)

    add(net, "tcp")

    assert net.client.ask_http(net.vip, 80).client == net.client.address


def test_ipvsadm_reads_back_what_was_added(dual: Network) -> None:
    add(dual, "tcp")

    assert ipvsadm(dual, "-Sn") == [
        "-A -t 192.168.1.50:80 -s rr",
        "-a -t 192.168.1.50:80 -r 192.168.2.55:8080 -m -w 1",
        "-a -t 192.168.1.50:80 -r 192.168.2.56:8080 -m -w 1",
    ]


def test_the_host_is_made_ready_and_put_back(dual: Network) -> None:
    def forwarding() -> str:
        return dual.director.run("sysctl", "-n", "net.ipv4.ip_forward").stdout.strip()

    def addresses() -> str:
        return dual.director.run("ip", "-o", "address").stdout

    before = dual.director.run("sysctl", "-a", "--pattern", r"net\.ipv[46]\.conf").stdout
    assert (forwarding(), dual.vip in addresses()) == ("0", False)

    add(dual, "tcp")
    assert (forwarding(), f"{dual.vip}/32" in addresses()) == ("1", True)

    lvsnat(dual, "service", "remove", "web", "--force")
    assert (forwarding(), dual.vip in addresses()) == ("0", False)
    assert dual.director.run("sysctl", "-a", "--pattern", r"net\.ipv[46]\.conf").stdout == before


def test_drift_by_hand_is_shown_and_repaired(dual: Network) -> None:
    add(dual, "tcp")
    wished = ipvsadm(dual, "-Sn")
    ipvsadm(dual, "-d", "-t", f"{dual.vip}:80", "-r", "192.168.2.56:8080")
    ipvsadm(dual, "-e", "-t", f"{dual.vip}:80", "-r", "192.168.2.55:8080", "-m", "-w", "7")
    ipvsadm(dual, "-a", "-t", f"{dual.vip}:80", "-r", "192.168.2.99:8080", "-m")

    drift = lvsnat(dual, "plan", "--exit-code", code=3).stdout
    lvsnat(dual, "apply")

    assert "192.168.2.55:8080" in drift
    assert "192.168.2.56:8080" in drift
    assert "192.168.2.99:8080" in drift
    assert sorted(ipvsadm(dual, "-Sn")) == sorted(wished)
    lvsnat(dual, "plan", "--exit-code")


def test_a_service_of_somebody_else_is_shown_and_left_alone(dual: Network) -> None:
    ipvsadm(dual, "-A", "-u", f"{dual.vip}:53", "-s", "wlc")
    add(dual, "tcp")
    services = json.loads(lvsnat(dual, "status", "-o", "json").stdout)["services"]

    lvsnat(dual, "service", "remove", "web", "--force")

    assert {service["listen"]: service["state"] for service in services} == {
        "tcp/192.168.1.50:80": "in-sync",
        "udp/192.168.1.50:53": "unmanaged",
    }
    assert ipvsadm(dual, "-Sn") == ["-A -u 192.168.1.50:53 -s wlc"]


def test_a_service_that_exists_is_taken_over_only_when_told(dual: Network) -> None:
    ipvsadm(dual, "-A", "-t", f"{dual.vip}:80", "-s", "wlc")
    arguments = ("service", "add", "web", "tcp/192.168.1.50:80", "--scheduler", "rr")

    refused = lvsnat(dual, *arguments, code=4)
    lvsnat(dual, *arguments, "--adopt")

    assert "somebody else" in refused.stderr
    assert "--adopt" in refused.stderr
    assert ipvsadm(dual, "-Sn") == ["-A -t 192.168.1.50:80 -s rr"]


def test_servers_come_and_go(dual: Network) -> None:
    add(dual, "tcp")

    lvsnat(dual, "server", "add", "web", "192.168.2.57:8080", "--weight", "3")
    lvsnat(dual, "server", "remove", "web", "192.168.2.55:8080")

    assert ipvsadm(dual, "-Sn")[1:] == [
        "-a -t 192.168.1.50:80 -r 192.168.2.56:8080 -m -w 1",
        "-a -t 192.168.1.50:80 -r 192.168.2.57:8080 -m -w 3",
    ]


def test_counters_of_a_request_are_shown(dual: Network) -> None:
    for rs in dual.servers:
        rs.serve_tcp(8080)
    add(dual, "tcp")
    for _ in range(4):
        dual.client.ask_tcp(dual.vip, 80)

    (web,) = json.loads(lvsnat(dual, "status", "-o", "json").stdout)["services"]

    assert web["name"] == "web"
    assert [server["state"] for server in web["servers"]] == ["in-sync", "in-sync"]
    held = [server["stats"] for server in web["servers"]]
    assert [one["active"] + one["inactive"] for one in held] == [2, 2]


def test_a_dry_run_changes_nothing(dual: Network) -> None:
    shown = lvsnat(dual, "service", "add", "web", "tcp/192.168.1.50:80", "--dry-run").stdout

    assert "tcp/192.168.1.50:80" in shown
    assert ipvsadm(dual, "-Sn") == []
    assert not (dual.director.home / "lvsnat.toml").exists()


def test_after_a_reboot_apply_makes_everything_again(dual: Network) -> None:
    add(dual, "tcp")
    wished = ipvsadm(dual, "-Sn")
    ipvsadm(dual, "-C")

    lvsnat(dual, "server", "add", "web", "192.168.2.57:8080")
    lvsnat(dual, "apply")

    assert ipvsadm(dual, "-Sn") == [*wished, "-a -t 192.168.1.50:80 -r 192.168.2.57:8080 -m -w 1"]
