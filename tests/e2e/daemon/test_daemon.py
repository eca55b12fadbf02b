"""The daemon on a real kernel with real servers: what fails, what recovers, what drifts."""

from __future__ import annotations

import json
import random
import re
import signal
import sys
import time
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise

import pytest
from e2e.conftest import ipvsadm, lvsnat
from e2e.daemon.watching import (
    BOUND,
    CHECK,
    DAEMON,
    TIMEOUT,
    Daemon,
    configure,
    eventually,
    service,
    takes_at_most,
    watched,
    weights,
)
from e2e.typed import typed
from labkit.load import short_connections
from labkit.server import Server
from labkit.topology import Network

from lvsnat.director.units import Service

pytestmark = pytest.mark.e2e

CHECKED = f"check = {CHECK}"
HTTP = "check = " + CHECK.replace('"tcp"', '"http", port = 8081')
"""Answered by a program, where the kernel alone makes a connection: that may take its time."""


def patient(check: str, seconds: int) -> str:
    """The same check with another timeout."""
    return check.replace(f'timeout = "{1000 * TIMEOUT:.0f}ms"', f'timeout = "{seconds}s"')


def served(net: Network) -> list[Server]:
    return [one.serve_tcp(8080) for one in net.servers]


def health(net: Network, by: str = "daemon") -> dict[str, str]:
    """What 'lvsnat health' says of each server that the daemon, or HAProxy, checks."""
    document = json.loads(lvsnat(net, "health", "-o", "json").stdout)
    return {
        server["address"]: server["health"]
        for one in document["services"]
        if one["checked_by"] == by
        for server in one["servers"]
    }


def test_a_killed_server_gets_nothing_new_and_comes_back(dual: Network) -> None:
    first, _ = served(dual)
    with watched(dual, service(dual, CHECKED) + DAEMON) as daemon:
        eventually(lambda: set(health(dual).values()) == {"up"})

        first.stop()
        eventually(lambda: weights(dual) == [0, 2])
        with short_connections(dual.client, dual.vip, 80) as load:
            time.sleep(1)
        assert load.report.failures == {}
        assert set(load.report.servers) == {"rs2"}

        dual.servers[0].serve_tcp(8080)
        eventually(lambda: weights(dual) == [1, 2])
        takes_at_most(5, daemon.restart)

    said = daemon.said()
    assert "web 192.168.2.55:8080: up -> down: connection refused" in said
    assert "web 192.168.2.55:8080: down -> up" in said
    assert weights(dual) == [1, 2]


def hang(net: Network, server: Server) -> None:
    del net
    server.process.send_signal(signal.SIGSTOP)


def answer_wrongly(net: Network, server: Server) -> None:
    del server
    net.servers[0].serve_http(8082, 503)
    redirect(net)


def slow_down(net: Network, server: Server) -> None:
    """Answer later than the check waits."""
    del server
    net.servers[0].run("tc", "qdisc", "add", "dev", "eth0", "root", "netem", "delay", "10s")


HALF_OPEN = """import socket, time
full = socket.socket(); full.bind(("0.0.0.0", 8082)); full.listen(0)
clients = [socket.socket() for _ in range(8)]
for one in clients: one.setblocking(False); one.connect_ex(("127.0.0.1", 8082))
print("full", flush=True); time.sleep(600)
"""


def accept_nobody(net: Network, server: Server) -> None:
    """Listen with a backlog that is full: handshakes are begun and not ended."""
    del server
    net.servers[0].started(sys.executable, "-I", "-S", "-c", HALF_OPEN)
    redirect(net)


def redirect(net: Network) -> None:
    net.servers[0].run(
        "nft", "add table ip t; add chain ip t c { type nat hook prerouting priority -100; };"
        " add rule ip t c tcp dport 8081 redirect to :8082",
    )  # fmt: skip


