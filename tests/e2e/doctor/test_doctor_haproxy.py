"""Each cause in haproxy-tproxy made for real: the doctor names it alone, and is silent after it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from signal import Signals
from typing import Any

import pytest
from e2e.conftest import TOPOLOGIES, ipvsadm, lvsnat
from e2e.doctor.ailing import (
    CHECKED,
    LOOKS,
    QUICK,
    caught_asking,
    configure,
    examined,
    found,
    hanging,
    noticed,
    seen,
    service,
    settle,
)
from e2e.mode.switching import scene, started, wait_for
from labkit.host import PATIENCE
from labkit.load import long_connections
from labkit.topology import Network

from lvsnat.haproxy.runtime import RuntimeSocket

pytestmark = pytest.mark.e2e


@contextmanager
def proxied(net: Network, *, more: str = CHECKED, head: str = "") -> Iterator[Network]:
    """HAProxy over all real servers, in both families; UDP beside it."""
    for rs in net.servers:
        rs.serve_tcp(8080)
        rs.serve_udp(8080)
    six = ", ".join(f'{{ address = "[{rs.address6}]:8080" }}' for rs in net.servers)
    configure(
        net,
        f'mode = "haproxy-tproxy"\n{head}\n'
        + service(net, more=more)
        + service(net, name="dns", listen=f"udp/{net.vip}:53")
        + f'[[service]]\nname = "six"\nlisten = "tcp/[{net.vip6}]:80"\nservers = [{six}]\n',
    )
    try:
        yield net
    finally:
        lvsnat(net, "clear", "--yes", "--force")


@pytest.fixture(params=TOPOLOGIES)
def anywhere(request: pytest.FixtureRequest) -> Iterator[Network]:
    """Each topology in turn."""
    with TOPOLOGIES[request.param](servers=2) as net, proxied(net):
        yield net


@pytest.fixture
def web(dual: Network) -> Iterator[Network]:
    with proxied(dual):
        yield dual


def insist_on_health(net: Network) -> None:
    """The doctor is silent, and clients are served with their own addresses."""
    settle(net, "--probe")
    assert net.client.ask_tcp(net.vip, 80).client == net.client.address


def is_served(net: Network, *, timeout: float = PATIENCE) -> bool:
    """Whether a client gets an answer."""
    with suppress(OSError):
        net.client.ask_tcp(net.vip, 80, timeout=timeout)
        return True
    return False


def is_cut_off(net: Network) -> bool:
    """Whether a client gets none, within a moment."""
    return not is_served(net, timeout=1)


def insist_on(net: Network, code: str, *, severity: str = "broken") -> dict[str, Any]:
    """It is the only thing that is found; the finding."""
    findings = examined(net)["findings"]
    assert {(one["code"], one["severity"]) for one in findings} == {(code, severity)}, findings
    first: dict[str, Any] = findings[0]
    return first


def runtime(net: Network) -> RuntimeSocket:
    return RuntimeSocket(net.director.home / "run" / "haproxy" / "runtime.sock")


def pids(net: Network) -> list[str]:
    """The processes of HAProxy in the director's network."""
    config = str(net.director.home / "state" / "haproxy" / "haproxy.cfg")
    return net.director.run("pgrep", "-f", config).stdout.split()


def master(net: Network) -> str:
    """The process of HAProxy that has started the others."""
    config = str(net.director.home / "state" / "haproxy" / "haproxy.cfg")
    return net.director.run("pgrep", "--oldest", "-f", config).stdout.strip()


def kill(net: Network, signal: str = "KILL") -> None:
    net.director.run("kill", f"-{signal}", *pids(net))
    if signal == "KILL":
        wait_for(lambda: not net.director.run("pgrep", "-f", str(net.director.home / "state"),
                                              check=False).stdout, "HAProxy ends")  # fmt: skip


# --- the way of the replies


