"""Checks over a wire that loses, delays and refuses: a neighbour in a namespace of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from answering import answer_of, check_of, target_at

from lvsnat.health.engine import Engine
from lvsnat.health.values import Answer, Target
from lvsnat.model.health import CheckType
from lvsnat.system import run

pytestmark = pytest.mark.kernel

UDP, PING = CheckType.UDP, CheckType.PING
FAR, FAR6 = "10.9.0.2", "fd09::2"
NEAR = "10.9.0.1"
OTHER = "10.9.0.7"
BEYOND = "192.0.2.1"
"""An address that the neighbour has no way to, and says so."""
NOWHERE = "198.51.100.1"
PATIENT = 15.0
"""Seconds: where the answer is what matters, the machine may take its time."""
SERVER = """
import socket, sys
tcp = socket.create_server(("::", 80), family=socket.AF_INET6, dualstack_ipv6=True)
print("ready", flush=True)
while True:
    connection, peer = tcp.accept()
    try:
        connection.sendall(b"up #" + peer[0].removeprefix("::ffff:").encode() + b"\\n")
    except OSError:
        pass
    connection.close()
"""


def ip(*words: str) -> None:
    done = run(["ip", *words])
    assert done.returncode == 0, done.stderr


@pytest.fixture(autouse=True)
def _neighbour(fresh_netns: None) -> Iterator[None]:
    assert fresh_netns is None
    name = f"far{time.monotonic_ns() % 10**9}"
    ip("netns", "add", name)
    ip("link", "set", "lo", "up")
    ip("link", "add", "near0", "type", "veth", "peer", "name", "far0", "netns", name)
    for where, device, last in ((), "near0", "1"), (("-n", name), "far0", "2"):
        ip(*where, "link", "set", device, "up")
        ip(*where, "address", "add", f"10.9.0.{last}/24", "dev", device)
        ip(*where, "address", "add", f"fd09::{last}/64", "dev", device, "nodad")
    ip("address", "add", f"{OTHER}/24", "dev", "near0")
    ip("route", "add", f"{BEYOND}/32", "via", FAR)
    ip("-n", name, "link", "set", "lo", "up")
    ip("-n", name, "route", "add", "unreachable", BEYOND)
    command = ["ip", "netns", "exec", name, sys.executable, "-I", "-S", "-c", SERVER]
    run(["ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv4.ip_forward=1"])
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        try:
            # Until the wire is up at both ends, and each knows the other's hardware address.
            for address in FAR, FAR6:
                assert answer_of(target_at(80, check_of(timeout=PATIENT), address)).ok
            yield
        finally:
            server.kill()
            ip("netns", "delete", name)


def lose(*words: str) -> None:
    done = run(["tc", "qdisc", "replace", "dev", "near0", "root", "netem", *words])
    assert done.returncode == 0, done.stderr


def many(target: Target, count: int) -> list[Answer]:
    """So many answers in a row."""
    answers: list[Answer] = []

    def answered(_: Target, answer: Answer) -> float:
        answers.append(answer)
        return 0.01

    engine = Engine(answered)
    engine.watch([target])
    while len(answers) < count:
        engine.step(1)
    engine.close()
    return answers


@pytest.mark.parametrize("groups", ["1 0", "0 2147483647"])
@pytest.mark.parametrize("address", [FAR, FAR6])
def test_an_echo_comes_back_through_either_kind_of_socket(address: str, groups: str) -> None:
    Path("/proc/sys/net/ipv4/ping_group_range").write_text(groups, encoding="ascii")

    answers = many(target_at(0, check_of(PING, timeout=PATIENT), address), 5)

    assert [answer.ok for answer in answers] == [True] * 5


def test_echoes_to_one_place_at_once_are_told_apart() -> None:
    Path("/proc/sys/net/ipv4/ping_group_range").write_text("1 0", encoding="ascii")
    seen: dict[Target, Answer] = {}

    def answered(target: Target, answer: Answer) -> float:
        seen[target] = answer
        return 10

    engine = Engine(answered)
    engine.watch(target_at(0, check_of(PING, timeout=PATIENT, host=str(n)), FAR) for n in range(50))
    deadline = time.monotonic() + 100
    while len(seen) < 50 and time.monotonic() < deadline:
        engine.step(0.1)
    engine.close()

    assert len(seen) == 50
    assert all(answer.ok for answer in seen.values())


@pytest.mark.parametrize("kind", [CheckType.TCP, UDP, PING, CheckType.HTTP])
def test_a_router_that_knows_no_way_is_heard(kind: CheckType) -> None:
    answer = answer_of(target_at(80, check_of(kind, timeout=PATIENT), BEYOND))

    assert (answer.ok, answer.detail) == (False, "no route to host")


@pytest.mark.parametrize("kind", [CheckType.TCP, UDP, PING, CheckType.HTTP])
def test_a_director_that_knows_no_way_says_so(kind: CheckType) -> None:
    answer = answer_of(target_at(80, check_of(kind), NOWHERE))

    assert (answer.ok, answer.detail) == (False, "no route to the network")


@pytest.mark.parametrize("address", [FAR, FAR6])
def test_a_udp_port_of_a_host_that_listens_on_none_is_unreachable(address: str) -> None:
    answer = answer_of(target_at(9, check_of(UDP, timeout=PATIENT), address))

    assert (answer.ok, answer.detail) == (False, "port unreachable")


@pytest.mark.parametrize("kind", [CheckType.TCP, PING])
def test_a_host_that_is_off_gives_no_answer(kind: CheckType) -> None:
    # Known to the director: to find out that nobody has an address takes the kernel three seconds.
    off = "10.9.0.99"
    ip("neighbour", "add", off, "lladdr", "02:00:00:00:00:99", "dev", "near0", "nud", "permanent")

    answer = answer_of(target_at(80, check_of(kind, timeout=0.5), off))

    assert (answer.ok, answer.detail) == (False, "no answer within 0.5 s")


def test_the_server_sees_the_given_source() -> None:
    for source in (NEAR, OTHER):
        check = check_of(CheckType.AGENT, timeout=PATIENT, source=ip_address(source))
        assert answer_of(target_at(80, check, FAR)).detail == f"agent says up: {source}"
    for kind in (CheckType.TCP, PING):
        check = check_of(kind, timeout=PATIENT, source=ip_address(OTHER))
        assert answer_of(target_at(80, check, FAR)).ok


@pytest.mark.parametrize("kind", [CheckType.TCP, UDP, PING])
def test_a_source_that_the_director_does_not_have_is_named(kind: CheckType) -> None:
    check = check_of(kind, source=ip_address("192.0.2.77"))

    answer = answer_of(target_at(80, check, FAR))

    assert answer.detail == "cannot ask from 192.0.2.77: the director has no such address"


def test_a_firewall_of_the_director_is_told_from_a_dead_server() -> None:
    rules = "table ip t { chain c { type filter hook output priority 0; udp dport 9 drop; }; }"
    assert run(["nft", "-f", "-"], stdin=rules).returncode == 0

    answer = answer_of(target_at(9, check_of(UDP), FAR))

    assert not answer.ok
    assert answer.detail.startswith("the director is not allowed to ask")


def test_a_wire_that_loses_a_fifth_takes_longer_and_is_seldom_a_failure() -> None:
    lose("loss", "20%")
    answers = many(target_at(80, check_of(timeout=4.0), FAR), 30)

    good = [answer for answer in answers if answer.ok]
    assert len(good) >= 25
    assert {answer.detail for answer in answers if not answer.ok} <= {"no answer within 4 s"}


def test_delay_beyond_the_timeout_is_no_answer_and_within_it_is_measured() -> None:
    lose("delay", "10s")
    slow = answer_of(target_at(80, check_of(timeout=0.1), FAR))
    lose("delay", "300ms")
    patient = many(target_at(80, check_of(timeout=PATIENT), FAR), 5)

    assert (slow.ok, slow.detail) == (False, "no answer within 0.1 s")
    assert all(one.ok for one in patient)
    # The quickest of them: a busy machine may delay any.
    assert 0.3 <= min(one.took for one in patient) < 2