def vanish(net: Network, server: Server | None = None) -> None:
    del server
    net.servers[0].run("ip", "link", "set", "eth0", "down")


@pytest.mark.parametrize(
    ("fail", "reason"),
    [
        (hang, "no answer"),
        (slow_down, "no answer"),
        (accept_nobody, "no answer"),
        (answer_wrongly, "503"),
        (vanish, ""),
    ],
    ids=["hang", "slow", "half-open", "wrong-status", "vanish"],
)
def test_a_server_that_fails_in_another_way_gets_nothing_new(
    dual: Network, fail: Callable[[Network, Server], None], reason: str
) -> None:
    served(dual)
    first, _ = (one.serve_http(8081) for one in dual.servers)
    with watched(dual, service(dual, patient(HTTP, 3)) + DAEMON) as daemon:
        eventually(lambda: set(health(dual).values()) == {"up"})

        fail(dual, first)
        eventually(lambda: weights(dual) == [0, 2])

        reasons = re.findall(r"web 192\.168\.2\.55:8080: up -> down: (.*)", daemon.said())
        assert reason in reasons[-1]


def test_a_server_that_hangs_is_out_in_the_time_that_its_check_says(dual: Network) -> None:
    """By the daemon's own log, so that whoever looks may be slow."""
    served(dual)
    first, _ = (one.serve_http(8081) for one in dual.servers)
    with watched(dual, service(dual, HTTP) + DAEMON) as daemon:

        def taken_out() -> list[str]:
            return re.findall(r"(\S+) applied: .*2\.55:8080.*: weight 1 -> 0\n", daemon.said())

        def takes() -> float:
            eventually(lambda: weights(dual) == [1, 2] and set(health(dual).values()) == {"up"})
            before, began = len(taken_out()), time.time()
            first.process.send_signal(signal.SIGSTOP)
            eventually(lambda: len(taken_out()) > before)
            first.process.send_signal(signal.SIGCONT)
            return datetime.fromisoformat(taken_out()[before]).timestamp() - began

        takes_at_most(BOUND, takes)


def test_packets_that_are_lost_take_nobody_out(dual: Network) -> None:
    """One in five is lost: TCP sends again and again, and a check that waits bears it."""
    served(dual)
    with watched(dual, service(dual, patient(CHECKED, 8)) + DAEMON) as daemon:
        eventually(lambda: set(health(dual).values()) == {"up"})
        dual.servers[0].run("tc", "qdisc", "add", "dev", "eth0", "root", "netem", "loss", "20%")
        time.sleep(10)

        assert daemon.said().count("up -> down") == 0
        assert weights(dual) == [1, 2]


def good_answers_until_up(said: str, address: str) -> list[int]:
    """How many each return of a server took, by a log in JSON that has every answer."""
    told = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    good = [
        one["time"]
        for one in told
        if one["event"] == "answer" and one["ok"] and one["message"].startswith(f"{address} ")
    ]
    turns = [
        (one["to"], one["at"])
        for one in told
        if one["event"] == "transition" and one["server"] == f"{address}:8080"
    ]
    return [
        sum(down < at <= up for at in good) for (_, down), (to, up) in pairwise(turns) if to == "up"
    ]


def test_a_server_that_flaps_is_believed_less_and_less(dual: Network) -> None:
    first, _ = served(dual)
    damped = service(dual, f'{CHECKED}\ndamping = "10m"')
    with watched(dual, damped + DAEMON, options=("--verbose", "--log", "json")) as daemon:
        eventually(lambda: set(health(dual).values()) == {"up"})
        for _ in range(4):
            first.stop()
            eventually(lambda: weights(dual) == [0, 2])
            first = dual.servers[0].serve_tcp(8080)
            eventually(lambda: weights(dual) == [1, 2])

    # Twice as many from the third time on, and twice as many again.
    assert good_answers_until_up(daemon.said(), "192.168.2.55") == [2, 2, 4, 8]


