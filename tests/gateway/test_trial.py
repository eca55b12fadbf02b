"""A way back on trial, and one that is killed half-way: nothing is lost, and all is taken back."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from e2e.typed import ENTER, Typed, typed
from gateway.networks import PORT, gateway, one_subnet, routing, shown, way
from labkit.topology import Network

pytestmark = pytest.mark.e2e

KILLED = str(Path(__file__).with_name("killed.py"))
ANYBODY = "198.18.0.1"
QUESTION = "ENTER keeps this"


@pytest.fixture
def net() -> Iterator[Network]:
    with one_subnet() as network:
        yield network


def trying(net: Network, limit: str) -> AbstractContextManager[Typed]:
    server = net.rs(1)
    words = server.command("lvsnat", "gateway", "set", net.vip, "--try", limit)
    return typed(words, server.environment())


def test_a_trial_ends_as_it_is_told(net: Network) -> None:
    server = net.rs(1)
    before = routing(server)

    with trying(net, "15s") as silent:
        silent.expect(QUESTION)
        assert way(server, ANYBODY) == net.vip
        assert silent.end() == 1
    assert "everything is as it was before" in silent.said
    assert routing(server) == before

    for end in (Typed.hang_up, lambda one: one.kill(signal.SIGTERM)):
        with trying(net, "5m") as ended:
            ended.expect(QUESTION)
            assert way(server, ANYBODY) == net.vip
            end(ended)
            assert ended.end() != 0
        assert routing(server) == before

    with trying(net, "5m") as kept:
        kept.expect(QUESTION)
        kept.type(ENTER)
        assert kept.end() == 0
    assert way(server, ANYBODY) == net.vip
    assert shown(server)["trial"] is None
    gateway(server, "unset")
    assert routing(server) == before


def test_a_trial_that_was_cut_off_is_told_and_decided(net: Network) -> None:
    server = net.rs(1)
    before = routing(server)
    gateway(server, "set", "--revert", code=4)

    for decision, there in (("--revert", "192.168.1.1"), ("--keep", net.vip)):
        with trying(net, "5m") as cut:
            cut.expect(QUESTION)
            cut.kill(signal.SIGKILL)
            cut.end()
        assert way(server, ANYBODY) == net.vip
        said = gateway(server, "show").stderr
        assert "was cut off" in said
        assert "gateway set --revert" in said
        assert shown(server)["trial"] is not None
        with trying(net, "5m") as another:
            assert another.end() == 4

        gateway(server, "set", decision)

        assert way(server, ANYBODY) == there
        assert "cut off" not in gateway(server, "show").stderr
    gateway(server, "unset")
    assert routing(server) == before


def test_nobody_at_the_terminal_is_a_refusal(net: Network) -> None:
    before = routing(net.rs(1))

    done = gateway(net.rs(1), "set", net.vip, "--try", "60s", code=4)

    assert "there is no terminal to ask on" in done.stderr
    assert routing(net.rs(1)) == before


def test_the_way_of_an_ssh_session_is_not_cut_in_silence(net: Network) -> None:
    server, client = net.rs(1), net.client.address
    ssh = f"{client} 50000 {server.address} 22"
    before = routing(server)

    refused = gateway(server, "set", net.vip, ssh=ssh, code=4)
    assert "cuts the path of this ssh session" in refused.stderr
    assert "--try 60s" in refused.stderr
    assert "cuts the path" in gateway(server, "set", net.vip, "--dry-run", ssh=ssh).stdout
    gateway(server, "set", net.vip, "--reply-only", "tcp/22", ssh=ssh, code=4)
    assert routing(server) == before

    gateway(server, "set", net.vip, "--reply-only", f"tcp/{PORT}", ssh=ssh)
    neighbour = f"{net.neighbour.address} 50000 {server.address} 22"
    gateway(server, "set", net.vip, ssh=neighbour)
    gateway(server, "unset", ssh=ssh, code=4)
    gateway(server, "unset", "--force", ssh=ssh)
    assert routing(server) == before


@pytest.mark.parametrize("ports", ["", f"tcp/{PORT},udp/{PORT}"], ids=["default", "reply-only"])
def test_whatever_is_killed_half_way_converges(net: Network, ports: str) -> None:
    server = net.rs(1)
    before = routing(server)
    words = ["--reply-only", ports] if ports else []
    gateway(server, "set", net.vip, *words)
    whole = routing(server)
    gateway(server, "unset")

    for number in range(1, 7 if ports else 4):
        for end in ("set", "unset"):
            done = server.run(sys.executable, KILLED, str(number), net.vip, *words[1:], check=False)
            assert done.returncode == -signal.SIGKILL, done.stderr

            if end == "set":
                gateway(server, "set", net.vip, *words)
                assert routing(server) == whole
            gateway(server, "unset")
            assert routing(server) == before
