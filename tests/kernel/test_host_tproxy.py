"""The chains of haproxy-tproxy and of a switch on a real kernel: read back, and under traffic.

A plain server on the director stands for HAProxy where a test is about where connections go.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network

import pytest
from e2e.conftest import lvsnat
from labkit.load import long_connections, short_connections
from labkit.topology import Network, dual_subnet

from lvsnat.config.parse import parse_config
from lvsnat.host import nft
from lvsnat.host.backend import HostBackend
from lvsnat.host.export import script
from lvsnat.host.table import NftTable, table_for
from lvsnat.model.config import Config, HaproxyOptions, HostOptions
from lvsnat.model.endpoint import parse_listener
from lvsnat.model.phase import Phase
from lvsnat.model.service import VirtualService
from lvsnat.plan.change import Create, Update
from lvsnat.system import run

pytestmark = pytest.mark.kernel

LISTENERS = (
    "tcp/192.168.1.50:80",
    "tcp/192.168.1.50:443",
    "tcp/[2001:db8::50]:80",
    "tcp/192.168.1.51:8000-8010,9000",
    "tcp/[2001:db8::51]:8000-8010",
    "udp/192.168.1.50:5000-5010",
    "fwmark/8",
)


def config(phase: Phase, *listeners: str, mark: int = 1) -> Config:
    services = tuple(
        VirtualService(f"s{number}", parse_listener(listen))
        for number, listen in enumerate(listeners)
    )
    host = HostOptions(egress="masquerade", egress_networks=(ip_network("192.168.2.0/24"),))
    return Config(services=services, host=host, haproxy=HaproxyOptions(mark=mark), switching=phase)


def table(wish: Config) -> NftTable:
    found = table_for(wish)
    assert found is not None
    return found


@pytest.mark.usefixtures("fresh_netns")
@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("mark", [1, 0x10000000])
def test_the_table_of_each_phase_reads_back_as_the_same(phase: Phase, mark: int) -> None:
    wish = table(config(phase, *LISTENERS, mark=mark))

    HostBackend().apply([Create(wish)], lambda _: None)

    assert nft.observe() == wish


@pytest.mark.usefixtures("fresh_netns")
def test_every_switch_of_phases_is_one_replacement() -> None:
    phases = [Phase.LVS_NAT, Phase.BOTH, Phase.PROXY_STEERED, Phase.PROXY_SETTLING,
              Phase.HAPROXY_TPROXY, Phase.PROXY_STEERED, Phase.BOTH, Phase.IPVS_SETTLING,
              Phase.LVS_NAT]  # fmt: skip
    tables = [table(config(phase, *LISTENERS)) for phase in phases]

    HostBackend().apply([Create(tables[0])], lambda _: None)
    for before, after in itertools.pairwise(tables):
        HostBackend().apply([Update(before, after)], lambda _: None)
        assert nft.observe() == after


@pytest.mark.usefixtures("fresh_netns")
def test_nft_shows_the_new_rules_in_the_words_of_the_plan() -> None:
    wish = table(config(Phase.BOTH, *LISTENERS))
    HostBackend().apply([Create(wish)], lambda _: None)

    shown = run(["nft", "-s", "list", "table", "inet", "lvsnat"]).stdout

    # One version of nft writes the flags as the next one does not, and marks with all their zeros.
    shown = shown.replace("0x00000001", "0x1")
    shown = shown.replace("flags & (fin | syn | rst | ack) == syn", "flags syn / fin,syn,rst,ack")
    for chain in ("divert", "keepct", "switch"):
        for rule in wish.settings()[chain].split("; "):
            assert rule in shown


@pytest.mark.usefixtures("fresh_netns")
@pytest.mark.parametrize("phase", [*Phase])
def test_the_exported_text_is_the_same_table_and_loads_again(phase: Phase) -> None:
    wish = config(phase, *LISTENERS)
    for check in (["-c"], [], []):
        done = run(["nft", *check, "-f", "-"], stdin=script(wish))
        assert (done.returncode, done.stderr) == (0, "")

    assert nft.observe() == table_for(wish)


@pytest.fixture(scope="module")
def net() -> Iterator[Network]:
    """IPVS before two servers; what listens on a side port of the director says so."""
    with dual_subnet(servers=2) as network:
        first, second = network.servers
        for server in network.servers:
            server.serve_tcp(80)
            server.serve_tcp(8005)
        words = f"web tcp/{network.vip}:80 --server {first.address}:80"
        words6 = f"web6 tcp/[{network.vip6}]:80 --server [{first.address6}]:80"
        several = f"more tcp/{network.vip}:8000-8010 --server {second.address}:0"
        for one in (words, words6, several):
            lvsnat(network, "service", "add", *one.split())
        for port in (10080, 18005):
            network.director.serve_tcp(port)
        yield network


def load(net: Network, phase: Phase) -> None:
    """Replace the director's table as the backend does."""
    wish = parse_config((net.director.home / "lvsnat.toml").read_text(), "lvsnat.toml")
    place = {"table": {"family": "inet", "name": "lvsnat"}}
    commands: list[object] = [{"add": place}, {"delete": place}]
    commands += [{"add": json.loads(one)} for one in table(replace(wish, switching=phase)).objects]
    net.director.run("nft", "-j", "-f", "-", input=json.dumps({"nftables": commands}))


@pytest.mark.parametrize("family", [4, 6])
def test_connections_of_either_side_live_through_steering_and_its_end(
    net: Network, family: int
) -> None:
    vip = net.vip if family == 4 else net.vip6
    load(net, Phase.LVS_NAT)

    with (
        short_connections(net.client, vip, 80) as stream,
        long_connections(net.client, vip, 80, count=5) as old,
    ):
        load(net, Phase.BOTH)
        assert net.client.ask_tcp(vip, 80).server == "director"
        with long_connections(net.client, vip, 80, count=5) as steered:
            old.go_round(2)
            for _ in range(20):
                load(net, Phase.BOTH)
            steered.go_round(2)
            load(net, Phase.IPVS_SETTLING)
            assert net.client.ask_tcp(vip, 80).server == "rs1"
            old.go_round(2)
            steered.go_round(2)
            for _ in range(20):
                load(net, Phase.IPVS_SETTLING)
            steered.go_round(2)
        load(net, Phase.LVS_NAT)
        old.go_round(2)

    assert old.report.breaks == steered.report.breaks == stream.report.breaks == 0
    assert steered.report.servers.keys() == {"director"}
    assert old.report.servers.keys() == {"rs1"}
    assert stream.report.servers.keys() == {"director", "rs1"}


def test_connections_to_several_ports_are_steered_although_ipvs_knows_them_by_a_mark(
    net: Network,
) -> None:
    load(net, Phase.LVS_NAT)

    with long_connections(net.client, net.vip, 8005, count=5) as old:
        load(net, Phase.BOTH)
        assert net.client.ask_tcp(net.vip, 8005).server == "director"
        with long_connections(net.client, net.vip, 8005, count=5) as steered:
            old.go_round(2)
            load(net, Phase.IPVS_SETTLING)
            assert net.client.ask_tcp(net.vip, 8005).server == "rs2"
            old.go_round(2)
            steered.go_round(2)

    assert old.report.breaks == steered.report.breaks == 0
    assert steered.report.servers.keys() == {"director"}
    assert old.report.servers.keys() == {"rs2"}