def test_a_udp_server_whose_port_is_closed_is_removed(dual: Network) -> None:
    first, _ = (one.serve_udp(8080) for one in dual.servers)
    udp = service(dual, CHECKED.replace('"tcp"', '"udp"'), name="dns", listen="udp/{vip}:53")
    with watched(dual, udp + DAEMON):
        assert weights(dual, "u") == [1, 2]

        first.stop()
        eventually(lambda: weights(dual, "u") == [-1, 2])
        answers = {dual.client.ask_udp(dual.vip, 53).server for _ in range(3)}
        assert answers == {"rs2"}
        # Not there, and no drift: the daemon has taken it out.
        lvsnat(dual, "plan", "--exit-code")

        dual.servers[0].serve_udp(8080)
        eventually(lambda: weights(dual, "u") == [1, 2])


def taking(net: Network) -> list[str]:
    """The servers that take new connections."""
    return re.findall(r"-r (\S+) .*-w [1-9]", "\n".join(ipvsadm(net, "-Sn")))


def test_the_sorry_server_answers_while_the_quorum_is_lost(dual: Network) -> None:
    server, sorry = dual.servers
    serving = server.serve_tcp(8080)
    sorry.serve_tcp(8888)
    text = service(dual, f'{CHECKED}\nsorry = "{sorry.address}:8888"')
    text = text.replace(f', {{ address = "{sorry.address}:8080", weight = 2 }}', "")
    with watched(dual, text + DAEMON):
        assert dual.client.ask_tcp(dual.vip, 80).server == server.name

        serving.stop()
        eventually(lambda: taking(dual) == [f"{sorry.address}:8888"])
        assert dual.client.ask_tcp(dual.vip, 80).server == sorry.name

        server.serve_tcp(8080)
        eventually(lambda: taking(dual) == [f"{server.address}:8080"])
        assert dual.client.ask_tcp(dual.vip, 80).server == server.name


def test_drift_is_repaired(dual: Network) -> None:
    with watched(dual, service(dual) + DAEMON) as daemon:
        ipvsadm(dual, "-d", "-t", f"{dual.vip}:80", "-r", f"{dual.servers[0].address}:8080")
        eventually(lambda: weights(dual) == [1, 2])
        ipvsadm(dual, "-C")
        eventually(lambda: weights(dual) == [1, 2])

    assert "repaired: create server 192.168.2.55:8080" in daemon.said()


def test_drift_is_reported_once_where_that_is_wished_for(dual: Network) -> None:
    with watched(dual, service(dual) + DAEMON + 'drift = "report"\n') as daemon:
        ipvsadm(dual, "-d", "-t", f"{dual.vip}:80", "-r", f"{dual.servers[0].address}:8080")
        eventually(lambda: "drift: create server 192.168.2.55:8080" in daemon.said())
        time.sleep(2)

        assert weights(dual) == [-1, 2]
        assert daemon.said().count("drift: ") == 1


def test_a_change_of_the_file_is_carried_out_by_itself_and_by_sighup(dual: Network) -> None:
    with watched(dual, service(dual) + DAEMON) as daemon:
        configure(dual, service(dual).replace("weight = 1", "weight = 7") + DAEMON)
        eventually(lambda: weights(dual) == [7, 2])

        configure(dual, "[[service]\n")
        daemon.process.send_signal(signal.SIGHUP)
        eventually(lambda: "problem: " in lvsnat(dual, "health").stdout)
        assert weights(dual) == [7, 2]

        configure(dual, service(dual) + DAEMON)
        daemon.process.send_signal(signal.SIGHUP)
        eventually(lambda: weights(dual) == [1, 2])
        assert "lvsnat.toml:1:" in daemon.said()