LATER_CHAIN = """
nft 'add table ip t; add chain ip t c { type filter hook prerouting priority 0; }'
nft 'add rule ip t c meta mark set 0'
"""
SHUT_INPUT = """
nft 'add table inet f; add chain inet f i { type filter hook input priority 0; policy drop; }'
nft 'add rule inet f i meta l4proto { icmp, icmpv6 } accept'
nft 'add rule inet f i th dport { 53, 80 } accept'
"""
APPLY = "lvsnat apply"
BROKEN: tuple[tuple[str, str, str], ...] = (
    # What breaks it, its code, what mends it.
    ("nft delete table inet lvsnat", "DIVERT_MISSING", APPLY),
    ("nft flush chain inet lvsnat divert", "DIVERT_MISSING", APPLY),
    ("ip rule del pref 100", "MARK_RULE_MISSING", APPLY),
    ("ip route flush table 233", "MARK_ROUTE_MISSING", APPLY),
    ("ip rule add pref 10 lookup main", "MARK_RULE_SHADOWED", "ip rule del pref 10"),
    (LATER_CHAIN, "REPLY_MARK_LOST", "nft delete table ip t"),
    ("sysctl -qw net.ipv4.conf.all.src_valid_mark=1", "SRC_VALID_MARK", APPLY),
    (SHUT_INPUT, "INPUT_REPLIES", "nft delete table inet f"),
)


def test_what_keeps_replies_from_haproxy(anywhere: Network) -> None:
    director = anywhere.director
    insist_on_health(anywhere)
    one_leg = anywhere.gateway.rpartition(".")[0] == anywhere.vip.rpartition(".")[0]
    # In one subnet the way there and the way back are one interface; most have no part in that.
    for broken, code, mended in BROKEN[-3:] if one_leg else BROKEN:
        director.run("sh", "-c", broken)
        assert is_cut_off(anywhere), broken
        with hanging(anywhere.client, anywhere.vip):
            finding = insist_on(anywhere, code)
            if mended == APPLY:
                assert finding["remedy"] == "'lvsnat apply'"
            if code in {"MARK_RULE_MISSING", "REPLY_MARK_LOST"}:
                assert seen(anywhere, "--probe") == code
        director.run("sh", "-c", mended)
        settle(anywhere)
    director.run("ip", "-6", "route", "flush", "table", "233")
    assert insist_on(anywhere, "MARK_ROUTE_MISSING")["subject"].startswith("local route ipv6")
    lvsnat(anywhere, "apply")
    insist_on_health(anywhere)


def test_what_hides_the_clients(anywhere: Network) -> None:
    anywhere.director.run("iptables", "-t", "nat", "-A", "POSTROUTING", "-j", "MASQUERADE")
    assert anywhere.client.ask_tcp(anywhere.vip, 80).client != anywhere.client.address

    assert "MASQUERADED" in seen(anywhere)

    anywhere.director.run("iptables", "-t", "nat", "-F", "POSTROUTING")
    insist_on_health(anywhere)


def test_replies_that_come_in_by_another_interface(web: Network) -> None:
    second = web.gateway.rpartition(".")[0] + ".11"
    for line in (
        "ip link add link eth1 name second type macvlan mode bridge",
        f"ip address add {second}/24 dev second",
        "ip link set second up",
        # Else eth1 answers for the address, too.
        "sysctl -qw net.ipv4.conf.eth1.arp_ignore=1 net.ipv4.conf.second.rp_filter=1",
    ):
        web.director.run(*line.split())
    for rs in web.servers:
        rs.run("ip", "route", "replace", "default", "via", second)
    assert is_cut_off(web)
    with hanging(web.client, web.vip):
        # How bad it is follows from how many packets are lost meanwhile.
        (told,) = noticed(web, seconds=QUICK)
    assert told["code"] == "RP_FILTER"
    remedy = told["remedy"]

    web.director.run("sh", "-c", remedy.split("'")[1])
    insist_on_health(web)


