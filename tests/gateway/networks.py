"""Director and real server in one subnet, whose router is the real server's own gateway."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from e2e import warm
from labkit.host import Answer, Host
from labkit.topology import Network, single_subnet

ROUTER, ROUTER6 = "192.168.1.1", "fd00:1::1"
PORT = 8080
"""What the real server answers from; the VIP's own is 80."""
Ask = Callable[[], Answer]
SILENCE = 1
"""Seconds in which somebody who is to have no answer has none."""


@contextmanager
def one_subnet(metric: str = "") -> Iterator[Network]:
    """A service of IPVS for both families, and a real server that answers past the director.

    ``metric`` is that of its default routes; without one, nothing can come before them.
    """
    with single_subnet(servers=1, neighbour=True) as net:
        add_service(net)
        for ip, router in (("-4", ROUTER), ("-6", ROUTER6)):
            net.rs(1).run("ip", ip, "route", "delete", "default")
            words = ["metric", metric] if metric else ["metric", "1"] if ip == "-6" else []
            extra = ["proto", "dhcp", "mtu", "1400"]
            net.rs(1).run("ip", ip, "route", "add", "default", "via", router, "dev", "eth0",
                          *extra, *words)  # fmt: skip
        yield net


def add_service(net: Network) -> None:
    """TCP and UDP, IPv4 and IPv6, by the words of ipvsadm: what is tried is the other side."""
    lines = []
    for vip, server in (
        (net.vip, net.rs(1).address),
        (f"[{net.vip6}]", f"[{net.rs(1).address6}]"),
    ):
        for protocol in ("-t", "-u"):
            lines.append(f"-A {protocol} {vip}:80 -s rr")
            lines.append(f"-a {protocol} {vip}:80 -r {server}:{PORT} -m")
    director = net.director
    director.run("ipvsadm", "-R", input="\n".join(lines) + "\n")
    director.run("ip", "address", "add", f"{net.vip}/32", "dev", "eth0")
    director.run("ip", "address", "add", f"{net.vip6}/128", "dev", "eth0", "nodad")
    director.sysctl(
        ipv4__conf__all__send_redirects=0,
        ipv4__conf__eth0__send_redirects=0,
        ipv4__ip_forward=1,
        ipv6__conf__all__forwarding=1,
    )


def gateway(
    host: Host, *words: str, code: int = 0, ssh: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run 'lvsnat gateway' and insist on its exit code."""
    done = warm.run(host, "gateway", *words, check=False, SSH_CONNECTION=ssh)
    assert done.returncode == code, f"gateway {' '.join(words)}\n{done.stdout}{done.stderr}"
    return done


def shown(host: Host, *words: str) -> dict[str, Any]:
    """What 'lvsnat gateway show' says, as a document."""
    found: dict[str, Any] = json.loads(gateway(host, "show", *words, "-o", "json").stdout)
    return found


def codes(document: dict[str, Any], state: str = "fails") -> set[str]:
    """The codes of the findings that are in a state."""
    return {
        one["code"]
        for family in document["families"]
        for one in family["findings"]
        if one["state"] == state
    }


def routing(host: Host) -> dict[str, object]:
    """All of a host's routing as ip(8) tells it: rules, routes of every table, redirects."""
    found: dict[str, object] = {}
    for ip in ("-4", "-6"):
        found[f"rules {ip}"] = json.loads(host.run("ip", ip, "-j", "rule").stdout)
        routes = json.loads(host.run("ip", ip, "-j", "route", "show", "table", "all").stdout)
        # The kernel counts the users of multicast routes there.
        found[f"routes {ip}"] = sorted(map(str, routes))
    for place in ("ipv4/conf/all", "ipv4/conf/eth0", "ipv6/conf/eth0"):
        found[place] = host.run("cat", f"/proc/sys/net/{place}/accept_redirects").stdout
    return found


def way(host: Host, to: str, *words: str) -> str:
    """Where the kernel would send a packet: the gateway, or the device."""
    family = "-6" if ":" in to else "-4"
    (found,) = json.loads(host.run("ip", family, "-j", "route", "get", to, *words).stdout)
    return str(found.get("gateway", found["dev"]))


def reaches(ask: Ask) -> Answer | None:
    """What a client is answered; None without an answer."""
    try:
        return ask()
    except OSError:
        return None
