"""What happens to connections that exist while a director is changed under traffic.

The table of docs/explanation/connections-and-changes.md, a test for each row: 50 long connections,
and short ones all the time, meet no failure that the row does not call unavoidable. The rows of one
value of ``expire_nodest_conn`` share their traffic, which goes on from row to row.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from e2e.conftest import ipvsadm, lvsnat
from e2e.mode.switching import hundred_more
from labkit.load import Load, Report, flows, long_connections, short_connections
from labkit.topology import Network, dual_subnet

pytestmark = pytest.mark.e2e

LONG = 50
HOST_SETTINGS = ("net.ipv4.ip_forward=1", "net.ipv4.conf.all.send_redirects=0")
WEB = "tcp/192.168.1.50:80"
DNS = "udp/192.168.1.50:53"
FIRST, SECOND, THIRD = (f"192.168.2.{number}:8080" for number in (55, 56, 57))

# The settings are set by hand, so that expire_nodest_conn can be what lvsnat would not choose.
CONFIGURATION = f"""
[host]
manage_sysctl = false

[[service]]
name = "web"
listen = "{WEB}"
scheduler = "rr"
servers = [{{ address = "{FIRST}" }}, {{ address = "{SECOND}" }}]

[[service]]
name = "dns"
listen = "{DNS}"
scheduler = "rr"
servers = [{{ address = "{FIRST}" }}, {{ address = "{SECOND}" }}]
"""

# What is asked of the kernel is the same in three listeners and endpoints, and nothing else is.
OTHERWISE = f"""
# another file
[host]
manage_sysctl = false

[ipvs]
timeouts = {{ tcp = 600, udp = 200 }}

[[service]]
name = "sip"
listen = "udp/192.168.1.50:5060"
scheduler = "lc"
servers = [{{ address = "192.168.2.55:5060", weight = 7 }}]

[[service]]
name = "names"
listen = "{DNS}"
scheduler = "wlc"
servers = [{{ address = "{SECOND}", weight = 2 }}, {{ address = "{FIRST}", weight = 4 }}]

