"""Each cause made for real: the doctor names it alone, and is silent after the remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from signal import Signals

import pytest
from e2e.conftest import TOPOLOGIES, ipvsadm, lvsnat
from e2e.daemon.watching import Daemon, eventually
from e2e.doctor.ailing import (
    CHECKED,
    LOOKS,
    caught_asking,
    configure,
    examined,
    found,
    hanging,
    noticed,
    serve,
    service,
    settle,
)
from e2e.doctor.causes import remedied
from labkit.topology import Network, dual_subnet, single_subnet

pytestmark = pytest.mark.e2e


@pytest.fixture
def web(dual: Network) -> Network:
    """A director whose service works."""
    serve(dual)
    return dual


def sysctl(net: Network, name: str, value: object) -> None:
    net.director.run("sysctl", "-qw", f"{name}={value}")


def insist_on_health(net: Network) -> None:
    """Clients are served, by each server, and the doctor is silent.

    What it notes of before a cure goes once the kernel has counted what the servers answer.
    """
    clients = {net.client.ask_tcp(net.vip, 80).client for _ in net.servers}
    assert clients == {net.client.address}
    settle(net, seconds=LOOKS, only="note")


@pytest.mark.parametrize("mode", ["lvs-nat", "haproxy-tproxy"])
@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_a_healthy_director_gives_no_finding(topology: str, mode: str) -> None:
    with TOPOLOGIES[topology](servers=2) as net:
        serve(net, mode=mode)
        assert net.client.ask_tcp(net.vip, 80).client == net.client.address

        quiet = found(net, "--probe", seconds=LOOKS)

        assert quiet == []


def test_a_busy_director_with_everything_gives_no_finding(dual: Network) -> None:
    for rs in dual.servers:
        rs.serve_udp(8080)
        rs.serve_tcp(8080)
    configure(
        dual,
        service(dual, more="persistence = 60")
        + service(dual, name="dns", listen=f"udp/{dual.vip}:53")
        + service(dual, name="many", listen=f"tcp/{dual.vip}:8000-8010,9000"),
    )
    for _ in range(4):
        dual.client.ask_tcp(dual.vip, 80)
        dual.client.ask_udp(dual.vip, 53)

    assert found(dual, seconds=LOOKS) == []


# --- this host


def test_a_vip_that_another_host_has_too(web: Network) -> None:
    assert found(web, "--probe") == []
    web.vpc.run("ip", "address", "add", f"{web.vip}/32", "dev", "eth1")

    assert found(web, "--probe") == [("VIP_DUPLICATE", "broken")]

    web.vpc.run("ip", "address", "del", f"{web.vip}/32", "dev", "eth1")
    assert found(web, "--probe") == []


def test_a_table_of_netfilter_that_is_full(web: Network) -> None:
    # Connection tracking begins with the first rule that asks for it.
    web.director.run("nft", "add table ip t; add chain ip t c { type filter hook output priority 0;"
                     " }; add rule ip t c ct state established accept")  # fmt: skip
    web.director.run("sysctl", "-qw", "net.netfilter.nf_conntrack_icmp_timeout=600")
    for rs in web.servers:
        web.director.run("ping", "-c1", "-W60", rs.address)
    held = web.director.run("sysctl", "-n", "net.netfilter.nf_conntrack_count").stdout.strip()
    limit = Path("/proc/sys/net/netfilter/nf_conntrack_max")
    before = limit.read_text()
    assert int(held) > 0
    limit.write_text(held)
    try:
        assert [code for code, _ in found(web)] == ["CONNTRACK_FULL"]
    finally:
        limit.write_text(before)

    assert found(web) == []


def test_a_table_of_ipvs_that_is_full(web: Network) -> None:
    for _ in range(3):
        web.client.ask_tcp(web.vip, 80)
    sysctl(web, "net.ipv4.vs.conn_max", 2)

    assert found(web) == [("TABLE_FULL", "broken")]

    sysctl(web, "net.ipv4.vs.conn_max", 100_000)
    assert found(web) == []


def test_a_host_that_does_not_forward(web: Network) -> None:
    sysctl(web, "net.ipv4.ip_forward", 0)
    with hanging(web.client, web.vip):
        assert found(web, seconds=LOOKS) == [("IP_FORWARD", "broken")]

    lvsnat(web, "apply")
    insist_on_health(web)


def test_a_firewall_that_drops_the_replies(web: Network) -> None:
    web.director.run("iptables", "-P", "FORWARD", "DROP")
    with hanging(web.client, web.vip):
        (one,) = noticed(web)
    assert (one["code"], one["severity"]) == ("FORWARD_DROPS", "broken")

    remedied(web, one)
    insist_on_health(web)


# --- services


def test_a_server_that_somebody_removed_by_hand(web: Network) -> None:
    ipvsadm(web, "-d", "-t", f"{web.vip}:80", "-r", f"{web.rs(1).address}:8080")

    assert found(web) == [("NOT_APPLIED", "broken")]

    lvsnat(web, "apply")
    assert found(web) == []


def test_weights_that_somebody_set_to_0_by_hand(web: Network) -> None:
    for rs in web.servers:
        ipvsadm(web, "-e", "-t", f"{web.vip}:80", "-r", f"{rs.address}:8080", "-m", "-w", "0")

    (one,) = examined(web)["findings"]
    assert (one["code"], one["severity"]) == ("NOT_APPLIED", "broken")
    assert f"{web.rs(1).address}:8080 weight 0, should be 1" in one["seen"]

    lvsnat(web, "apply")
    insist_on_health(web)


def test_a_service_without_servers(dual: Network) -> None:
    lvsnat(dual, "service", "add", "web", f"tcp/{dual.vip}:80")

    assert found(dual) == [("SERVICE_EMPTY", "broken")]

    dual.rs(1).serve_tcp(8080)
    lvsnat(dual, "server", "add", "web", f"{dual.rs(1).address}:8080")
    assert found(dual) == []


def test_servers_that_are_all_disabled(web: Network) -> None:
    for rs in web.servers:
        lvsnat(web, "server", "disable", "web", f"{rs.address}:8080", "--force")

    assert found(web) == [("ALL_WEIGHTS_0", "broken")]

    lvsnat(web, "server", "enable", "web", f"{web.rs(1).address}:8080")
    assert found(web) == []


def test_thresholds_that_are_reached(dual: Network) -> None:
    for rs in dual.servers:
        rs.serve_tcp(8080)
    first = f'{{ address = "{dual.rs(1).address}:8080", upper = 1 }}'
    both = f'{first}, {{ address = "{dual.rs(2).address}:8080" }}'
    head = f'[[service]]\nname = "web"\nlisten = "tcp/{dual.vip}:80"\nscheduler = "rr"\n'
    configure(dual, f"{head}servers = [{both}]\n")
    for _ in range(2):
        dual.client.ask_tcp(dual.vip, 80)

    some = found(dual)
    configure(dual, f"{head}servers = [{first}]\n")
    every = found(dual)
    lvsnat(dual, "server", "set", "web", f"{dual.rs(1).address}:8080", "--upper", "100")

    assert some == [("THRESHOLD", "risk")]
    assert every == [("THRESHOLD", "broken")]
    assert found(dual) == []


def test_persistence_that_keeps_clients_on_a_drained_server(web: Network) -> None:
    lvsnat(web, "service", "set", "web", "--persistent", "60")
    assert found(web) == []
    sysctl(web, "net.ipv4.vs.expire_quiescent_template", 0)

    assert found(web) == [("PERSISTENCE_DRAIN", "risk")]

    lvsnat(web, "apply")
    assert found(web) == []


def test_a_flow_of_datagrams_that_stays_with_a_disabled_server(dual: Network) -> None:
    for rs in dual.servers:
        rs.serve_udp(8080)
    configure(dual, service(dual, name="dns", listen=f"udp/{dual.vip}:53"))
    dual.client.popen("python3", "-c", BUSY, dual.vip)
    eventually(lambda: held_by(dual) != "")
    server = held_by(dual)
    assert found(dual, seconds=LOOKS) == []
    lvsnat(dual, "server", "disable", "dns", server)

    (told,) = noticed(dual)
    assert (told["code"], told["severity"]) == ("UDP_STUCK", "risk")

    lvsnat(dual, "server", "remove", "dns", server, "--now")
    assert found(dual, seconds=LOOKS) == []


BUSY = """
import socket, sys, time
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
one.connect((sys.argv[1], 53))
while True:
    one.send(b"x\\n")
    time.sleep(0.2)
