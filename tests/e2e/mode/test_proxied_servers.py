"""Servers of haproxy-tproxy under load: what is shown is what HAProxy says; nobody is cut off."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from e2e.conftest import lvsnat
from e2e.mode.switching import PATIENCE, wait_for
from e2e.test_drain import started
from labkit.load import long_connections
from labkit.topology import Network

from lvsnat.errors import ExitCode
from lvsnat.haproxy.runtime import RuntimeSocket

pytestmark = pytest.mark.e2e

FIRST, SECOND = "192.168.2.55:8080", "192.168.2.56:8080"


@pytest.fixture
def net(dual: Network) -> Iterator[Network]:
    """Two servers behind a TCP service of HAProxy, which checks them."""
    for rs in dual.servers:
        rs.serve_tcp(8080)
    (dual.director.home / "lvsnat.toml").write_text(
        'mode = "haproxy-tproxy"\n'
        f'[[service]]\nname = "web"\nlisten = "tcp/{dual.vip}:80"\nscheduler = "rr"\n'
        'check = { type = "tcp", interval = "500ms", timeout = "1s" }\n'
        f'servers = [{{ address = "{FIRST}" }}, {{ address = "{SECOND}" }}]\n'
    )
    lvsnat(dual, "apply")
    yield dual
    lvsnat(dual, "clear", "--yes", "--force")


def web(net: Network) -> dict[str, Any]:
    (service,) = json.loads(lvsnat(net, "status", "-o", "json").stdout)["services"]
    return dict(service)


def active(net: Network) -> int:
    return sum(one["stats"]["active"] for one in web(net)["servers"])


def health(net: Network) -> list[str]:
    return [one["health"]["state"] for one in web(net)["servers"]]


def rows(net: Network) -> dict[tuple[str, str], dict[str, str]]:
    """What HAProxy itself says, by proxy and server."""
    said = RuntimeSocket(net.director.home / "run" / "haproxy" / "runtime.sock").ask("show stat")
    return {
        (row["# pxname"], row["svname"]): row for row in csv.DictReader(said.strip().splitlines())
    }


def test_status_and_counts_are_what_haproxy_says(net: Network) -> None:
    with long_connections(net.client, net.vip, 80, count=6) as load:
        wait_for(lambda: active(net) == 6, "all connections are counted")
        wait_for(lambda: health(net) == ["up", "up"], "both servers have been checked")
        service, said = web(net), rows(net)
        listed = json.loads(lvsnat(net, "connections", "-o", "json").stdout)["connections"]
        counted = lvsnat(net, "connections", "--by", "server", "-o", "json").stdout
        report = load.stop()

    assert report.breaks == 0
    assert (service["state"], service["carriers"]) == ("in-sync", ["haproxy"])
    assert service["stats"]["totals"]["connections"] == int(said["web", "FRONTEND"]["stot"])
    for server in service["servers"]:
        assert server["state"] == "in-sync"
        assert server["health"]["state"] == "up"
        row = said["web:tproxy", server["address"]]
        assert server["stats"]["active"] == int(row["scur"]) == 3
        assert server["stats"]["totals"]["connections"] == int(row["stot"])
        assert server["stats"]["totals"]["packets_in"] is None
    assert {one["listen"] for one in listed} == {f"tcp/{net.vip}:80"}
    assert {one["service"] for one in listed} == {"web"}
    assert {one["client"].rpartition(":")[0] for one in listed} == {net.client.address}
    assert Counter(one["server"] for one in listed) == {FIRST: 3, SECOND: 3}
    assert {one["server"]: one["connections"] for one in json.loads(counted)["groups"]} == {
        FIRST: 3, SECOND: 3,
    }  # fmt: skip


def test_a_drained_server_keeps_its_connections_and_new_ones_go_elsewhere(net: Network) -> None:
    with (
        long_connections(net.client, net.vip, 80, count=6) as load,
        started(net, "server", "drain", "web", FIRST, "--wait", "--remove") as drain,
    ):
        assert drain.stderr is not None
        said = iter(drain.stderr.readline, "")
        assert "3 active" in next(line for line in said if line.startswith("draining"))
        assert web(net)["servers"][0]["seen"]["weight"] == 0
        assert {net.client.ask_tcp(net.vip, 80).server for _ in range(4)} == {"rs2"}
        assert drain.poll() is None

        report = load.stop()
        rest = drain.communicate(timeout=PATIENCE)[1]

    assert drain.returncode == ExitCode.DONE, rest
    assert report.breaks == 0
    assert set(report.servers) == {"rs1", "rs2"}
    assert [one["address"] for one in web(net)["servers"]] == [SECOND]


def test_a_busy_server_is_removed_and_its_connections_go_on_and_are_counted(net: Network) -> None:
    with long_connections(net.client, net.vip, 80, count=4) as load:
        removed = lvsnat(net, "server", "remove", "web", FIRST)
        document = json.loads(lvsnat(net, "status", "-o", "json").stdout)
        listed = json.loads(lvsnat(net, "connections", "-o", "json").stdout)["connections"]
        asked = {net.client.ask_tcp(net.vip, 80).server for _ in range(4)}
        load.go_round()
        report = load.stop()

    assert "it holds 2 active" in removed.stderr
    assert [one["address"] for one in document["services"][0]["servers"]] == [SECOND]
    assert document["ending"] == 4
    assert Counter(one["server"] for one in listed) == {FIRST: 2, SECOND: 2}
    assert asked == {"rs2"}
    assert report.breaks == 0


def test_a_drain_waits_for_connections_of_a_process_that_was_replaced(net: Network) -> None:
    with long_connections(net.client, net.vip, 80, count=4) as load:
        lvsnat(net, "server", "add", "web", "192.168.2.56:8081")
        waited = lvsnat(
            net, "server", "drain", "web", FIRST, "--wait", "--deadline", "2s",
            code=ExitCode.FAILED,
        )  # fmt: skip
        report = load.stop()

    assert f"{FIRST} is not idle after 2 s: 2 active" in waited.stderr
    assert report.breaks == 0


def test_disable_and_enable_are_done_without_a_reload(net: Network) -> None:
    before = rows(net)["web", "FRONTEND"]["stot"]
    net.client.ask_tcp(net.vip, 80)

    lvsnat(net, "server", "disable", "web", FIRST)
    lvsnat(net, "server", "enable", "web", FIRST)

    # A new process would count from 0.
    assert int(rows(net)["web", "FRONTEND"]["stot"]) == int(before) + 1
    assert web(net)["servers"][0]["seen"]["weight"] == 1
    assert {net.client.ask_tcp(net.vip, 80).server for _ in range(4)} == {"rs1", "rs2"}


def test_a_server_that_does_not_answer_is_down_at_a_glance(net: Network) -> None:
    lvsnat(net, "server", "add", "web", "192.168.2.56:9")
    wait_for(lambda: health(net) == ["up", "up", "down"], "the new one is down")

    status = lvsnat(net, "status").stdout

    assert status.splitlines()[0].endswith(", 1 down")
    assert "in-sync, down" in status
    down = next(line for line in status.splitlines() if line.startswith("down: "))
    assert down.startswith("down: web 192.168.2.56:9 for ")
    assert "L4CON" in down


def test_zeroing_sets_haproxys_counters_to_zero(net: Network) -> None:
    net.client.ask_tcp(net.vip, 80)
    wait_for(lambda: web(net)["stats"]["totals"]["connections"] == 1, "it is counted")

    lvsnat(net, "stats", "--zero")

    assert rows(net)["web", "FRONTEND"]["stot"] == "0"
    assert web(net)["stats"]["totals"]["connections"] == 0
