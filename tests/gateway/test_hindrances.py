"""What defeats a way back, made for real: 'gateway show' names it, and its remedy works."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from gateway.networks import (
    PORT,
    ROUTER,
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
from labkit.outside import soon
from labkit.topology import Network

pytestmark = pytest.mark.e2e

REPLIES = ("--reply-only", f"tcp/{PORT}")


@pytest.fixture
def net() -> Iterator[Network]:
    with one_subnet("100") as network:
        network.rs(1).serve_tcp(PORT)
        yield network


def answered(net: Network) -> bool:
    return net.client.ask_tcp(net.vip, 80) == Answer("rs1", net.client.address)


def unanswered(net: Network) -> bool:
    return reaches(lambda: net.client.ask_tcp(net.vip, 80, timeout=SILENCE)) is None


def redirected(net: Network) -> bool:
    """Send a packet, and look where the next one would go."""
    server, client = net.rs(1), net.client.address
    reaches(lambda: server.ask_udp(client, 9, timeout=0.5))
    return way(server, client) == ROUTER


def finding(document: dict[str, Any], code: str) -> dict[str, str]:
    found: list[dict[str, str]] = [
        one for family in document["families"] for one in family["findings"]
    ]
    return next(one for one in found if one["code"] == code)


def test_rules_of_amazon_ec2_net_utils_are_named_and_overcome(net: Network) -> None:
    server = net.rs(1)
    gateway(server, "set", net.vip)
    assert answered(net)
    server.run("ip", "route", "add", "default", "via", ROUTER, "dev", "eth0", "table", "10001")
    server.run("ip", "rule", "add", "from", server.address, "lookup", "10001", "pref", "10001")
    assert unanswered(net)

    document = shown(server)

    assert not document["holds"]
    assert codes(document) == {"RS_GATEWAY", "RS_RULES"}
    named = finding(document, "RS_RULES")
    assert "10001" in named["subject"]
    assert "amazon-ec2-net-utils" in named["seen"]
    assert "--reply-only" in named["remedy"]

    gateway(server, "set", net.vip, *REPLIES)
    assert answered(net)
    assert shown(server)["holds"]


def test_a_redirect_that_was_learned_is_named_and_forgotten(net: Network) -> None:
    server, director, client = net.rs(1), net.director, net.client
    # A redirect is heeded from the next hop alone, and the kernel sends none from a VIP.
    gateway(server, "set", director.address)
    assert finding(shown(server), "RS_REDIRECTS")["state"] == "holds"
    server.sysctl(ipv4__conf__all__accept_redirects=1, ipv4__conf__all__secure_redirects=0)
    server.sysctl(ipv4__conf__eth0__secure_redirects=0)
    assert codes(shown(server), "at risk") == {"RS_REDIRECTS"}
    director.sysctl(ipv4__conf__all__send_redirects=1, ipv4__conf__eth0__send_redirects=1)
    # The first one only has the new gateway looked for; it is heeded once that has answered.
    assert soon(lambda: redirected(net)), way(server, client.address)
    assert unanswered(net)

    document = shown(server, "--client", client.address)

    assert "RS_REDIRECTED" in codes(document)
    director.sysctl(ipv4__conf__all__send_redirects=0, ipv4__conf__eth0__send_redirects=0)
    assert "'ip -4 route flush cache'" in finding(document, "RS_REDIRECTED")["remedy"]
    server.run("ip", "-4", "route", "flush", "cache")
    assert answered(net)
    assert shown(server, "--client", client.address)["holds"]
    gateway(server, "set", director.address)
    assert codes(shown(server), "at risk") == set()


def test_a_director_that_nobody_answers_for_is_named(net: Network) -> None:
    server = net.rs(1)
    gateway(server, "set", "192.168.1.99", *REPLIES)
    assert unanswered(net)
    server.run("ip", "neigh", "replace", "192.168.1.99", "dev", "eth0", "nud", "failed")

    assert codes(shown(server)) == {"RS_ARP"}

    gateway(server, "set", net.vip, *REPLIES)
    assert answered(net)
    document = shown(server)
    assert document["holds"]
    assert finding(document, "RS_ARP")["state"] == "holds"


def test_a_strict_filter_that_drops_the_requests_is_named(net: Network) -> None:
    server = net.rs(1)
    for words in (
        ("link", "add", "dummy0", "type", "dummy"),
        ("link", "set", "dummy0", "up"),
        ("address", "add", "10.7.0.1/24", "dev", "dummy0"),
        ("route", "add", "default", "via", "10.7.0.2", "dev", "dummy0", "metric", "9"),
    ):
        server.run("ip", *words)
    server.sysctl(ipv4__conf__eth0__rp_filter=1)
    assert unanswered(net)

    document = shown(server, net.vip, *REPLIES)

    assert codes(document) == {"RS_GATEWAY", "RS_RP_FILTER"}
    assert "rp_filter=2'" in finding(document, "RS_RP_FILTER")["remedy"]
    gateway(server, "set", net.vip, *REPLIES)
    assert answered(net)
    assert shown(server)["holds"]


def test_a_narrower_route_is_named_for_the_default_gateway_alone(net: Network) -> None:
    server = net.rs(1)
    server.run("ip", "route", "add", "203.0.113.0/24", "via", ROUTER)
    gateway(server, "set", net.vip)
    assert unanswered(net)

    assert codes(shown(server), "at risk") == {"RS_BYPASS"}
    assert "RS_GATEWAY" in codes(shown(server, "--client", net.client.address))

    gateway(server, "set", net.vip, *REPLIES)
    assert answered(net)
    assert codes(shown(server), "at risk") == set()


def test_bad_input_says_what_and_what_next(net: Network) -> None:
    server = net.rs(1)
    before = routing(server)
    server.run("ip", "route", "add", "blackhole", "10.0.0.0/8", "table", "234")
    for words, code, said in (
        (["10.9.9.9"], 2, "no network of this host holds 10.9.9.9"),
        ([net.vip, "--interface", "eth7"], 2, "there is no interface 'eth7'"),
        ([server.address], 2, "is an address of this host itself"),
        (["fe80::1"], 2, "is a link-local address"),
        ([net.vip, "--local-clients"], 2, "need --reply-only"),
        ([net.vip, *REPLIES], 4, "the routing table 234 has a route of somebody else"),
        ([], 2, "VIA is missing"),
    ):
        done = gateway(server, "set", *words, code=code)
        assert said in done.stderr
        assert "hint: " in done.stderr
    assert "'ip route del'" not in gateway(server, "show").stdout
    server.run("ip", "route", "flush", "table", "234")
    assert routing(server) == before

    done = server.run(
        "setpriv", "--reuid", "65534", "--clear-groups", "lvsnat", "gateway", "set", net.vip,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "run it as root" in done.stderr