def test_what_might_do_harm_and_does_not_is_a_risk(web: Network) -> None:
    web.director.run("ip", "rule", "add", "pref", "10", "fwmark", "1", "table", "77")
    web.director.run("sysctl", "-qw", "net.ipv4.conf.eth0.src_valid_mark=1")
    web.director.run("sysctl", "-qw", "net.ipv4.ip_local_port_range=32768 60999")
    # IPv6 is HAProxy's alone here.
    web.director.run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=0")
    assert is_served(web)
    assert web.client.ask_tcp(web.vip6, 80).client == web.client.address6

    assert set(found(web)) == {
        ("PORT_RANGE", "risk"), ("MARK_RULE_SHADOWED", "risk"), ("SRC_VALID_MARK", "risk"),
        ("IP_FORWARD", "risk"),
    }  # fmt: skip

    web.director.run("ip", "rule", "del", "pref", "10")
    lvsnat(web, "apply")
    insist_on_health(web)


# --- the process


def test_a_process_that_is_gone_or_does_not_answer(web: Network) -> None:
    kill(web)
    with pytest.raises(ConnectionRefusedError):
        web.client.ask_tcp(web.vip, 80)
    finding = insist_on(web, "HAPROXY_DOWN")
    assert finding["remedy"].startswith("'lvsnat apply'")

    script = "import socket;s=socket.create_server(('',80));print(flush=True);s.accept()"
    program = web.director.started("python3", "-c", script)
    assert f"process {program.pid}" in insist_on(web, "PORT_TAKEN")["seen"]
    program.kill()
    program.wait()
    lvsnat(web, "apply")
    insist_on_health(web)

    kill(web, "STOP")
    document = json.loads(
        web.director.run("lvsnat", "doctor", "--seconds", QUICK, "-o", "json", check=False).stdout
    )
    kill(web, "CONT")
    assert [(one["code"], one["severity"]) for one in document["findings"]] == [
        ("HAPROXY_SILENT", "broken")
    ]
    insist_on_health(web)

    (web.director.home / "run" / "haproxy" / "runtime.sock").unlink()
    assert is_served(web)
    insist_on(web, "HAPROXY_SILENT", severity="risk")
    lvsnat(web, "apply")
    insist_on_health(web)


def test_a_process_that_is_not_as_it_should_be(web: Network) -> None:
    runtime(web).ask("disable frontend web")
    assert is_cut_off(web)
    remedy = insist_on(web, "HAPROXY_DEAF")["remedy"]
    runtime(web).ask(remedy.partition("echo ")[2].partition(" |")[0])
    insist_on_health(web)

    config = web.director.home / "state" / "haproxy" / "haproxy.cfg"
    text = config.read_text()
    config.write_text(text + "nonsense\n")
    web.director.run("kill", "-USR2", master(web))
    wait_for(lambda: "the last reload failed" in str(examined(web)["findings"]), "it has failed")
    insist_on(web, "HAPROXY_STALE", severity="risk")
    lvsnat(web, "apply")
    settle(web)

    ipvsadm(web, "-A", "-t", f"{web.vip}:80")
    with pytest.raises(ConnectionRefusedError):
        web.client.ask_tcp(web.vip, 80)
    finding = insist_on(web, "IPVS_FIRST")
    web.director.run("sh", "-c", finding["remedy"].split("'")[1])
    insist_on_health(web)


def test_a_process_without_the_right_to_be_transparent(web: Network) -> None:
    home = web.director.home
    kill(web)
    rights = "-all,+net_bind_service"
    web.director.run(
        "prlimit", "--nofile=50000", "setpriv", "--reuid", "haproxy", "--regid", "haproxy",
        "--init-groups", "--inh-caps", rights, "--ambient-caps", rights, "--bounding-set", rights,
        "haproxy", "-D", "-W", "-C", "/", "-f", f"{home}/state/haproxy/haproxy.cfg",
        "-S", f"{home}/run/haproxy/master.sock,mode,666",
    )  # fmt: skip
    wait_for(lambda: bool(runtime(web).ask("show info")), "it answers")
    assert is_cut_off(web)

    remedy = insist_on(web, "HAPROXY_RIGHTS")["remedy"]

    web.director.run("sh", "-c", remedy.split("'")[1])
    wait_for(lambda: found(web) == [("HAPROXY_DOWN", "broken")], "it has ended")
    lvsnat(web, "apply")
    insist_on_health(web)


