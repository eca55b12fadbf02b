"""Real packets: the client has its answer through the director, and not without."""

from __future__ import annotations

import select
from collections.abc import Iterator
from itertools import takewhile

import pytest
from gateway.networks import (
    PORT,
    ROUTER,
    ROUTER6,
    SILENCE,
    codes,
    gateway,
    one_subnet,
    reaches,
    routing,
    shown,
    way,
)
from labkit.host import Answer
from labkit.topology import Network

pytestmark = pytest.mark.e2e

LAST = "10.99.0.0/16"
"""A route whose making ends what is watched."""


@pytest.fixture
def net() -> Iterator[Network]:
    with one_subnet() as network:
        yield network


@pytest.fixture
def polite() -> Iterator[Network]:
    """Where DHCP has left room for a better route."""
    with one_subnet(metric="100") as network:
        yield network


def vips(net: Network) -> tuple[tuple[str, str], tuple[str, str]]:
    """Each VIP, and the client's address of its family."""
    return (net.vip, net.client.address), (net.vip6, net.client.address6)


@pytest.mark.parametrize(
    "words", [[], ["--reply-only", f"tcp/{PORT},udp/{PORT}"]], ids=["default", "reply-only"]
)
@pytest.mark.parametrize("metric", ["", "100"], ids=["floor", "metric"])
def test_a_client_is_answered_through_the_director(words: list[str], metric: str) -> None:
    with one_subnet(metric) as net:
        server, client = net.rs(1), net.client
        server.serve_tcp(PORT)
        server.serve_udp(PORT)
        before = routing(server)
        assert reaches(lambda: client.ask_tcp(net.vip, 80, timeout=SILENCE)) is None
        assert reaches(lambda: client.ask_tcp(net.vip6, 80, timeout=SILENCE)) is None

        gateway(server, "set", net.vip, *words)
        gateway(server, "set", net.vip6, *words)

        for vip, address in vips(net):
            assert client.ask_tcp(vip, 80) == Answer("rs1", address)
            assert client.ask_udp(vip, 80) == Answer("rs1", address)
        assert shown(server)["holds"]
        set_once = routing(server)
        again = gateway(server, "set", net.vip, *words)
        assert "in sync: nothing to change" in again.stderr
        assert routing(server) == set_once

        gateway(server, "unset")

        assert routing(server) == before
        assert reaches(lambda: client.ask_tcp(net.vip, 80, timeout=SILENCE)) is None
        assert reaches(lambda: client.ask_tcp(net.vip6, 80, timeout=SILENCE)) is None
        assert not (server.home / "state" / "gateway.json").exists()


def test_reply_only_leaves_the_servers_other_traffic_as_it_was(net: Network) -> None:
    server = net.rs(1)

    gateway(server, "set", net.vip, "--reply-only", f"tcp/{PORT}")
    gateway(server, "set", net.vip6, "--reply-only", f"tcp/{PORT}")

    for address, router, (vip, client) in zip(
        (server.address, server.address6), (ROUTER, ROUTER6), vips(net), strict=True
    ):
        answering = ("from", address, "ipproto", "tcp", "sport")
        assert way(server, client, *answering, str(PORT)) == vip
        assert way(server, client, *answering, "22") == router
        assert way(server, client, "from", address, "ipproto", "udp", "sport", "53") == router
        assert way(server, client) == router
    assert way(server, net.neighbour.address, "from", server.address, "ipproto", "tcp", "sport",
               str(PORT)) == "eth0"  # fmt: skip


def test_a_neighbour_is_served_with_its_own_address_by_local_clients(net: Network) -> None:
    server, neighbour = net.rs(1), net.neighbour
    server.serve_tcp(PORT)
    ports = ("--reply-only", f"tcp/{PORT}")
    gateway(server, "set", net.vip, *ports)
    gateway(server, "set", net.vip6, *ports)
    assert reaches(lambda: neighbour.ask_tcp(net.vip, 80, timeout=SILENCE)) is None
    assert codes(shown(server, "--client", neighbour.address)) == {"RS_LOCAL_CLIENT"}

    gateway(server, "set", net.vip, *ports, "--local-clients")
    gateway(server, "set", net.vip6, *ports, "--local-clients")

    assert neighbour.ask_tcp(net.vip, 80) == Answer("rs1", neighbour.address)
    assert neighbour.ask_tcp(net.vip6, 80) == Answer("rs1", neighbour.address6)
    assert shown(server, "--client", neighbour.address)["holds"]


def test_no_packet_is_lost_while_the_default_route_is_replaced(net: Network) -> None:
    server = net.rs(1)
    watch = server.popen("ip", "monitor", "route")
    assert watch.stdout
    # It does not say when it is ready: it is given something to tell until it does.
    while not select.select([watch.stdout], [], [], 0.2)[0]:
        for word in ("add", "delete"):
            server.run("ip", "route", word, "blackhole", "10.98.0.0/16")

    gateway(server, "set", net.vip)
    gateway(server, "unset")

    server.run("ip", "route", "add", "blackhole", LAST)
    said = "".join(takewhile(lambda line: LAST not in line, watch.stdout))
    assert "default via 192.168.1.50" in said
    assert "Deleted default" not in said


def test_a_change_of_mind_leaves_nothing_behind(polite: Network) -> None:
    server, other = polite.rs(1), polite.director.address
    before = routing(server)

    gateway(server, "set", polite.vip, "--reply-only", f"tcp/{PORT}")
    gateway(server, "set", other, "--reply-only", f"udp/{PORT}", "--table", "500")
    assert way(server, "198.18.0.1", "from", server.address, "ipproto", "udp", "sport", str(PORT)
               ) == other  # fmt: skip
    assert server.run("ip", "route", "show", "table", "234", check=False).stdout == ""
    gateway(server, "set", polite.vip)
    assert way(server, "198.18.0.1") == polite.vip
    assert server.run("ip", "route", "show", "table", "500", check=False).stdout == ""
    gateway(server, "unset")

    assert routing(server) == before


def test_what_somebody_has_changed_since_is_left_alone_and_said(polite: Network) -> None:
    server = polite.rs(1)
    gateway(server, "set", polite.vip)
    theirs = ["default", "via", "192.168.1.77", "dev", "eth0", "metric", "50"]
    server.run("ip", "route", "replace", *theirs)

    done = gateway(server, "unset")

    assert "left alone, since somebody has changed it: route ipv4 default" in done.stderr
    assert way(server, "198.18.0.1") == "192.168.1.77"
    assert not (server.home / "state" / "gateway.json").exists()


def test_the_default_route_of_somebody_else_stays_when_it_took_the_place_of_ours(
    net: Network,
) -> None:
    server = net.rs(1)
    gateway(server, "set", net.vip)
    server.run("ip", "route", "replace", "default", "via", "192.168.1.77", "dev", "eth0")

    done = gateway(server, "unset")

    assert "left alone, since somebody has changed it: default route ipv4" in done.stderr
    assert way(server, "198.18.0.1") == "192.168.1.77"


def test_a_route_that_the_kernel_refuses_undoes_the_rest(net: Network) -> None:
    server = net.rs(1)
    # Nothing lvsnat looks at: the kernel has no room for a route to a directed broadcast.
    server.run("ip", "address", "add", "192.168.9.9/24", "dev", "eth0")
    server.run("ip", "route", "add", "broadcast", "192.168.9.77", "dev", "eth0", "table", "local")
    before = routing(server)

    done = gateway(server, "set", "192.168.9.77", "--reply-only", f"tcp/{PORT}", code=1)

    assert "undone" in done.stderr
    assert routing(server) == before