def test_commands_and_the_daemon_do_not_fight(dual: Network) -> None:
    served(dual)
    with watched(dual, service(dual, CHECKED) + DAEMON):
        lvsnat(dual, "server", "set", "web", "192.168.2.55:8080", "--weight", "9")
        for _ in range(20):
            assert weights(dual) == [9, 2]
            time.sleep(0.05)

        lvsnat(dual, "server", "disable", "web", "192.168.2.56:8080", "--for", "1h")
        for _ in range(20):
            assert weights(dual) == [9, 0]
            time.sleep(0.05)
        lvsnat(dual, "server", "disable", "web", "192.168.2.56:8080", "--for", "1s")
        eventually(lambda: weights(dual) == [9, 2])


def test_a_killed_daemon_goes_on_where_it_was(dual: Network) -> None:
    chance = random.Random(7)  # noqa: S311 - nothing is kept secret
    first, _ = served(dual)
    with watched(dual, service(dual, CHECKED) + DAEMON) as daemon:
        first.stop()
        for _ in range(2):
            time.sleep(chance.uniform(0.0, 1.5))
            before = weights(dual)
            daemon.kill()
            daemon.start()
            # What was decided before it was killed is made; nothing comes back.
            assert weights(dual)[0] in {before[0], 0}
        eventually(lambda: weights(dual) == [0, 2])

        dead_and_well = {"192.168.2.55:8080": "down", "192.168.2.56:8080": "up"}
        eventually(lambda: health(dual) == dead_and_well)
        lvsnat(dual, "plan", "--exit-code")


def test_an_apply_without_a_daemon_does_not_bring_a_dead_server_back(dual: Network) -> None:
    first, _ = served(dual)
    with watched(dual, service(dual, CHECKED) + DAEMON) as daemon:
        first.stop()
        eventually(lambda: weights(dual) == [0, 2])
        daemon.stop()

        lvsnat(dual, "apply")
        assert weights(dual) == [0, 2]
        lvsnat(dual, "health", "--forget")
        lvsnat(dual, "apply")
        assert weights(dual) == [1, 2]


def test_a_second_daemon_is_refused(dual: Network) -> None:
    with watched(dual, service(dual) + DAEMON) as daemon:
        refused = lvsnat(dual, "run", code=4)

        assert f"process {daemon.process.pid}" in refused.stderr
        assert daemon.process.poll() is None


def test_all_is_drained_at_the_end_where_that_is_wished_for(dual: Network) -> None:
    with watched(dual, service(dual) + DAEMON + 'on_stop = "drain"\n') as daemon:
        daemon.stop(signal.SIGINT)

    assert weights(dual) == [0, 0]
    again = Daemon(dual)
    eventually(lambda: weights(dual) == [1, 2])
    again.kill()


def test_it_does_with_the_rights_of_its_unit(dual: Network) -> None:
    text = Service(("/usr/bin/lvsnat",)).render_daemon()
    [names] = re.findall(r"^CapabilityBoundingSet=(.*)$", text, re.MULTILINE)
    kept = ",".join(f"+{name.removeprefix('CAP_').lower()}" for name in names.split())
    rights = ("setpriv", f"--bounding-set=-all,{kept}", "--inh-caps=-all", "--no-new-privs")
    ping = service(dual, CHECKED.replace('"tcp"', '"ping"'))
    with watched(dual, ping + DAEMON, *rights):
        eventually(lambda: set(health(dual).values()) == {"up"})

        vanish(dual)
        eventually(lambda: weights(dual) == [0, 2])
        ipvsadm(dual, "-C")
        eventually(lambda: weights(dual) == [0, 2])


def test_programs_are_told_of_what_happens(dual: Network) -> None:
    heard = dual.director.home / "heard"
    program = dual.director.home / "tell"
    program.write_text(f"#!/bin/sh\ncat >>{heard}\n")
    program.chmod(0o755)
    first, _ = served(dual)
    with watched(dual, service(dual, CHECKED) + DAEMON + f'notify = ["{program}"]\n'):
        first.stop()
        eventually(lambda: heard.exists() and '"to": "down"' in heard.read_text())

    told = [json.loads(line) for line in heard.read_text().splitlines()]
    assert ("web", "192.168.2.55:8080", "down") in [
        (one["service"], one["server"], one["to"]) for one in told
    ]