def test_a_program_that_cannot_serve(web: Network) -> None:
    said = "HAProxy version 2.4.0 2021/05/14\nFeature list : +EPOLL -TPROXY"
    fake = web.director.home / "bin" / "haproxy"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\necho '{said}'\n")
    fake.chmod(0o755)

    def looked(before: str) -> list[tuple[str, str]]:
        line = f"{before} lvsnat doctor --seconds {QUICK} -o json"
        done = web.director.run("sh", "-c", line, check=False)
        return [(one["code"], one["severity"]) for one in json.loads(done.stdout)["findings"]]

    old = f"PATH={fake.parent}:$PATH"
    # What a command mounts is in its own namespace of mounts (ip-netns(8)).
    none = 'for one in $(which -a haproxy); do mount --bind /dev/null "$one"; done;'
    assert looked(old) == [("HAPROXY_UNFIT", "risk")]
    assert looked(none) == [("HAPROXY_MISSING", "risk")]
    kill(web)
    assert looked(old) == [("HAPROXY_UNFIT", "broken")]
    assert looked(none) == [("HAPROXY_MISSING", "broken")]
    lvsnat(web, "apply")
    insist_on_health(web)


# --- limits


def test_haproxy_at_its_limits(dual: Network) -> None:
    few = "[service.haproxy]\nmaxconn = 2"
    with proxied(dual, more=CHECKED):
        text = (dual.director.home / "lvsnat.toml").read_text()
        head, rest = text.split("[[service]]", 1)
        first, others = rest.split("[[service]]", 1)
        configure(dual, f"{head}[[service]]{first}\n{few}\n[[service]]{others}")
        with long_connections(dual.client, dual.vip, 80, count=2):
            insist_on(dual, "HAPROXY_FULL")
        settle(dual)

        upper = first.replace('8080" }', '8080", upper = 1 }')
        configure(dual, f"{head}[[service]]{upper}\n[[service]]{others}")
        with long_connections(dual.client, dual.vip, 80, count=2), hanging(dual.client, dual.vip):
            assert {one["code"] for one in noticed(dual)} == {"THRESHOLD"}
        settle(dual)


def test_source_ports_that_are_used_up(web: Network) -> None:
    # All but two for each client and server.
    web.director.run("sysctl", "-qw", "net.ipv4.ip_local_reserved_ports=10242-32767")
    with long_connections(web.client, web.vip, 80, count=4):
        finding = insist_on(web, "PORTS_EXHAUSTED")
        assert finding["seen"] == f"{web.client.address} has 2 of 2 ports"
        assert is_cut_off(web)
    web.director.run("sysctl", "-qw", "net.ipv4.ip_local_reserved_ports=")
    insist_on_health(web)


# --- real servers


def test_servers_that_haproxys_own_checks_find_down(web: Network) -> None:
    web.rs(1).stop_all()
    wait_for(lambda: found(web) == [("SERVER_DOWN", "risk")], "the first is down")
    assert is_served(web)
    assert ("PORT_CLOSED", "broken") in found(web, "--probe")

    web.rs(2).stop_all()
    wait_for(lambda: found(web) == [("NO_SERVER_ALIVE", "broken")], "both are down")

    for rs in web.servers:
        rs.serve_tcp(8080)
        rs.serve_udp(8080)
    settle(web, "--probe")


def test_a_server_whose_replies_go_elsewhere(anywhere: Network) -> None:
    rs = anywhere.rs(1)
    rs.run("ip", "route", "del", "default")
    with hanging(anywhere.client, anywhere.vip):
        suspected = noticed(anywhere)
    proven = examined(anywhere, "--probe")["findings"]

    assert [(one["code"], one["service"]) for one in suspected] == [("RS_GATEWAY", "web")]
    # TCP by HAProxy, UDP by IPVS.
    assert {(one["code"], one["service"]) for one in proven} == {
        ("RS_GATEWAY", "web"), ("RS_GATEWAY", "dns"),
    }  # fmt: skip
    rs.run("lvsnat", "gateway", "set", anywhere.gateway)
    insist_on_health(anywhere)

    rs.run("ip", "-6", "route", "del", "default")
    (six,) = examined(anywhere, "--probe")["findings"]
    assert (six["code"], six["server"]) == ("RS_GATEWAY", f"[{rs.address6}]:8080")
    assert "2001:2::1" in six["seen"]
    rs.run("ip", "-6", "route", "add", "default", "via", anywhere.gateway6)
    insist_on_health(anywhere)


