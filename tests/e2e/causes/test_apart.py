"""Causes that need more than a command: services, other programs, what was cut off, sizes."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from e2e import warm
from e2e.conftest import ipvsadm, lvsnat
from e2e.daemon.watching import Daemon, eventually
from e2e.doctor.ailing import CHECKED, configure, of_ipv6, serve, service
from e2e.doctor.causes import AT_ONCE, looked, remedied, told
from e2e.typed import typed
from labkit.host import HUNG
from labkit.topology import Network

from lvsnat.system import run

pytestmark = pytest.mark.e2e


def says(net: Network, seconds: str = AT_ONCE) -> str:
    return told(looked(net, "--skip", "servers", seconds=seconds))


def cure(net: Network) -> str:
    """What is said after the first remedy."""
    remedied(net, looked(net, "--skip", "servers")[0])
    return says(net)


def refused(net: Network, clients: list[str]) -> int:
    """How many of these clients are refused."""
    number = 0
    for one in clients:
        done = net.client.run("python3", "-c", ASK, one, net.vip, check=False)
        number += "ConnectionRefusedError" in done.stderr
    return number


ASK = (
    "import socket, sys; socket.create_connection((sys.argv[2], 80), 60, (sys.argv[1], 0)).close()"
)


def test_schedulers_that_do_not_do_what_one_would_think(dual: Network) -> None:
    serve(dual)
    clients = [f"203.0.113.{number}" for number in range(20, 32)]
    for one in clients:
        dual.client.run("ip", "address", "add", f"{one}/32", "dev", "eth0")
    lvsnat(dual, "service", "set", "web", "--scheduler", "sh")
    assert says(dual) == ""
    lvsnat(dual, "server", "disable", "web", f"{dual.rs(1).address}:8080")

    assert 0 < refused(dual, clients) < len(clients)
    assert says(dual) == "HASH_DRAINED broken"
    assert cure(dual) == ""
    assert refused(dual, clients) == 0

    lvsnat(dual, "server", "enable", "web", f"{dual.rs(1).address}:8080")
    lvsnat(dual, "service", "set", "web", "--scheduler", "dh", "--sched-flags", "none")
    assert says(dual) == "ONE_SERVER risk"
    assert cure(dual) == ""


def test_others_who_make_the_same(dual: Network) -> None:
    serve(dual)
    ipvsadm(dual, "-A", "-t", f"{dual.vip}:81", "-s", "rr")
    path = dual.director.home / "lvsnat.toml"
    path.write_text(path.read_text() + service(dual, name="other", listen=f"tcp/{dual.vip}:81"))

    assert says(dual) == "MADE_BY_OTHERS risk"
    assert cure(dual) == ""

    kept = dual.director.home / "keepalived.conf"
    kept.write_text(
        f"virtual_server {dual.vip} 80 {{\n lvs_sched rr\n lvs_method NAT\n protocol TCP\n"
        f" real_server {dual.rs(1).address} 8080 {{ weight 1 }}\n}}\n"
    )
    files = [f"--pid={dual.director.home}/k.pid", f"--checkers_pid={dual.director.home}/c.pid"]
    rival = dual.director.popen("keepalived", "-n", "-l", "-C", "-f", str(kept), *files)
    eventually(lambda: says(dual) == "RIVAL risk")
    rival.terminate()
    rival.wait()
    # It may have taken the service with it.
    lvsnat(dual, "apply")
    assert says(dual) == ""


def test_marks_that_nothing_sets_and_that_something_takes_away(dual: Network) -> None:
    for rs in dual.servers:
        rs.serve_tcp(8080)
    configure(dual, service(dual, name="marked", listen="fwmark/7"))
    assert says(dual) == "MARK_UNSET broken"
    mark = ["-t", "mangle", "-A", "PREROUTING", "-p", "tcp", "--dport", "90"]
    dual.director.run("iptables", *mark, "-j", "MARK", "--set-mark", "7")
    assert says(dual) == ""
    dual.director.run("iptables", "-t", "mangle", "-F")

    configure(dual, service(dual, name="several", listen=f"tcp/{dual.vip}:80,90-95"))
    assert dual.client.ask_tcp(dual.vip, 90).client == dual.client.address
    chain = "add chain ip m p { type filter hook prerouting priority 0; }"
    dual.director.run("nft", f"add table ip m; {chain}; add rule ip m p meta mark set 1")
    with pytest.raises((TimeoutError, ConnectionError)):
        dual.client.ask_tcp(dual.vip, 90, timeout=1)
    assert says(dual) == "MARK_LOST broken"
    dual.director.run("nft", "delete table ip m")
    assert says(dual) == ""


def test_what_a_kernel_lacks_and_what_another_program_does_at_boot(dual: Network) -> None:
    """The files are those of this host, so they are covered for one look alone."""
    serve(dual)

    def covered(commands: str) -> str:
        look = f"lvsnat doctor --skip servers --seconds {AT_ONCE} -o json || true"
        done = dual.director.run("unshare", "-m", "sh", "-ec", f"{commands}; {look}")
        return told(json.loads(done.stdout)["findings"])

    home = dual.director.home
    without = f"gunzip -c /proc/config.gz | sed s/^CONFIG_IP_VS_RR=y// | gzip >{home}/config.gz"
    hide = "[ ! -d /lib/modules ] || mount -t tmpfs tmpfs /lib/modules"
    if Path("/proc/config.gz").exists():
        cover = f"{without}; {hide}; mount --bind {home}/config.gz /proc/config.gz"
        assert covered(cover) == "SCHEDULER_MISSING broken"
    restoring = "mount -t tmpfs tmpfs /etc/default; echo AUTO=true >/etc/default/ipvsadm"
    assert covered(restoring) == "RESTORE_AT_BOOT risk"
    assert covered(f"{restoring}; sed -i s/^AUTO=.*/AUTO=false/ /etc/default/ipvsadm") == ""


def test_what_was_cut_off(dual: Network) -> None:
    serve(dual)
    path = dual.director.home / "lvsnat.toml"
    tried = dual.director.home / "tried.toml"
    tried.write_text(path.read_text().replace('"rr"', '"wrr"'))
    words = dual.director.command("lvsnat", "try", str(tried))
    with typed(words, dual.director.environment()) as terminal:
        terminal.expect("ENTER")
        terminal.kill(signal.SIGKILL)
        terminal.end()
    assert says(dual) == "TRIAL_PENDING risk"
    assert cure(dual) == ""

    path.write_text(path.read_text().replace('"lvs-nat"', '"haproxy-tproxy"'))
    assert says(dual) == "SWITCH_HALFWAY risk"
    assert cure(dual) == ""
    assert lvsnat(dual, "mode").stdout.startswith("haproxy-tproxy")


def test_daemons_that_hang_or_read_another_file(dual: Network) -> None:
    for rs in dual.servers:
        rs.serve_tcp(8080)
    configure(dual, service(dual, more=CHECKED))
    daemon = Daemon(dual)
    eventually(lambda: says(dual) == "")

    other = dual.director.home / "other.toml"
    other.write_text(service(dual, name="else", listen=f"tcp/{dual.vip}:99"))
    places = [f"LVSNAT_{name}_DIR={dual.director.home}/else" for name in ("STATE", "RUN")]
    second = dual.director.popen("env", *places, "lvsnat", "--config", str(other), "run")
    eventually(lambda: says(dual) == "OTHER_CONFIG risk")
    second.terminate()
    second.wait()
    assert says(dual) == ""

    daemon.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, daemon.process.pid, os.WSTOPPED | os.WNOWAIT)
    health = dual.director.home / "run" / "health.json"
    known = json.loads(health.read_text())
    health.write_text(json.dumps({**known, "at": known["at"] - 100}))
    assert says(dual) == "DAEMON_STUCK risk"
    daemon.process.send_signal(signal.SIGCONT)
    eventually(lambda: says(dual) == "")
    daemon.kill()


LARGE = """
import socket, sys
listening = socket.create_server(("", 8090))
print(flush=True)
while True:
    one, _ = listening.accept()
    one.sendall(bytes(200_000))
