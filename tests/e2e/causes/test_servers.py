"""Causes on services and servers, many in one network: each topology, each mode, both families."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from e2e import warm
from e2e.conftest import TOPOLOGIES, lvsnat
from e2e.doctor.ailing import configure, of_ipv6, service
from e2e.doctor.causes import looked, remedied, told
from labkit.topology import Network

pytestmark = pytest.mark.e2e


@dataclass(frozen=True, slots=True)
class Cause:
    """How it is made, on the first server or on the director, and what the doctor then says."""

    says: str
    server: str = ""
    director: str = ""
    cure: str = ""
    """On the same host; nothing: the remedy as it is printed."""


DROP = "-A INPUT -p tcp --dport 8080 -j"
CAUSES = {
    "off": Cause(
        "SERVER_NO_ROUTE broken",
        director="ip route add unreachable {rs}/32",
        cure="ip route del unreachable {rs}/32",
    ),
    "off, IPv6": Cause(
        "SERVER_NO_ROUTE broken",
        director="ip route add unreachable {rs6}/128",
        cure="ip route del unreachable {rs6}/128",
    ),
    "silent": Cause("SERVER_DOWN broken", f"iptables {DROP} DROP", cure="iptables -F INPUT"),
    "silent, IPv6": Cause(
        "SERVER_DOWN broken", f"ip6tables {DROP} DROP", cure="ip6tables -F INPUT"
    ),
    "closed": Cause(
        "PORT_CLOSED broken",
        f"iptables {DROP} REJECT --reject-with tcp-reset",
        cure="iptables -F INPUT",
    ),
    "closed, IPv6": Cause(
        "PORT_CLOSED broken",
        f"ip6tables {DROP} REJECT --reject-with tcp-reset",
        cure="ip6tables -F INPUT",
    ),
    "no gateway": Cause("RS_GATEWAY broken", "ip route del default"),
    "no gateway, IPv6": Cause("RS_GATEWAY broken", "ip -6 route del default"),
    "all disabled": Cause(
        "ALL_WEIGHTS_0 broken",
        director="lvsnat server disable web {rs}:8080;"
        " lvsnat server disable web {rs2}:8080 --force",
    ),
    "no server": Cause(
        "SERVICE_EMPTY broken",
        director="lvsnat service add empty tcp/{vip}:99",
        cure="lvsnat service remove empty",
    ),
}


@pytest.mark.parametrize("mode", ["lvs-nat", "haproxy-tproxy"])
@pytest.mark.parametrize("layout", TOPOLOGIES)
def test_each_cause_is_named_alone_and_its_remedy_ends_it(layout: str, mode: str) -> None:
    with TOPOLOGIES[layout](servers=2) as net:
        for rs in net.servers:
            rs.serve_tcp(8080)
        configure(net, f'mode = "{mode}"\n' + service(net) + of_ipv6(net))
        wrong = []
        for name, cause in CAUSES.items():
            make(net, cause.server, cause.director)
            seen = looked(net, "--probe")
            if told(seen) != cause.says:
                wrong.append(f"{name}: {told(seen)!r} instead of {cause.says!r}")
            if cause.cure:
                make(net, *((cause.cure, "") if cause.server else ("", cause.cure)))
            elif seen and not wrong:
                remedied(net, seen[0], net.rs(1) if cause.server else None)
            if left := told(looked(net, "--probe")):
                wrong.append(f"{name}: {left!r} after the remedy")
        lvsnat(net, "apply")

        assert wrong == [], "\n".join(["", *wrong])


def make(net: Network, server: str, director: str) -> None:
    words = {
        "vip": net.vip,
        "rs": net.rs(1).address,
        "rs6": net.rs(1).address6,
        "rs2": net.rs(2).address,
    }
    if server:
        net.rs(1).run("sh", "-ec", server.format(**words))
    for command in filter(None, director.format(**words).split("; ")):
        first, *rest = command.split()
        if first == "lvsnat":
            warm.run(net.director, *rest)
        else:
            net.director.run(first, *rest)
