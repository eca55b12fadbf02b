"""Causes on the director, many in one network: each named alone, and gone after its remedy.

Each topology and each mode, IPv4 and IPv6. What needs a network of its own is in doctor/.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from e2e.conftest import TOPOLOGIES, lvsnat
from e2e.doctor.ailing import configure, found, of_ipv6, service
from e2e.doctor.causes import looked, remedied, told
from labkit.host import PATIENCE
from labkit.topology import Network

pytestmark = pytest.mark.e2e

IPVS, HAPROXY = "lvs-nat", "haproxy-tproxy"
HERE = ("--skip", "servers")
"""What connections say of the way back takes seconds to know, and is shown in doctor/."""


@dataclass(frozen=True, slots=True)
class Cause:
    """How it is made, what the doctor then says look by look, and what is left to tidy up."""

    make: str
    says: tuple[str, ...]
    tidy: str = ""
    modes: tuple[str, ...] = (IPVS, HAPROXY)
    layouts: tuple[str, ...] = ("dual-subnet", "single-subnet")
    stops: bool = False
    """Whether clients of IPv4 get no answer meanwhile."""
    by_hand: bool = False
    """Whether the remedy is for a person; ``tidy`` does it."""


def setting(name: str, value: int, *says: str) -> Cause:
    return Cause(f"sysctl -qw {name}={value}", says, modes=(IPVS,))


NO_INPUT = (
    "nft add table inet f; nft 'add chain inet f i {{ type filter hook HOOK priority 0; policy"
    " drop; }}'; nft 'add rule inet f i ct state established accept'; nft 'add rule inet f i meta"
    " l4proto ipv6-icmp icmpv6 type != packet-too-big accept'"
)
DOCKER = (
    "iptables -t nat -N DOCKER; iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j"
    " DOCKER; iptables -t nat -A DOCKER -p tcp --dport 80 -j DNAT --to-destination 172.17.0.2:80"
)
CAUSES = {
    "no VIP": Cause("ip address del {vip}/32 dev eth0", ("VIP_MISSING broken",), stops=True),
    "no VIP of IPv6": Cause("ip address del {vip6}/128 dev eth0", ("VIP_MISSING broken",)),
    "a VIP with its network on lo": Cause(
        "ip address add {vip}/24 dev lo", ("VIP_NETMASK broken",)
    ),
    "a VIP that nobody answers for": Cause(
        "ip address del {vip}/32 dev eth0; ip address add {vip}/32 dev lo;"
        " sysctl -qw net.ipv4.conf.all.arp_ignore=1",
        ("VIP_NO_ARP broken",),
        "ip address del {vip}/32 dev lo; ip address add {vip}/32 dev eth0",
    ),
    "the way back by another interface": Cause(
        "ip route replace default via {server} dev eth1; sysctl -qw net.ipv4.conf.eth0.rp_filter=1",
        ("RP_FILTER broken",),
        "ip route replace default via {router} dev eth0; sysctl -qw net.ipv4.conf.eth0.rp_filter=0",
        layouts=("dual-subnet",),
    ),
    "input, iptables": Cause(
        "iptables -P INPUT DROP; iptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT",
        ("INPUT_DROPS broken", "ICMP_DROPS risk"),
        "iptables -P INPUT ACCEPT; iptables -F INPUT",
        (IPVS,),
        stops=True,
    ),
    "input, nft, both families": Cause(
        NO_INPUT.replace("HOOK", "input"),
        ("INPUT_DROPS broken", "INPUT_DROPS broken", "ICMP_DROPS risk", "ICMP_DROPS risk"),
        "nft delete table inet f",
        (IPVS,),
        stops=True,
    ),
    "input, nft, and HAProxy": Cause(
        NO_INPUT.replace("HOOK", "input"),
        ("INPUT_DROPS broken", "INPUT_DROPS broken"),
        "nft delete table inet f",
        (HAPROXY,),
        stops=True,
    ),
    "prerouting": Cause(
        "nft add table ip f; nft 'add chain ip f p {{ type filter hook prerouting priority -300;"
        " }}'; nft 'add rule ip f p tcp dport 80 drop'",
        ("INPUT_DROPS broken",),
        "nft delete table ip f",
        stops=True,
    ),
    "output": Cause(
        "iptables -P OUTPUT DROP",
        ("OUTPUT_DROPS broken",),
        "iptables -P OUTPUT ACCEPT; iptables -F OUTPUT",
        (IPVS,),
        stops=True,
    ),
    "output, and HAProxy": Cause(
        "ip6tables -P OUTPUT DROP; ip6tables -A OUTPUT -p icmpv6 -j ACCEPT",
        ("OUTPUT_DROPS broken", "OUTPUT_DROPS broken"),
        "ip6tables -P OUTPUT ACCEPT; ip6tables -F OUTPUT",
        (HAPROXY,),
    ),
    "a published port": Cause(
        DOCKER,
        ("REDIRECTED broken",),
        "iptables -t nat -F; iptables -t nat -X DOCKER",
        stops=True,
    ),
    "a redirect of IPv6": Cause(
        "nft add table ip6 n; nft 'add chain ip6 n p {{ type nat hook prerouting priority -100;"
        " }}'; nft 'add rule ip6 n p tcp dport 80 redirect to :8081'",
        ("REDIRECTED broken",),
        "nft delete table ip6 n",
    ),
    "forwarding": Cause(
        "sysctl -qw net.ipv4.ip_forward=0", ("IP_FORWARD broken",), modes=(IPVS,), stops=True
    ),
    "forwarding of IPv6": setting("net.ipv6.conf.all.forwarding", 0, "IP_FORWARD broken"),
    "forwarding of an interface": Cause(
        "sysctl -qw net.ipv4.conf.{inner}.forwarding=0",
        ("IP_FORWARD broken",),
        modes=(IPVS,),
        stops=True,
    ),
    "forward": Cause(
        "iptables -P FORWARD DROP",
        ("FORWARD_DROPS broken",),
        "iptables -P FORWARD ACCEPT; iptables -F FORWARD",
        (IPVS,),
        stops=True,
    ),
    "redirects": setting("net.ipv4.conf.all.send_redirects", 1, "SEND_REDIRECTS risk"),
    "router advertisements": setting("net.ipv6.conf.eth0.accept_ra", 1, "ACCEPT_RA risk"),
    "removed servers": setting("net.ipv4.vs.expire_nodest_conn", 0, "EXPIRE_NODEST risk"),
    "reuse": setting("net.ipv4.vs.conn_reuse_mode", 0, "CONN_REUSE risk"),
    "estimation": setting("net.ipv4.vs.run_estimation", 0, "NO_ESTIMATION risk"),
    "rerouting": setting("net.ipv4.vs.snat_reroute", 0, "SNAT_REROUTE risk"),
    "midstream": setting("net.ipv4.vs.sloppy_tcp", 1, "SLOPPY_TCP note"),
    "idle connections": Cause(
        "ipvsadm --set 60 0 0",
        ("IDLE_TIMEOUT note",),
        "ipvsadm --set 900 0 0",
        (IPVS,),
        by_hand=True,
    ),
    "a rule for IPVS, and no conntrack": Cause(
        "iptables -t nat -A POSTROUTING -m ipvs --vaddr {vip} -j MASQUERADE",
        ("RULE_NEEDS_CONNTRACK risk", "CONNTRACK_TIMEOUT note"),
        "sysctl -qw net.ipv4.vs.conntrack=0; iptables -t nat -F POSTROUTING",
        (IPVS,),
    ),
    "connections on a flowtable": Cause(
        "sysctl -qw net.ipv4.vs.conntrack=1; nft add table ip f; nft 'add flowtable ip f fast {{"
        " hook ingress priority 0; devices = {{ {devices} }}; }}'; nft 'add chain ip f c {{ type"
        " filter hook forward priority 0; }}'; nft 'add rule ip f c meta l4proto tcp flow add"
        " @fast'",
        ("FLOWTABLE broken",),
        "nft delete table ip f; sysctl -qw net.ipv4.vs.conntrack=0",
        (IPVS,),
        stops=True,
    ),
    "masquerading": Cause(
        "sysctl -qw net.ipv4.vs.conntrack=1; iptables -t nat -A POSTROUTING -j MASQUERADE",
        ("MASQUERADED broken",),
        "sysctl -qw net.ipv4.vs.conntrack=0; iptables -t nat -F POSTROUTING",
        (IPVS,),
        by_hand=True,
    ),
}


@pytest.mark.parametrize("mode", [IPVS, HAPROXY])
@pytest.mark.parametrize("layout", TOPOLOGIES)
def test_each_cause_is_named_alone_and_its_remedy_ends_it(layout: str, mode: str) -> None:
    with TOPOLOGIES[layout](servers=2) as net:
        for rs in net.servers:
            rs.serve_tcp(8080)
        configure(net, f'mode = "{mode}"\n' + service(net) + of_ipv6(net))
        assert found(net, seconds="2.2") == []
        wrong = []
        for name, cause in CAUSES.items():
            if mode in cause.modes and layout in cause.layouts:
                wrong += [f"{name}: {one}" for one in course(net, cause)]

        assert wrong == [], "\n".join(["", *wrong])


def course(net: Network, cause: Cause) -> list[str]:
    """What went otherwise than it should, from the break to the silence after it."""
    inner = "eth1" if net.director.address != net.gateway else "eth0"
    words = {
        "vip": net.vip,
        "vip6": net.vip6,
        "server": net.rs(1).address,
        "router": f"{net.vip.rpartition('.')[0]}.1",
        "inner": inner,
        "devices": ", ".join(sorted({"eth0", inner})),
    }
    wrong = []
    net.director.run("sh", "-ec", cause.make.format(**words))
    if cause.stops and is_served(net, timeout=1):
        wrong.append("clients are served")
    for says in cause.says:
        seen = looked(net, *HERE)
        if told(seen) != says:
            wrong.append(f"{told(seen)!r} instead of {says!r}")
        elif not cause.by_hand:
            remedied(net, seen[0])
    if not cause.by_hand and not wrong:
        if left := told(looked(net, *HERE)):
            wrong.append(f"{left!r} after the remedy")
        if cause.stops and not is_served(net):
            wrong.append("clients are not served after the remedy")
    net.director.run("sh", "-ec", cause.tidy.format(**words))
    if left := told(looked(net, *HERE)):
        wrong.append(f"{left!r} at the end")
        lvsnat(net, "apply")
    return wrong


def is_served(net: Network, *, timeout: float = PATIENCE) -> bool:
    try:
        return net.client.ask_tcp(net.vip, 80, timeout=timeout).client == net.client.address
    except (OSError, TimeoutError):
        return False