"""


def held_by(net: Network) -> str:
    """The server that has the only flow, if there is one."""
    words = map(str.split, ipvsadm(net, "-Lnc"))
    return next((line[-1] for line in words if "UDP" in line[:1] and f"{net.vip}:53" in line), "")


def test_a_program_that_listens_where_a_service_does(web: Network) -> None:
    script = f"import socket;s=socket.create_server(('{web.vip}',80));print(flush=True);s.accept()"
    program = web.director.started("python3", "-c", script)

    assert found(web) == [("PORT_TAKEN", "risk")]

    program.kill()
    program.wait()
    assert found(web) == []


# --- real servers, and the way back


@pytest.fixture(params=TOPOLOGIES)
def anywhere(request: pytest.FixtureRequest) -> Iterator[Network]:
    """Each topology in turn, with a service that works."""
    with TOPOLOGIES[request.param](servers=2) as net:
        serve(net)
        yield net


def test_a_server_without_a_route(web: Network) -> None:
    web.director.run("ip", "route", "add", "unreachable", f"{web.rs(1).address}/32")

    assert found(web) == [("SERVER_NO_ROUTE", "broken")]

    web.director.run("ip", "route", "del", "unreachable", f"{web.rs(1).address}/32")
    assert found(web) == []


def test_a_server_that_is_off(web: Network) -> None:
    web.rs(1).run("ip", "link", "set", "eth0", "down")
    web.director.run("ip", "neighbour", "flush", "dev", "eth1")
    with hanging(web.client, web.vip):
        (told,) = noticed(web)
    assert (told["code"], told["severity"]) == ("SERVER_UNREACHABLE", "broken")

    web.rs(1).run("ip", "link", "set", "eth0", "up")
    web.rs(1).run("ip", "route", "add", "default", "via", web.gateway)
    ping = ("ping", "-c1", web.rs(1).address)
    eventually(lambda: web.director.run(*ping, check=False).returncode == 0)
    insist_on_health(web)


def test_a_server_that_does_not_answer(web: Network) -> None:
    web.rs(1).run("iptables", "-A", "INPUT", "-p", "tcp", "--dport", "8080", "-j", "DROP")

    assert found(web, "--probe") == [("SERVER_DOWN", "broken")]

    web.rs(1).run("iptables", "-F", "INPUT")
    assert found(web, "--probe") == []


def test_a_server_whose_program_is_stopped(web: Network) -> None:
    web.rs(1).stop_all()

    assert found(web, "--probe") == [("PORT_CLOSED", "broken")]
    with hanging(web.client, web.vip, every=0.1):
        (told,) = noticed(web)
    assert (told["code"], told["severity"]) == ("PORT_CLOSED", "broken")
    assert told["server"] == f"{web.rs(1).address}:8080"
    assert "none has opened" in told["seen"]

    web.rs(1).serve_tcp(8080)
    assert found(web, "--probe") == []
    with hanging(web.client, web.vip, every=0.1):
        assert found(web, seconds=LOOKS) == []


def test_clients_with_a_route_of_their_own_and_a_strict_filter(web: Network) -> None:
    sysctl(web, "net.ipv4.conf.all.rp_filter", 1)
    web.director.run("ip", "route", "add", "203.0.113.0/24", "dev", "eth1")
    with hanging(web.client, web.vip):
        (told,) = noticed(web)
        assert (told["code"], told["severity"]) == ("RP_FILTER", "broken")
        assert told["subject"] == "net.ipv4.conf.eth0.rp_filter"

        remedied(web, told)
        web.director.run("ip", "route", "del", "203.0.113.0/24")
    insist_on_health(web)


def test_a_server_without_its_gateway(anywhere: Network) -> None:
    anywhere.rs(1).run("ip", "route", "del", "default")
    with hanging(anywhere.client, anywhere.vip):
        suspected = noticed(anywhere)
    proven = examined(anywhere, "--probe")["findings"]

    for findings in (suspected, proven):
        assert [one["code"] for one in findings] == ["RS_GATEWAY"]
        assert findings[0]["server"] == f"{anywhere.rs(1).address}:8080"

    anywhere.rs(1).run("lvsnat", "gateway", "set", anywhere.gateway)
    assert found(anywhere, "--probe") == []
    insist_on_health(anywhere)


def test_transparent_haproxy_and_a_server_without_its_gateway(dual: Network) -> None:
    serve(dual, mode="haproxy-tproxy")
    dual.rs(1).run("ip", "route", "del", "default")
    with hanging(dual.client, dual.vip):
        (told,) = noticed(dual, "--probe")
    assert told["code"] == "RS_GATEWAY"

    dual.rs(1).run("ip", "route", "add", "default", "via", dual.gateway)
    settle(dual, "--probe")


@pytest.mark.parametrize("lay_out", [dual_subnet, single_subnet])
def test_a_client_in_the_servers_own_network(lay_out: object) -> None:
    assert callable(lay_out)
    with lay_out(servers=1, neighbour=True) as net:
        serve(net)
        with hanging(net.neighbour, net.vip):
            # Other clients are served all the while.
            assert net.client.ask_tcp(net.vip, 80).client == net.client.address
            (told,) = noticed(net, "--probe")
        assert (told["code"], told["severity"]) == ("CLIENT_SAME_SUBNET", "broken")

        plain = re.search(r"'(ip route [^']+)'", told["remedy"])
        assert plain is not None
        net.rs(1).run("sh", "-ec", plain[1])
        assert net.neighbour.ask_tcp(net.vip, 80).client == net.neighbour.address
        net.rs(1).run("ip", "rule", "del", "lookup", "100")
        net.rs(1).run("ip", "route", "flush", "table", "100")

        net.rs(1).run("lvsnat", "gateway", "set", net.gateway, "--reply-only", "tcp/8080",
                      "--local-clients")  # fmt: skip
        assert net.neighbour.ask_tcp(net.vip, 80).client == net.neighbour.address
        with hanging(net.neighbour, net.vip):
            assert found(net, seconds=LOOKS) == []


def test_a_narrower_route_past_the_director(web: Network) -> None:
    for rs in web.servers:
        rs.run("ip", "route", "add", "blackhole", "203.0.113.0/24")
    with hanging(web.client, web.vip):
        assert {one["code"] for one in noticed(web, "--probe")} == {"RS_BYPASS"}

    for rs in web.servers:
        rs.run("ip", "route", "del", "blackhole", "203.0.113.0/24")
    assert found(web, "--probe") == []


def test_the_asking_leaves_nothing_behind(web: Network) -> None:
    before = web.director.run("ip", "-o", "address").stdout

    found(web, "--probe")

    assert web.director.run("ip", "-o", "address").stdout == before
    assert not (web.director.home / "run" / "probe").exists()


@pytest.mark.parametrize("signal", ["KILL", "TERM", "INT", "HUP"])
def test_the_asking_leaves_nothing_behind_when_it_is_killed(web: Network, signal: str) -> None:
    def addresses() -> str:
        return web.director.run("ip", "-o", "address").stdout

    before = addresses()
    # From a foreign address the answer takes its time.
    web.rs(1).run("iptables", "-A", "INPUT", "-s", "198.18.0.1", "-j", "DROP")
    asking = caught_asking(web, lambda: "198.18.0.1" in addresses())
    asking.send_signal(Signals[f"SIG{signal}"])
    asking.send_signal(Signals.SIGCONT)
    asking.wait()

    if signal == "KILL":
        assert "198.18.0.1" in addresses()
        found(web)
    assert addresses() == before


# --- lvsnat itself


def test_a_configuration_that_is_gone(web: Network) -> None:
    path = web.director.home / "lvsnat.toml"
    away = path.rename(path.with_suffix(".away"))

    assert found(web) == [("CONFIG_MISSING", "broken")]
    lvsnat(web, "apply", code=4)
    lvsnat(web, "apply", "--boot", code=4)

    away.rename(path)
    insist_on_health(web)


def test_a_configuration_that_is_broken(web: Network) -> None:
    path = web.director.home / "lvsnat.toml"
    text = path.read_text()
    path.write_text(text.replace("listen", "lisen"))

    assert found(web) == [("CONFIG_BROKEN", "broken")]

    path.write_text(text)
    assert found(web) == []


@pytest.mark.parametrize("name", ["ledger.json", "overrides.json", "switch.json"])
def test_a_file_of_its_own_that_is_broken(web: Network, name: str) -> None:
    path = web.director.home / "state" / name
    text = path.read_text() if path.exists() else None
    path.write_text("{")

    assert found(web) == [("STATE_BROKEN", "broken")]

    path.write_text(text) if text is not None else path.unlink()
    assert found(web) == []


def test_a_published_health_that_is_broken(web: Network) -> None:
    path = web.director.home / "run" / "health.json"
    path.write_text("{")

    assert found(web) == [("HEALTH_UNREADABLE", "risk")]

    path.unlink()
    assert found(web) == []


def test_a_configuration_that_others_may_write(web: Network) -> None:
    path = web.director.home / "lvsnat.toml"
    path.chmod(0o666)

    assert found(web) == [("FILE_MODE", "risk")]

    path.chmod(0o644)
    assert found(web) == []


def test_a_check_that_nobody_makes_and_then_no_server_alive(dual: Network) -> None:
    configure(dual, service(dual, more=CHECKED))
    assert found(dual) == [("IDLE_SETTING", "risk")]

    daemon = Daemon(dual)
    eventually(lambda: found(dual) == [("NO_SERVER_ALIVE", "broken")])
    dual.rs(1).serve_tcp(8080)
    eventually(lambda: found(dual) == [("SERVER_DOWN", "risk")])
    dual.rs(2).serve_tcp(8080)
    eventually(lambda: found(dual) == [])
    daemon.kill()
