"""The main job in one test, small enough for an emulated machine with a distribution's kernel."""

from __future__ import annotations

import pytest
from e2e.conftest import ipvsadm, lvsnat
from labkit.host import Answer
from labkit.topology import Network

pytestmark = [pytest.mark.e2e, pytest.mark.smoke]


def test_tcp_and_udp_reach_a_server_that_sees_the_client(dual: Network) -> None:
    dual.rs(1).serve_tcp(8080)
    dual.rs(1).serve_udp(5353)

    for name, listen, port in (
        ("web", "tcp/192.168.1.50:80", 8080),
        ("dns", "udp/192.168.1.50:53", 5353),
    ):
        lvsnat(dual, "service", "add", name, listen, "--server", f"192.168.2.55:{port}")

    seen = Answer("rs1", dual.client.address)
    assert dual.client.ask_tcp(dual.vip, 80, timeout=60) == seen
    assert dual.client.ask_udp(dual.vip, 53, timeout=60) == seen
    assert ipvsadm(dual, "-Sn") == [
        "-A -t 192.168.1.50:80 -s wlc",
        "-a -t 192.168.1.50:80 -r 192.168.2.55:8080 -m -w 1",
        "-A -u 192.168.1.50:53 -s wlc",
        "-a -u 192.168.1.50:53 -r 192.168.2.55:5353 -m -w 1",
    ]