def test_a_narrower_route_past_the_director(web: Network) -> None:
    clients = web.client.address.rpartition(".")[0] + ".0/24"
    for rs in web.servers:
        rs.run("ip", "route", "add", "blackhole", clients)
    with hanging(web.client, web.vip):
        wait_for(lambda: seen(web, "--probe") == "RS_BYPASS", "somebody waits")

    for rs in web.servers:
        rs.run("ip", "route", "del", "blackhole", clients)
    insist_on_health(web)


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_a_client_in_the_servers_own_network(topology: str) -> None:
    with TOPOLOGIES[topology](servers=1, neighbour=True) as net, proxied(net):
        with hanging(net.neighbour, net.vip):
            assert is_served(net)
            (finding,) = noticed(net)
        assert finding["code"] == "CLIENT_SAME_SUBNET"
        line = finding["remedy"].removeprefix("write ").partition(" under ")[0]

        text = (net.director.home / "lvsnat.toml").read_text()
        configure(net, text.replace("\n", f"\n[haproxy]\n{line}\n", 1))

        assert net.neighbour.ask_tcp(net.vip, 80).server == "rs1"
        with hanging(net.neighbour, net.vip):
            settle(net, seconds=LOOKS)


def test_servers_of_udp_are_asked_honestly(dual: Network) -> None:
    configure(dual, service(dual, name="dns", listen=f"udp/{dual.vip}:53"))
    for rs in dual.servers:
        rs.serve_udp(8080)
    assert found(dual, "--probe") == []

    # One that owes nobody an answer, on a host that answers.
    quiet = (
        "import socket,time;s=socket.socket(2,2);s.bind(('',8080));print(flush=True);time.sleep(99)"
    )
    dual.rs(1).stop_all()
    assert found(dual, "--probe") == [("PORT_CLOSED", "broken")]
    dual.rs(1).started("python3", "-c", quiet)
    assert found(dual, "--probe") == []
    dual.rs(1).run("ip", "route", "del", "default")
    assert found(dual, "--probe") == [("RS_GATEWAY", "broken")]
    # Of one that says nothing at all, nothing is told.
    dual.rs(1).run("iptables", "-A", "INPUT", "-j", "DROP")
    assert found(dual, "--probe") == []


# --- the probe leaves nothing behind


def test_the_asking_leaves_nothing_behind_when_it_is_killed(web: Network) -> None:
    state = ("sh", "-c", "ip -o address; ip rule; ip -6 rule; nft list ruleset | grep -v counter")
    before = web.director.run(*state).stdout
    found(web, "--probe")
    assert web.director.run(*state).stdout == before

    # From a foreign address the answer takes its time: for HAProxy's way, then for IPVS's.
    for program, address in (("iptables", "198.18.0.1"), ("ip6tables", "2001:2::1")):
        web.rs(1).run(program, "-A", "INPUT", "-s", address, "-j", "DROP")
    for wanted in ("syn-sent", "198.18.0.1/32"):
        asking = caught_asking(web, partial(is_at_work, web, wanted))
        asking.send_signal(Signals.SIGKILL)
        asking.wait()
        found(web)
        assert web.director.run(*state).stdout == before
        assert not (web.director.home / "run" / "probe").exists()


def is_at_work(net: Network, sign: str) -> bool:
    look = "ss -Htn state syn-sent src 198.18.0.1 | sed s/^/syn-sent/; ip -o address"
    return sign in net.director.run("sh", "-c", look).stdout


# --- while the modes are switched


def test_a_switch_that_waits_is_no_illness() -> None:
    with scene("dual-subnet", 4) as here:
        insist = {"SWITCH_HALFWAY"}
        with here.long(), started(here, "mode", "haproxy-tproxy") as switching:
            here.until("both", switching)
            assert {code for code, _ in found(here.net)} <= insist
            switching.kill()
        lvsnat(here.net, "mode", "haproxy-tproxy", "--drain-timeout", "1s")
        settle(here.net)
