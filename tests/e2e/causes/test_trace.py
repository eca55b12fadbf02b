"""A packet is followed, and real packets agree: what the trace says fails does, at that step."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import pytest
from e2e import warm
from e2e.conftest import TOPOLOGIES, lvsnat
from e2e.daemon.watching import eventually
from e2e.doctor.ailing import LOOKS, QUICK, configure, hanging, serve, service
from labkit.host import PATIENCE, Host
from labkit.server import Server
from labkit.topology import Network, dual_subnet, single_subnet

pytestmark = pytest.mark.e2e
SILENCE = 1.5
"""Seconds after which a client has no answer."""


def traced(
    net: Network, client: str, *words: str, name: str = "web", seconds: str = QUICK
) -> dict[str, Any]:
    """What the trace says, as a document; everything could be looked at."""
    words = ("doctor", "trace", client, name, "--seconds", seconds, "-o", "json", *words)
    done = warm.run(net.director, *words, check=False)
    assert done.stdout, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    assert document["unread"] == []
    assert done.returncode == int(document["failing"] is not None)
    return document


def failing(document: Mapping[str, Any]) -> tuple[str, str | None] | None:
    """The first step that fails, and its code."""
    for one in document["steps"]:
        if one["verdict"] == "fails":
            assert document["failing"] == one["step"]
            return one["step"], one["code"]
    return None


def is_served(net: Network, host: Host, *, timeout: float = PATIENCE) -> bool:
    """Whether a client gets an answer, and is seen as itself, each time."""
    try:
        answers = [host.ask_tcp(net.vip, 80, timeout=timeout) for _ in net.servers]
    except OSError:
        return False
    return all(one.client == host.address for one in answers)


def insist_on_health(net: Network) -> None:
    """The trace says that it works, and it does."""
    assert is_served(net, net.client)
    document = traced(net, net.client.address, "--probe")
    assert {one["step"]: one["verdict"] for one in document["steps"]} == {
        one["step"]: "ok" for one in document["steps"]
    }
    assert document["works"] is True


@pytest.mark.parametrize("mode", ["lvs-nat", "haproxy-tproxy"])
@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_a_healthy_way_is_all_ok_as_the_kernel_says_itself(topology: str, mode: str) -> None:
    with TOPOLOGIES[topology](servers=2) as net:
        serve(net, mode=mode)

        insist_on_health(net)
        document = traced(net, net.client.address)

        seen = {one["step"]: one["seen"] for one in document["steps"]}
        inner = "eth1" if topology == "dual-subnet" else "eth0"
        incoming = route(net, net.vip, "from", net.client.address, "iif", "eth0")
        assert incoming.startswith(f"local {net.vip}")
        mark = ("mark", "0x1") if mode == "haproxy-tproxy" else ()
        words = (net.client.address, "from", document["server"].split(":")[0], "iif", inner)
        reply = route(net, *words, *mark)
        if mode == "haproxy-tproxy":
            assert reply.startswith(f"local {net.client.address}")
            assert "its mark leads it to HAProxy" in seen["reply"]
        else:
            assert " via 192.168.1.1 dev eth0" in reply
            assert "to be sent on by eth0 via 192.168.1.1" in seen["reply"]
        assert f"leaves by {inner}" in seen["to-server"]


def route(net: Network, *words: str) -> str:
    return net.director.run("ip", "route", "get", *words).stdout


SENT = "ip saddr {client} ip daddr {vip} tcp dport 80"
PASSED = "ip saddr {client} ip daddr {rs} tcp dport 8080"
REPLY = "ip saddr {rs} tcp sport 8080 ip daddr {client}"
WATCHERS = {
    "in": ("prerouting", -290, f'{SENT} iifname "eth0"'),
    "input": ("input", 0, f"{SENT} ct state new"),
    "behind IPVS: never": ("input", 150, SENT),
    "output": ("output", 0, f'{PASSED} oifname "eth1" ct state untracked'),
    "out": ("postrouting", 0, f"{PASSED} ct state untracked"),
    "reply": ("prerouting", -290, f'{REPLY} iifname "eth1"'),
    "forward": ("forward", 0, f'{REPLY} oifname "eth0" ct state invalid'),
    "from the VIP: never": ("forward", 0, "ip saddr {vip}"),
    "answer": (
        "postrouting",
        0,
        "ip saddr {vip} ip daddr {client} tcp sport 80 ct state untracked",
    ),
}
"""Rules that count a packet where, and as what, the trace takes it to be: hook, priority, rule."""


def watchers(net: Network) -> Iterator[str]:
    places = {"client": net.client.address, "vip": net.vip, "rs": net.rs(1).address}
    yield "add table inet watch"
    for number, (name, (hook, priority, words)) in enumerate(WATCHERS.items()):
        kind = f"type filter hook {hook} priority {priority};"
        yield f"add chain inet watch c{number} {{ {kind} }}"
        yield f'add rule inet watch c{number} {words.format(**places)} counter comment "{name}"'


def test_a_packet_meets_the_hooks_in_the_form_that_the_trace_reads_the_rules_for() -> None:
    with dual_subnet(servers=1) as net:
        serve(net)
        net.director.run("nft", "-f", "-", input="\n".join(watchers(net)) + "\n")

        assert is_served(net, net.client)

        listed = net.director.run("nft", "-j", "list", "table", "inet", "watch").stdout
        rules = [one["rule"] for one in json.loads(listed)["nftables"] if "rule" in one]
        met = {
            rule["comment"]
            for rule in rules
            for statement in rule["expr"]
            if statement.get("counter", {}).get("packets")
        }
        assert met == {name for name in WATCHERS if not name.endswith("never")}
        insist_on_health(net)


# --- what is broken


@dataclass
class Patient:
    """A network, with the programs of its servers."""

    net: Network
    programs: list[Server] = field(default_factory=list)

    def director(self, *command: str) -> None:
        self.net.director.run(*command)


Break = Callable[[Patient], AbstractContextManager[None]]


def commands(breaks: str, cures: str) -> Break:
    """What is broken and cured by commands on the director."""

    @contextlib.contextmanager
    def broken(patient: Patient) -> Iterator[None]:
        words = {"vip": patient.net.vip, "rs": patient.net.rs(1).address}
        patient.director("sh", "-c", breaks.format(**words))
        yield
        patient.director("sh", "-c", cures.format(**words))

    return broken


@contextlib.contextmanager
def no_gateway(patient: Patient) -> Iterator[None]:
    for rs in patient.net.servers:
        rs.run("ip", "route", "del", "default")
    yield
    for rs in patient.net.servers:
        rs.run("ip", "route", "add", "default", "via", patient.net.gateway)


@contextlib.contextmanager
def no_program(patient: Patient) -> Iterator[None]:
    for program in patient.programs:
        program.stop()
    yield
    patient.programs = [rs.serve_tcp(8080) for rs in patient.net.servers]


@contextlib.contextmanager
def no_weight(patient: Patient) -> Iterator[None]:
    for rs in patient.net.servers:
        lvsnat(patient.net, "server", "disable", "web", f"{rs.address}:8080", "--force")
    yield
    for rs in patient.net.servers:
        lvsnat(patient.net, "server", "enable", "web", f"{rs.address}:8080")


@contextlib.contextmanager
def way_back_elsewhere(patient: Patient) -> Iterator[None]:
    """The default route leads to where no client comes from."""
    patient.director("ip", "link", "add", "aside", "type", "dummy")
    patient.director("sh", "-c", "ip link set aside up; ip route replace default dev aside;"
                     " sysctl -qw net.ipv4.conf.eth0.rp_filter=1")  # fmt: skip
    yield
    patient.director("sh", "-c", "sysctl -qw net.ipv4.conf.eth0.rp_filter=0;"
                     " ip route replace default via 192.168.1.1; ip link del aside")  # fmt: skip


INPUT_DROPS = commands(
    "iptables -A INPUT -p tcp --dport 22 -j ACCEPT;"
    " iptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT; iptables -P INPUT DROP",
    "iptables -P INPUT ACCEPT; iptables -F INPUT",
)
THIS_CLIENT_ALONE = commands(
    "nft 'add table inet f; add chain inet f i {{ type filter hook input priority 0; }};"
    " add rule inet f i ip saddr 203.0.113.0/24 drop'",
    "nft delete table inet f",
)
VIP_GONE = commands("ip address del {vip}/32 dev eth0", "ip address add {vip}/32 dev eth0")
REDIRECTED = commands(
    "iptables -t nat -A PREROUTING -p tcp --dport 80 -j DNAT --to 192.168.1.77",
    "iptables -t nat -F PREROUTING",
)
IPVS: dict[str, tuple[Break, tuple[str, str | None]]] = {
    "input": (INPUT_DROPS, ("input", "INPUT_DROPS")),
    "this client alone": (THIS_CLIENT_ALONE, ("input", "INPUT_DROPS")),
    "redirected": (REDIRECTED, ("prerouting", "REDIRECTED")),
    "VIP gone": (VIP_GONE, ("routing", "VIP_MISSING")),
    "rp_filter": (way_back_elsewhere, ("routing", "RP_FILTER")),
    "weight 0": (no_weight, ("servers", "ALL_WEIGHTS_0")),
    "masquerade": (
        commands(
            "sysctl -qw net.ipv4.vs.conntrack=1; iptables -t nat -A POSTROUTING -j MASQUERADE",
            "iptables -t nat -F POSTROUTING; sysctl -qw net.ipv4.vs.conntrack=0",
        ),
        ("to-server", "MASQUERADED"),
    ),
    "server down": (no_program, ("server", "PORT_CLOSED")),
    "no gateway": (no_gateway, ("way-back", "RS_GATEWAY")),
    "ip_forward": (
        commands("sysctl -qw net.ipv4.ip_forward=0", "lvsnat apply"),
        ("reply", "IP_FORWARD"),
    ),
    "forward": (
        commands("iptables -P FORWARD DROP", "iptables -P FORWARD ACCEPT"),
        ("forward", "FORWARD_DROPS"),
    ),
}
HAPROXY: dict[str, tuple[Break, tuple[str, str | None]]] = {
    "input": (INPUT_DROPS, ("input", "INPUT_DROPS")),
    "weight 0": (no_weight, ("servers", "ALL_WEIGHTS_0")),
    "masquerade": (
        commands("iptables -t nat -A POSTROUTING -j MASQUERADE", "iptables -t nat -F POSTROUTING"),
        ("to-server", "MASQUERADED"),
    ),
    "no gateway": (no_gateway, ("way-back", "RS_GATEWAY")),
    "no mark": (
        commands("nft delete table inet lvsnat", "lvsnat apply"),
        ("reply", "DIVERT_MISSING"),
    ),
    "no routing rule": (
        commands("ip rule del pref 100", "lvsnat apply"),
        ("reply", "MARK_RULE_MISSING"),
    ),
    "replies dropped": (
        commands(
            "nft 'add table inet f; add chain inet f i {{ type filter hook input priority 0;"
            " policy drop; }}; add rule inet f i tcp dport 80 accept'",
            "nft delete table inet f",
        ),
        ("forward", "INPUT_REPLIES"),
    ),
}


ALIKE = {"this client alone", "redirected", "rp_filter", "replies dropped", "no routing rule"}
"""What is the same in both topologies, and tried in one."""


@pytest.mark.parametrize(("mode", "breaks"), [("lvs-nat", IPVS), ("haproxy-tproxy", HAPROXY)])
@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_what_is_broken_fails_its_step_and_real_packets_agree(
    topology: str, mode: str, breaks: Mapping[str, tuple[Break, tuple[str, str | None]]]
) -> None:
    with TOPOLOGIES[topology](servers=2) as net:
        patient = Patient(net, [rs.serve_tcp(8080) for rs in net.servers])
        configure(net, f'mode = "{mode}"\n' + service(net))
        wrong = {}
        alike = ALIKE if topology == "single-subnet" else set()
        for name, (broken, expected) in breaks.items():
            if name in alike:
                continue
            with broken(patient):
                served = is_served(net, net.client, timeout=SILENCE)
                probe = ("--probe",) if expected[0] in {"server", "way-back"} else ()
                found = failing(traced(net, net.client.address, *probe))
            if served or found != expected:
                wrong[name] = (found, "served" if served else "")
        assert wrong == {}
        insist_on_health(net)


@pytest.mark.parametrize("lay_out", [dual_subnet, single_subnet])
def test_a_client_beside_the_servers(
    lay_out: Callable[..., AbstractContextManager[Network]],
) -> None:
    with lay_out(servers=1, neighbour=True) as net:
        serve(net)
        with hanging(net.neighbour, net.vip):
            waits = ("way-back", "CLIENT_SAME_SUBNET")
            asked = (net.neighbour.address, "--probe")
            eventually(lambda: failing(traced(net, *asked, seconds=LOOKS)) == waits)
        insist_on_health(net)

        warm.run(net.rs(1), "gateway", "set", net.gateway, "--reply-only", "tcp/8080",
                      "--local-clients")  # fmt: skip
        assert net.neighbour.ask_tcp(net.vip, 80).client == net.neighbour.address
        assert traced(net, net.neighbour.address, "--probe")["works"] is True


def test_one_of_two_servers_that_fails_is_followed_and_the_other_is_fine() -> None:
    with dual_subnet(servers=2) as net:
        serve(net)
        net.rs(2).run("ip", "route", "del", "default")
        one, two = (f"{rs.address}:8080" for rs in net.servers)

        document = traced(net, net.client.address, "--probe")

        assert document["server"] == two
        assert failing(document) == ("way-back", "RS_GATEWAY")
        assert [one["fails_at"] for one in document["servers"]] == [None, "way-back"]
        to_first = traced(net, net.client.address, "--probe", "--server", one)
        assert to_first["works"] is True


def test_persistence_and_a_connection_that_is_open_decide() -> None:
    with dual_subnet(servers=2) as net:
        for rs in net.servers:
            rs.serve_tcp(8080)
        configure(net, service(net, more="persistence = 60"))
        served_by = net.client.ask_tcp(net.vip, 80).server
        held = f"{net.hosts[served_by].address}:8080"

        document = traced(net, net.client.address)

        assert document["server"] == held
        assert [one["decided"] for one in document["servers"]].count(True) == 1
        assert net.client.ask_tcp(net.vip, 80).server == served_by
        # Its server is held at weight 0, and the kernel forgets the template for that.
        lvsnat(net, "server", "disable", "web", held)
        assert traced(net, net.client.address)["server"] != held
        assert net.client.ask_tcp(net.vip, 80).server != served_by


def test_ipv6_udp_and_several_ports() -> None:
    with dual_subnet(servers=1) as net:
        net.rs(1).serve_tcp(8080)
        net.rs(1).serve_udp(8080)
        configure(
            net,
            f'[[service]]\nname = "six"\nlisten = "tcp/[{net.vip6}]:80"\n'
            f'servers = [{{ address = "[{net.rs(1).address6}]:8080" }}]\n'
            + service(net, name="many", listen=f"tcp/{net.vip}:8000-8010,9000")
            + service(net, name="dns", listen=f"udp/{net.vip}:53"),
        )
        assert net.client.ask_tcp(net.vip6, 80).client == net.client.address6
        assert net.client.ask_tcp(net.vip, 9000).client == net.client.address
        assert net.client.ask_udp(net.vip, 53).client == net.client.address
        six, many = net.client.address6, net.client.address
        assert traced(net, six, "--probe", name="six")["works"] is True
        assert traced(net, many, "--probe", name="many")["works"] is True
        assert failing(traced(net, many, "--probe", name="dns")) is None

        net.director.run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=0")
        net.director.run("nft", "delete", "table", "inet", "lvsnat")

        assert failing(traced(net, six, "--probe", name="six")) == ("reply", "IP_FORWARD")
        assert failing(traced(net, many, name="many")) == ("prerouting", "NOT_APPLIED")
        net.director.run("nft", "add table ip f; add chain ip f i { type filter hook input priority"
                         " 0; }; add rule ip f i udp dport 53 drop")  # fmt: skip
        assert failing(traced(net, many, name="dns")) == ("input", "INPUT_DROPS")
        with pytest.raises(TimeoutError):
            net.client.ask_udp(net.vip, 53, timeout=SILENCE)
        with pytest.raises(TimeoutError):
            net.client.ask_tcp(net.vip6, 80, timeout=SILENCE)
        with pytest.raises(OSError, match="9000"):
            net.client.ask_tcp(net.vip, 9000, timeout=SILENCE)
