"""The topologies, in a real kernel: they connect what they should, and leave nothing behind."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from labkit.errors import LabError
from labkit.layout import Layout, Shape
from labkit.load import long_connections, short_connections
from labkit.outside import soon
from labkit.topology import Network, dual_subnet, laid_out, single_subnet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from labkit.host import Answer, Host

pytestmark = pytest.mark.kernel


@dataclass(frozen=True)
class Family:
    """One of the two families, to write a test once for both."""

    name: str

    def of(self, host: Host) -> str:
        return host.address if self.name == "v4" else host.address6

    def vip(self, net: Network) -> str:
        return net.vip if self.name == "v4" else net.vip6

    @staticmethod
    def endpoint(address: str, port: int) -> str:
        return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


@pytest.fixture(params=["v4", "v6"])
def family(request: pytest.FixtureRequest) -> Family:
    return Family(request.param)


@pytest.fixture(scope="module", params=list(Shape), ids=str)
def net(request: pytest.FixtureRequest) -> Iterator[Network]:
    with laid_out(Layout(request.param)) as network:
        yield network


@pytest.fixture(scope="module")
def forwarding(net: Network) -> Network:
    net.director.sysctl(
        ipv4__ip_forward=1,
        ipv6__conf__all__forwarding=1,
        # Both, because one that is left on lets the servers' replies go past the director.
        ipv4__conf__all__send_redirects=0,
        ipv4__conf__eth0__send_redirects=0,
    )
    return net


def test_the_client_reaches_the_director(net: Network, family: Family) -> None:
    net.client.run("ping", "-c1", "-W30", family.of(net.director))


def test_a_server_reaches_the_client_through_the_director(
    forwarding: Network, family: Family
) -> None:
    forwarding.rs(1).run("ping", "-c1", "-W30", family.of(forwarding.client))


def test_every_server_names_itself_and_its_peer(net: Network, family: Family) -> None:
    server = net.rs(2)
    address = family.of(server)
    peers = [server.serve_tcp(7001), server.serve_udp(7001), server.serve_http(7002)]

    answers = [
        net.director.ask_tcp(address, 7001),
        net.director.ask_udp(address, 7001),
        net.director.ask_http(address, 7002),
    ]

    assert {answer.server for answer in answers} == {"rs2"}
    assert len({answer.client for answer in answers}) == 1
    assert [peer.seen()[-1] for peer in peers] == [answer.client for answer in answers]
    for peer in peers:
        peer.stop()


def test_an_http_server_can_be_unwell(net: Network) -> None:
    server = net.rs(1).serve_http(7003, status=503)

    with pytest.raises(OSError, match="503"):
        net.director.ask_http(net.rs(1).address, 7003)

    server.stop()


def test_a_server_that_was_stopped_refuses(net: Network) -> None:
    net.rs(1).serve_tcp(7004).stop()

    with pytest.raises(ConnectionRefusedError, match="director asked tcp"):
        net.director.ask_tcp(net.rs(1).address, 7004)


def test_an_address_that_nobody_has_times_out(forwarding: Network) -> None:
    with pytest.raises((TimeoutError, OSError)):
        forwarding.client.ask_udp(forwarding.vip, 7005, timeout=0.3)


@pytest.fixture(scope="module")
def balanced(forwarding: Network) -> Network:
    """IPVS by hand: the VIP's port 80, TCP and UDP in both families, to all servers in turn."""
    director = forwarding.director
    director.run("ip", "addr", "add", f"{forwarding.vip}/32", "dev", "eth0")
    director.run("ip", "addr", "add", f"{forwarding.vip6}/128", "dev", "eth0", "nodad")
    for family in (Family("v4"), Family("v6")):
        service = family.endpoint(family.vip(forwarding), 80)
        for protocol in ("-t", "-u"):
            director.run("ipvsadm", "-A", protocol, service, "-s", "rr")
            for server in forwarding.servers:
                real = family.endpoint(family.of(server), 80)
                director.run("ipvsadm", "-a", protocol, service, "-r", real, "-m")
    for server in forwarding.servers:
        server.serve_tcp(80)
        server.serve_udp(80)
    return forwarding


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_behind_ipvs_a_server_sees_the_clients_own_address(
    balanced: Network, family: Family, protocol: str
) -> None:
    client = balanced.client
    asks = {"tcp": client.ask_tcp, "udp": client.ask_udp}

    answers: list[Answer] = [asks[protocol](family.vip(balanced), 80) for _ in range(4)]

    assert {answer.client for answer in answers} == {family.of(client)}
    assert {answer.server for answer in answers} == {"rs1", "rs2"}