[[service]]
name = "shop"
listen = "{WEB}"
scheduler = "wrr"
persistence = {{ timeout = 120, netmask = 24 }}
servers = [
  {{ address = "{SECOND}", weight = 3, upper = 60000, lower = 50000 }},
  {{ address = "{FIRST}", weight = 2, upper = 55000 }},
]
"""


@dataclass(frozen=True)
class Scene:
    """A director under traffic."""

    net: Network
    nodest: int
    """expire_nodest_conn"""
    long: Load
    short: Load
    udp: Load

    def loads(self) -> tuple[Load, Load, Load]:
        return self.long, self.short, self.udp

    def rewrite(self, text: str) -> None:
        """Apply another configuration, as somebody does who edits the file."""
        file = self.net.director.home / "other.toml"
        file.write_text(text)
        lvsnat(self.net, "apply", str(file))


@contextmanager
def director(nodest: int) -> Iterator[Network]:
    """A director that forwards; three servers answer TCP and UDP."""
    with dual_subnet(servers=3, ipv6=False) as net:
        settings = (*HOST_SETTINGS, f"net.ipv4.vs.expire_nodest_conn={nodest}")
        net.director.run("sysctl", "--quiet", "--write", *settings)
        for server in net.servers:
            server.serve_tcp(8080)
            server.serve_udp(8080)
        (net.director.home / "lvsnat.toml").write_text(CONFIGURATION)
        lvsnat(net, "apply")
        yield net


@contextmanager
def under_traffic(net: Network) -> Iterator[tuple[Load, Load, Load]]:
    client, vip = net.client, net.vip
    with (
        long_connections(client, vip, 80, count=LONG, pause=0.5) as long,
        short_connections(client, vip, 80, count=2, pause=0.05) as short,
        flows(client, vip, 53, count=4, pause=0.2) as udp,
    ):
        yield long, short, udp


@pytest.fixture(scope="module", params=[0, 1], ids=["nodest=0", "nodest=1"])
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    with director(request.param) as net, under_traffic(net) as loads:
        yield Scene(net, request.param, *loads)
        write_down(
            "every edit above, from the first to the last", request.param, map(Load.look, loads)
        )


@pytest.fixture(params=[0, 1], ids=["nodest=0", "nodest=1"])
def fresh(request: pytest.FixtureRequest) -> Iterator[Scene]:
    """A scene of its own, for what cuts connections."""
    with director(request.param) as net, under_traffic(net) as loads:
        yield Scene(net, request.param, *loads)


def write_down(row: str, nodest: int, reports: Iterator[Report] | list[Report]) -> None:
    """Add a line for the documentation to the results of this run."""
    if folder := os.environ.get("LVSNAT_RESULTS"):
        failures = [report.failures for report in reports]
        with Path(folder, "connections.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"row": row, "nodest": nodest, "failures": failures}) + "\n")


Change = Callable[[Scene], object]


def words(*arguments: str) -> Change:
    return lambda scene: lvsnat(scene.net, *arguments)


def drift_and_repair(scene: Scene) -> None:
    ipvsadm(scene.net, "-e", "-t", "192.168.1.50:80", "-r", FIRST, "-m", "-w", "9")
    ipvsadm(scene.net, "-E", "-t", "192.168.1.50:80", "-s", "sh")
    lvsnat(scene.net, "apply")


# Thresholds are high, because the kernel counts the short connections of the last minutes, too.
ROWS: dict[str, Change] = {
    "a weight": words("server", "set", "web", FIRST, "--weight", "5"),
    "thresholds": words("server", "set", "web", FIRST, "--upper", "50000", "--lower", "40000"),
    "the scheduler": words("service", "set", "web", "--scheduler", "wlc"),
    "the scheduler and its flags": words(
        "service", "set", "web", "--scheduler", "sh", "--sched-flags", "sh-port"
    ),
    # Before a server is drained: source hashing refuses the clients whose server has weight 0.
    "a scheduler without flags": words(
        "service", "set", "web", "--scheduler", "wrr", "--sched-flags", "none"
    ),
    "persistence given": words("service", "set", "web", "--persistent", "300/24"),
    "persistence taken away": words("service", "set", "web", "--persistent", "none"),
    "another server added": words("server", "add", "web", THIRD),
    "another server removed": words("server", "remove", "web", THIRD),
    "a server drained": words("server", "drain", "web", FIRST),
    "a drained server enabled": words("server", "enable", "web", FIRST),
    "a server disabled": words("server", "disable", "web", SECOND),
    "a disabled server enabled": words("server", "enable", "web", SECOND),
    "another service added": words("service", "add", "x", "tcp/192.168.1.50:81", "--server", THIRD),
    "another service removed": words("service", "remove", "x", "--force"),
    "drift by hand repaired": drift_and_repair,
    "a file that names the services otherwise": lambda scene: scene.rewrite(
        CONFIGURATION.replace('"web"', '"www"').replace('"dns"', '"names"')
    ),
    "a file that differs in everything else": lambda scene: scene.rewrite(OTHERWISE),
    "the first file again": lambda scene: scene.rewrite(CONFIGURATION),
}


@pytest.mark.parametrize("row", ROWS)
def test_nothing_fails_under_a_change_of(scene: Scene, row: str) -> None:
    before = [load.look().failures for load in scene.loads()]

    ROWS[row](scene)

    after = [load.go_round().failures for load in (scene.long, scene.udp)]
    assert [after[0], scene.short.look().failures, after[1]] == before
    assert len(scene.long.look().rounds) == LONG


def test_a_drained_server_keeps_its_connections_and_gets_no_new_one(fresh: Scene) -> None:
    lvsnat(fresh.net, "server", "drain", "web", FIRST)
    before = fresh.short.look().servers
    hundred_more(fresh.short)
    fresh.udp.go_round()
    long, after = fresh.long.go_round(), fresh.short.look()

    assert len(long.rounds) == LONG
    # One connection may have been made just before.
    assert after.servers["rs1"] - before["rs1"] <= 2
    assert after.servers["rs2"] - before["rs2"] > 2
    assert after.failures == {}


def test_a_server_removed_now_cuts_its_own_connections_and_no_others(fresh: Scene) -> None:
    lvsnat(fresh.net, "server", "remove", "web", FIRST, "--now")

    long, short = fresh.long.go_round(), fresh.short.look()
    write_down("a busy server removed with --now", fresh.nodest, [long, short, fresh.udp.look()])

    # Reset at the next packet, or no answer at all: the kernel's choice, by the setting.
    kind = "ConnectionResetError" if fresh.nodest else "TimeoutError"
    assert long.failures == {kind: LONG // 2}
    assert len(long.rounds) == LONG - LONG // 2
    assert sum(short.failures.values()) <= 2
    assert fresh.udp.look().failures == {}


def test_a_udp_flow_moves_when_its_server_goes_only_with_the_setting(fresh: Scene) -> None:
    lvsnat(fresh.net, "server", "remove", "dns", FIRST, "--now")
    # What was asked before is answered by now, or lost.
    before = fresh.udp.go_round(times=0)
    after = fresh.udp.go_round()

    write_down(
        "the server of a UDP flow removed",
        fresh.nodest,
        [Report(0, {}, {}, 0), Report(0, {}, {}, 0), after],
    )
    assert after.breaks == 0 if fresh.nodest else after.breaks > before.breaks
    assert after.servers.get("rs1", 0) == before.servers.get("rs1", 0)


def test_flush_and_restore_is_what_cuts_connections_instead(fresh: Scene) -> None:
    before = fresh.short.look().breaks
    saved = fresh.net.director.run("ipvsadm", "-Sn").stdout

    ipvsadm(fresh.net, "-C")
    # A table of some thousand services takes as long to come back. A small one may be back before
    # a packet comes, and who is cut is chance.
    fresh.long.go_round()
    fresh.net.director.run("ipvsadm", "-R", input=saved)

    long, udp = fresh.long.look(), fresh.udp.go_round()
    short = fresh.short.look()
    write_down("ipvsadm -C; ipvsadm -R", fresh.nodest, [long, short, udp])
    assert long.failures == {"ConnectionResetError": LONG}
    assert short.breaks >= before