"""
FETCH = """
import socket, sys
one = socket.create_connection((sys.argv[1], 8090), 300)
print(flush=True)
got = 0
while got < 200_000:
    got += len(one.recv(65536))
print(got)
"""


def test_packets_that_are_too_big_or_in_pieces(dual: Network) -> None:
    serve(dual)
    lvsnat(dual, "service", "add", "large", f"tcp/{dual.vip}:8090", "--server",
           f"{dual.rs(1).address}:8090")  # fmt: skip
    dual.rs(1).started("python3", "-c", LARGE)
    dual.rs(1).run("iptables", "-A", "INPUT", "-p", "icmp", "-j", "DROP")
    dual.director.run("ip", "link", "set", "eth0", "mtu", "1400")
    fetching = dual.client.started("python3", "-c", FETCH, dual.vip)
    eventually(lambda: says(dual, "3") == "TOO_BIG note")
    dual.rs(1).run("iptables", "-I", "INPUT", "-p", "icmp", "-j", "ACCEPT")
    assert fetching.communicate(timeout=HUNG)[0].strip() == "200000"
    assert says(dual, "1") == ""

    dual.director.run("ip", "link", "set", "eth0", "mtu", "1500")
    dual.director.run("sysctl", "-qw", "net.ipv4.ipfrag_time=1")
    pieces = "add table ip f; add chain ip f p { type filter hook prerouting priority -450; }"
    dual.vpc.run("nft", f"{pieces}; add rule ip f p ip frag-off & 0x1fff != 0 drop")
    dual.client.popen("ping", "-i", "0.3", "-s", "4000", dual.vip)
    eventually(lambda: says(dual, "3") == "FRAGMENTS_LOST risk")
    dual.vpc.run("nft", "delete table ip f")
    # The last pieces are given up after a second.
    eventually(lambda: says(dual, "3") == "")


def test_a_vip_of_ipv6_that_another_host_has(dual: Network) -> None:
    configure(dual, of_ipv6(dual))
    vip = dual.vip6
    dual.vpc.run("ip", "address", "add", f"{vip}/128", "dev", "eth1", "nodad")
    dual.director.run("ip", "address", "del", f"{vip}/128", "dev", "eth0")
    dual.director.run("sysctl", "-qw", "net.ipv6.conf.eth0.accept_dad=1",
                      "net.ipv6.conf.eth0.dad_transmits=1")  # fmt: skip
    dual.director.run("ip", "address", "add", f"{vip}/128", "dev", "eth0")
    eventually(lambda: says(dual) == "VIP_DUPLICATE broken")
    dual.vpc.run("ip", "address", "del", f"{vip}/128", "dev", "eth1")
    dual.director.run("ip", "address", "del", f"{vip}/128", "dev", "eth0")
    lvsnat(dual, "apply")
    assert says(dual) == ""


def test_neighbours_that_nearly_fill_their_table(dual: Network) -> None:
    """The table is the whole kernel's, and its limit is told in the first namespace alone."""
    limit = Path("/proc/sys/net/ipv4/neigh/default/gc_thresh3")
    before = limit.read_text() if limit.exists() else None
    configure(dual, service(dual))
    look = ("doctor", "--only", "NEIGHBOURS_FULL", "--seconds", AT_ONCE, "-o", "json")
    batch = ["link add many0 type dummy", "link set many0 up"]
    batch += [
        f"neighbour add 198.18.{n // 250}.{n % 250 + 1} lladdr 02:00:00:00:00:01 dev many0"
        for n in range(560)
    ]

    def says_here() -> str:
        done = warm.run_here(look, dual.director.environment())
        return told(json.loads(done.stdout)["findings"])

    assert says_here() == ""
    try:
        run(["ip", "-batch", "-"], stdin="\n".join(batch))
        # Elsewhere nothing is told of it, and so nothing is found.
        for most, severity in (("600", "risk"), ("560", "broken"), ("4096", None)):
            if before is not None:
                limit.write_text(most)
            known = before is not None and severity is not None
            assert says_here() == (f"NEIGHBOURS_FULL {severity}" if known else "")
    finally:
        run(["ip", "link", "del", "many0"])
        if before is not None:
            limit.write_text(before)