def test_traffic_that_nothing_disturbs_is_never_broken(balanced: Network) -> None:
    with (
        long_connections(balanced.client, balanced.vip, 80, count=6) as long,
        short_connections(balanced.client, balanced.vip6, 80) as short,
    ):
        long.go_round(times=2)
        assert soon(lambda: set(short.look().servers) == {"rs1", "rs2"})

    assert long.report.breaks == short.report.breaks == 0
    assert set(long.report.servers) == {"rs1", "rs2"}
    assert long.report.answers > 12


def test_long_connections_tell_of_a_break(balanced: Network) -> None:
    extra = balanced.rs(1).serve_tcp(7006)
    with long_connections(balanced.director, balanced.rs(1).address, 7006, count=3) as load:
        extra.stop()
        assert soon(lambda: load.look().breaks == 3)

    assert load.report.breaks == 3


def test_short_connections_tell_of_failures(balanced: Network) -> None:
    with short_connections(balanced.director, balanced.rs(1).address, 7007) as load:
        assert soon(lambda: load.look().breaks > 1)

    assert load.report.answers == 0
    assert set(load.report.failures) == {"ConnectionRefusedError"}


def _namespaces() -> set[str]:
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True)
    return set(listed.stdout.split("\n"))


def _fail_in(shape: Shape, started: list[subprocess.Popen[str]]) -> None:
    with laid_out(Layout(shape, servers=1)) as net:
        started.append(net.client.popen("sleep", "1000"))
        raise RuntimeError(net.client.home)


@pytest.mark.parametrize("shape", list(Shape), ids=str)
def test_nothing_stays_behind_when_a_test_fails(shape: Shape) -> None:
    before = _namespaces()
    started: list[subprocess.Popen[str]] = []

    with pytest.raises(RuntimeError) as caught:
        _fail_in(shape, started)

    assert _namespaces() == before
    assert [process.poll() for process in started] == [-9]
    assert not Path(str(caught.value)).exists()


def test_two_topologies_live_at_once() -> None:
    with single_subnet(servers=1, ipv6=False) as one, single_subnet(servers=1, ipv6=False) as two:
        one.rs(1).serve_tcp(80)

        assert one.director.ask_tcp(one.rs(1).address, 80).server == "rs1"
        with pytest.raises(ConnectionRefusedError):
            two.director.ask_tcp(two.rs(1).address, 80)


def test_a_second_director_and_a_neighbour_are_in_the_picture() -> None:
    with dual_subnet(servers=3, directors=2, neighbour=True) as net:
        net.rs(3).serve_tcp(80)

        seen = {host.name: host.ask_tcp(net.rs(3).address, 80).client
                for host in (net.director2, net.neighbour)}  # fmt: skip

    assert seen == {"director2": "192.168.2.11", "neighbour": "192.168.2.200"}


def test_without_ipv6_there_is_none() -> None:
    with dual_subnet(servers=1, ipv6=False) as net:
        shown = net.director.run("ip", "-6", "addr", "show", "scope", "global").stdout

    assert shown == ""
    assert net.vip6 == net.gateway6 == net.director.address6 == ""


def test_a_command_that_fails_says_where_and_why() -> None:
    with single_subnet(servers=1, ipv6=False) as net:
        with pytest.raises(LabError, match=r"rs1: ls /nowhere failed \(2\): .*No such file"):
            net.rs(1).run("ls", "/nowhere")

        assert net.rs(1).run("false", check=False).returncode == 1


def test_each_host_has_files_of_its_own() -> None:
    with single_subnet(servers=1, ipv6=False) as net:
        told = net.director.run("sh", "-c", "echo $LVSNAT_CONFIG; ls -d $LVSNAT_RUN_DIR").stdout

        assert told.split() == [str(net.director.home / "lvsnat.toml"), f"{net.director.home}/run"]