def test_what_haproxy_finds_out_is_shown_beside_what_the_daemon_does(dual: Network) -> None:
    first, _ = served(dual)
    for one in dual.servers:
        one.serve_udp(8080)
    dns = service(dual, CHECKED.replace('"tcp"', '"udp"'), name="dns", listen="udp/{vip}:53")
    text = 'mode = "haproxy-tproxy"\n' + service(dual, CHECKED) + dns + DAEMON
    try:
        with watched(dual, text):
            first.stop()
            eventually(lambda: health(dual, "haproxy").get("192.168.2.55:8080") == "down")

            assert set(health(dual, "daemon").values()) <= {"up", "unknown", "unchecked"}
            lvsnat(dual, "plan", "--exit-code")
    finally:
        lvsnat(dual, "clear", "--yes", "--force")


def test_while_a_trial_stands_servers_that_die_get_nothing_new(dual: Network) -> None:
    first, _ = served(dual)
    text = service(dual, CHECKED) + DAEMON
    with watched(dual, text):
        eventually(lambda: set(health(dual).values()) == {"up"})
        tried = dual.director.home / "tried.toml"
        tried.write_text(text.replace("weight = 2", "weight = 7"))
        command = dual.director.command("lvsnat", "try", str(tried), "--timeout", "10m")
        with typed(command, dual.director.environment()) as trial:
            eventually(lambda: weights(dual) == [1, 7])

            first.stop()
            eventually(lambda: weights(dual) == [0, 7])
            trial.kill(signal.SIGTERM)
            trial.end()
        eventually(lambda: weights(dual) == [0, 2])


def many(net: Network, weight: int, numbers: range) -> str:
    """Services on ports of their own, with the same servers and one check for all."""
    servers = ", ".join(
        f'{{ address = "{one.address}:8080", weight = {weight} }}' for one in net.servers
    )
    return "".join(
        f'\n[[service]]\nname = "s{number}"\nlisten = "tcp/{net.vip}:{10_000 + number}"\n'
        f'scheduler = "wrr"\n{CHECKED}\nservers = [{servers}]\n'
        for number in numbers
    )


def is_reloaded(table: list[str], net: Network) -> bool:
    """Whether the services are those from 1 to 2000, and their server that lives weighs 3."""
    added, gone = (f"-t {net.vip}:{10_000 + number} " for number in (2000, 0))
    return (
        any(added in line for line in table)
        and not any(gone in line for line in table)
        and sum(line.endswith("-w 3") for line in table) == 2000
        and sum(f"-r {net.servers[0].address}:" in line for line in table) == 2001
    )


@pytest.mark.timeout(900)
def test_a_reload_of_2000_services_loses_no_request_and_no_result(dual: Network) -> None:
    first, _ = served(dual)
    web = service(dual, CHECKED) + DAEMON
    with watched(dual, web + many(dual, 1, range(2000))) as daemon:
        eventually(lambda: set(health(dual).values()) == {"up"})
        first.stop()
        dead = f"{dual.servers[0].address}:8080"
        eventually(lambda: dead not in taking(dual))
        with short_connections(dual.client, dual.vip, 80) as load:
            configure(dual, web + many(dual, 3, range(1, 2001)))
            daemon.process.send_signal(signal.SIGHUP)
            eventually(lambda: is_reloaded(ipvsadm(dual, "-Sn"), dual))

        assert load.report.failures == {}
        # The dead server is not believed to be well again, with any service.
        assert dead not in taking(dual)
        said = daemon.said().splitlines()
        assert all("connection refused" in line for line in said if "up -> down" in line)
        assert not any("down -> up" in line for line in said)
