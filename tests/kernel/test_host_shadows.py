"""What on a real host shadows haproxy-tproxy: refused before a change, or warned of."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest

from lvsnat.errors import LvsnatError
from lvsnat.host import returning
from lvsnat.host.backend import HostBackend
from lvsnat.host.resources import Sysctl, Vip, expand
from lvsnat.model.config import Config, HaproxyOptions, HostOptions
from lvsnat.model.endpoint import Endpoint, parse_listener
from lvsnat.model.mode import Mode
from lvsnat.model.phase import Phase
from lvsnat.model.service import RealServer, VirtualService
from lvsnat.plan.change import Create, Delete
from lvsnat.system import run

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("director")]

LOCAL = HaproxyOptions(local_networks=(ip_network("192.168.2.0/24"), ip_network("2001:db8:2::/64")))


def ok(*argv: str) -> str:
    done = run(argv)
    assert done.returncode == 0, (argv, done.stderr)
    return done.stdout


def sh(text: str) -> None:
    ok("sh", "-ec", text)


@pytest.fixture
def director(fresh_netns: None) -> None:  # noqa: ARG001 - in that namespace
    """One interface to the clients, with the default route, and one to the servers."""
    sh(
        """
        ip link set lo up
        for name in eth0 eth1; do
            ip link add $name type veth peer name $name-far
            ip link set $name up; ip link set $name-far up
        done
        ip addr add 192.168.1.50/24 dev eth0; ip addr add 192.168.2.50/24 dev eth1
        ip -6 addr add 2001:db8:1::50/64 dev eth0 nodad
        ip -6 addr add 2001:db8:2::50/64 dev eth1 nodad
        ip route add default via 192.168.1.1; ip -6 route add default via 2001:db8:1::1
        sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
        """
    )


def config(haproxy: HaproxyOptions = LOCAL, phase: Phase | None = None) -> Config:
    def service(name: str, listen: str, server: str) -> VirtualService:
        reals = (RealServer(Endpoint.parse(server)),)
        return VirtualService(name, parse_listener(listen), servers=reals)

    services = (
        service("web", "tcp/192.168.1.50:80", "192.168.2.55:80"),
        service("web6", "tcp/[2001:db8:1::50]:80", "[2001:db8:2::55]:80"),
    )
    return Config(Mode.HAPROXY_TPROXY, services, haproxy=haproxy, switching=phase)


def parts(wish: Config) -> list[Create]:
    """The table, rules and routes of a configuration as a plan would make them."""
    return [Create(one) for one in expand(wish) if not isinstance(one, Sysctl | Vip)]


def settle(wish: Config) -> None:
    HostBackend().apply(parts(wish), lambda _: None)


def refused(wish: Config) -> tuple[str, str]:
    before = ok("nft", "list", "ruleset") + ok("ip", "rule") + ok("ip", "-6", "rule")
    with pytest.raises(LvsnatError) as raised:
        HostBackend().prepare(parts(wish))
    assert before == ok("nft", "list", "ruleset") + ok("ip", "rule") + ok("ip", "-6", "rule")
    return raised.value.message, str(raised.value.hint)


def warned(wish: Config | None = None) -> list[str]:
    return [f"{one.message}: {one.hint}" for one in HostBackend().warnings(wish or config())]


@pytest.mark.parametrize("phase", [None, *Phase])
def test_a_plain_host_has_nothing_against_it(phase: Phase | None) -> None:
    HostBackend().prepare(parts(config(phase=phase)))

    assert warned(config(phase=phase)) == []


def test_once_the_rules_are_in_place_the_kernel_says_that_replies_come() -> None:
    assert list(returning.answers(config())) == []
    settle(config())

    found = list(returning.answers(config()))

    assert [(str(one.server), one.interface) for one in found] == [
        ("192.168.2.55", "eth1"),
        ("2001:db8:2::55", "eth1"),
    ]
    assert all(one.reaches_haproxy for one in found)
    assert warned() == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("sysctl -qw net.ipv4.conf.all.src_valid_mark=1", "the kernel drops a reply of 192.168"),
        ("sysctl -qw net.ipv4.conf.eth1.src_valid_mark=1", "src_valid_mark to 0"),
        ("ip rule add pref 10 lookup main", "192.168.2.55 that comes in by eth1 would not come"),
        ("ip -6 rule add pref 10 lookup main", "2001:db8:2::55 that comes in by eth1 would not"),
        ("ip rule add pref 10 from 192.168.2.0/24 lookup main", "be forwarded via 192.168.1.1"),
        ("ip route flush table 233", "would not come to HAProxy"),
    ],
)  # fmt: skip
def test_what_spoils_the_way_back_later_is_found_by_asking_the_kernel(
    spoil: str, said: str
) -> None:
    settle(config())
    sh(spoil)

    (warning,) = warned()

    assert said in warning


@pytest.mark.parametrize(
    ("theirs", "said", "key"),
    [
        ("ip rule add pref 10 lookup main", "takes everything: ipv4 10: from all lookup main",
         "priority = 9"),
        ("ip rule add pref 50 fwmark 0x3/0x3 lookup 77", "uses the mark 0x1, too", "mark = 0x1000"),
        ("ip rule add pref 30000 fwmark 0x1 lookup 77", "uses the mark 0x1, too", "mark = 0x1000"),
        ("ip rule add pref 5 prohibit", "5: from all prohibit", "priority = 4"),
        ("ip rule add pref 50 not fwmark 0x40 lookup main", "not fwmark 0x40 lookup main",
         "priority = 49"),
        ("ip rule add pref 40000 from 10.0.0.0/8 lookup 233", "asks table 233, too", "table under"),
        ("ip route add 10.0.0.0/8 via 192.168.1.1 table 233", "10.0.0.0/8 via 192.168.1.1 dev eth0",
         "table under [haproxy]"),
        ("ip -6 rule add pref 10 lookup main", "ipv6 10: from all lookup main", "priority = 9"),
    ],
)  # fmt: skip
def test_a_routing_rule_of_somebody_else_is_refused_by_name(
    theirs: str, said: str, key: str
) -> None:
    sh(theirs)

    message, hint = refused(config())

    assert said in message
    assert key in hint
    assert "nothing was changed" in hint


@pytest.mark.parametrize(
    "theirs",
    [
        "ip rule add pref 50 fwmark 0x80000/0xff0000 lookup main",
        "ip rule add pref 50 lookup main suppress_prefixlength 0",
        "ip rule add pref 50 lookup 77",
        "ip rule add pref 40000 lookup main",
        "ip rule add pref 50 fwmark 0x1 lookup 77; ip route add local default dev lo table 77",
    ],
)
def test_rules_that_take_nothing_away_are_no_reason_to_refuse(theirs: str) -> None:
    sh(theirs)

    HostBackend().prepare(parts(config()))
    settle(config())

    assert all(one.reaches_haproxy for one in returning.answers(config()))


def test_another_priority_may_take_the_place_of_ours() -> None:
    settle(config())
    other = config(replace(LOCAL, priority=50, mark=2))

    going = [Delete(one.resource) for one in parts(config())]
    HostBackend().prepare([*(parts(other)[:4]), *going])


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        ("iptables -t mangle -A FORWARD -j MARK --set-mark 7",
         "the chain FORWARD of iptables (0x7)"),
        ("ip6tables -t mangle -A OUTPUT -m mark --mark 0x3/0x3 -j ACCEPT",
         "the chain OUTPUT of iptables (0x3)"),
        (("iptables -t mangle -N ts-input; iptables -t mangle -A ts-input -j MARK --set-xmark"
         " 0x1/0xff"), "Tailscale (0xff)"),
        ("nft 'add table ip t; add chain ip t c; add rule ip t c meta mark set meta mark | 0x5'",
         "the nft chain ip t c (0x5)"),
    ],
)  # fmt: skip
def test_another_user_of_the_mark_is_refused_by_name(theirs: str, said: str) -> None:
    sh(theirs)

    message, hint = refused(config())

    assert f"the mark 0x1 of replies to HAProxy is used by {said}" in message
    assert "mark = 0x10000000" in hint
    HostBackend().prepare(parts(config(replace(LOCAL, mark=0x10000000))))


def test_other_bits_of_the_mark_are_anybodys() -> None:
    sh("iptables -t mangle -A PREROUTING -m mark --mark 0x80000/0xff0000 -j MARK --or-mark 0x4000")

    HostBackend().prepare(parts(config()))

    assert warned() == []


CLOSED = {
    "iptables": """
        iptables -P INPUT DROP; iptables -A INPUT -i lo -j ACCEPT
        iptables -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
        iptables -A INPUT -p tcp --dport 80 -j ACCEPT
    """,
    "nft": """
        nft add table inet fw
        nft 'add chain inet fw in { type filter hook input priority 0; policy drop; }'
        nft add rule inet fw in 'ct state vmap { established : accept, invalid : drop }'
        nft add rule inet fw in 'iifname lo accept'
        nft add rule inet fw in 'tcp dport { 22, 80 } accept'
    """,
    "firewalld": """
        nft add table inet fw
        nft 'add chain inet fw in { type filter hook input priority 10; policy accept; }'
        nft add chain inet fw public
        nft add rule inet fw in 'ct state { established, related } accept'
        nft add rule inet fw in 'iifname eth0 goto public'
        nft add rule inet fw in 'reject with icmpx admin-prohibited'
        nft add rule inet fw public 'tcp dport { 22, 80 } accept'
    """,
}


@pytest.mark.parametrize("firewall", CLOSED)
def test_a_closed_side_port_refuses_the_switch_and_the_remedy_opens_it(firewall: str) -> None:
    sh(CLOSED[firewall])
    HostBackend().prepare(parts(config()))

    message, hint = refused(config(phase=Phase.BOTH))
    sh(hint.removesuffix("; nothing was changed").rpartition(": ")[2])

    assert "drops new connections to the side ports, through which the modes are" in message
    assert "10080" in message
    HostBackend().prepare(parts(config(phase=Phase.BOTH)))


def test_a_side_port_that_may_be_open_is_left_to_the_operator() -> None:
    sh(CLOSED["firewalld"])
    sh("nft add rule inet fw public 'tcp dport 10080 accept'")

    HostBackend().prepare(parts(config(phase=Phase.BOTH)))


def test_ipvs_that_takes_connections_in_midstream_refuses_the_switch() -> None:
    if run(["sysctl", "-qw", "net.ipv4.vs.sloppy_tcp=1"]).returncode != 0:
        pytest.skip("this kernel has no IPVS: run it with scripts/lab")

    message, hint = refused(config(phase=Phase.BOTH))

    assert message.startswith("net.ipv4.vs.sloppy_tcp is 1")
    assert "sysctl -w net.ipv4.vs.sloppy_tcp=0" in hint
    HostBackend().prepare(parts(config()))


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        ("iptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE",
         "chain ip nat POSTROUTING gives HAProxy's connections to 192.168.2.55"),
        ("ip6tables -t nat -A POSTROUTING -j MASQUERADE", "connections to 2001:db8:2::55"),
        ("iptables -t mangle -A PREROUTING -j CONNMARK --restore-mark", "takes the mark 0x1 away"),
        ("iptables -t mangle -A PREROUTING -j MARK --set-mark 0", "takes the mark 0x1 away"),
        (("nft 'add table ip t; add chain ip t c { type filter hook prerouting priority 5; };"
         " add rule ip t c meta mark set 0'"), "the nft chain ip t c takes the mark 0x1 away"),
        ("iptables -P INPUT DROP; iptables -A INPUT -p tcp --dport 80 -j ACCEPT",
         "drops what real servers answer to HAProxy"),
        ("ip link add tailscale0 type veth peer name other", "Tailscale is here"),
        (("ip link add eth2 type veth peer name other; ip link set eth2 up;"
          " ip addr add 192.168.2.51/24 dev eth2;"
         " sysctl -qw net.ipv4.conf.eth2.rp_filter=1"), "eth2 filters by the reverse path"),
    ],
)  # fmt: skip
def test_what_hides_clients_or_loses_answers_is_warned_of(theirs: str, said: str) -> None:
    sh(theirs)

    (warning,) = warned()

    assert said in warning


@pytest.mark.parametrize("way", ["take it away: ", "or except the real servers: "])
@pytest.mark.parametrize(
    "theirs",
    [
        "iptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE",
        (
            "nft add table ip t; nft 'add chain ip t c { type nat hook postrouting priority 100; }'"
            "; nft add rule ip t c masquerade"
        ),
    ],
)
def test_what_hides_clients_ends_by_what_the_hint_says(theirs: str, way: str) -> None:
    sh(f"iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE; {theirs}")

    (warning,) = warned()
    sh(warning.partition(way)[2].split("'")[1])

    assert not any("192.168.2.55" in one for one in warned())


@pytest.mark.parametrize(
    "theirs",
    [
        "iptables -t nat -A POSTROUTING -s 192.168.2.0/24 ! -d 192.168.0.0/16 -j MASQUERADE",
        "iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE",
        "iptables -P FORWARD DROP; ip6tables -P FORWARD DROP",
        "iptables -P INPUT DROP; iptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT",
    ],
)
def test_what_does_no_harm_is_not_warned_of(theirs: str) -> None:
    sh(theirs)

    assert warned() == []


def test_a_setting_that_is_not_ours_to_keep_is_named() -> None:
    sh("sysctl -qw net.ipv4.conf.eth1.src_valid_mark=1")

    (warning,) = warned(replace(config(), host=HostOptions(manage_sysctl=False)))

    assert "src_valid_mark is 1 on eth1" in warning
    assert "sysctl -w net.ipv4.conf.eth1.src_valid_mark=0" in warning


def test_clients_beside_the_servers_are_named_with_the_line_to_add() -> None:
    given = HaproxyOptions(local_networks=(ip_network("10.0.0.0/8"),))

    (warning,) = warned(config(given))

    line = 'local_networks = ["10.0.0.0/8", "192.168.2.0/24", "2001:db8:2::/64"]'
    assert line in warning
