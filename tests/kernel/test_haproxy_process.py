"""Our own HAProxy as a process: started, reloaded, hung, killed, ended softly and begun again."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import Self

import pytest
from proxies import (
    NOTHING,
    SERVER6,
    SERVERS,
    VIP,
    VIP6,
    WEB,
    Proxy,
    answering,
    connect,
    layout,
    ok,
    proxy,
    talk,
    until,
)

from lvsnat.config.parse import parse_config
from lvsnat.errors import LvsnatError, RefusedError
from lvsnat.haproxy import answers
from lvsnat.haproxy.backend import HaproxyBackend
from lvsnat.haproxy.carryover import NOTHING as NOTHING_KNOWN
from lvsnat.haproxy.process import Daemon, processes_of
from lvsnat.haproxy.resources import HaproxyInstance, ProxiedServer
from lvsnat.haproxy.runtime import HangsError
from lvsnat.model.endpoint import Endpoint
from lvsnat.model.phase import Phase
from lvsnat.model.resource import Key
from lvsnat.plan.apply import StepError, roll_back
from lvsnat.plan.change import Create, Delete, Update

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("fresh_netns")]

BROKEN = WEB.replace("servers =", 'haproxy = { frontend_lines = ["foo bar"] }\nservers =')
OTHER = WEB.replace('"wrr"', '"wlc"')
THIRD = WEB.replace('"wrr"', '"rr"')
EVERYWHERE = str(IPv4Address(0))
NET_RAW_AND_BIND = 1 << 13 | 1 << 10


@pytest.fixture
def ours() -> Iterator[Proxy]:
    """Two servers that answer, and our HAProxy, which does not run yet."""
    layout()
    with answering(SERVERS[0]), answering(SERVERS[1]), proxy() as one:
        yield one


class Stream:
    """Requests one after the other, each by a connection of its own."""

    def __init__(self) -> None:
        self.served = 0
        self.failures: list[str] = []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(3)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                with connect() as channel:
                    talk(channel)
                self.served += 1
                time.sleep(0.01)  # Reloads, on a kernel of one processor, want some of it, too.
            except (OSError, AssertionError) as error:
                self.failures.append(repr(error))

    def goes_on(self) -> None:
        """Wait for a few requests more."""
        wanted = self.served + 5
        until(lambda: self.served >= wanted or bool(self.failures))


def test_it_starts_with_two_capabilities_and_serves_what_is_asked_for(ours: Proxy) -> None:
    ours.go(WEB)

    assert not ours.changes(WEB)
    with connect() as channel:
        assert talk(channel).split(b"\n")[0].decode() in SERVERS
    for pid in (ours.master, ours.worker):
        status = Path(f"/proc/{pid}/status").read_text()
        assert (
            re.findall(r"^Cap(?:Eff|Bnd):\s*(\w+)", status, re.MULTILINE)
            == [f"{NET_RAW_AND_BIND:016x}"] * 2
        )
        assert "\nUid:\t0" not in status
    folder = ours.files.run.stat()
    assert (folder.st_mode & 0o777, folder.st_gid) == (0o750, 0)


@pytest.mark.timeout(900)
def test_twenty_reloads_fail_no_request(ours: Proxy) -> None:
    ours.go(WEB)

    with Stream() as stream, connect() as long:
        talk(long)
        for number in range(20):
            before = ours.worker
            ours.go((OTHER, THIRD)[number % 2])
            assert ours.worker != before
            stream.goes_on()
            talk(long)

    assert stream.failures == []


@pytest.mark.timeout(900)
def test_weights_change_without_a_reload_and_fail_no_request(ours: Proxy) -> None:
    ours.go(WEB)
    before = ours.worker

    with Stream() as stream:
        for weight in range(4, 24):
            ours.go(WEB.replace("weight = 3", f"weight = {weight}"))
            stream.goes_on()

    assert stream.failures == []
    assert ours.worker == before
    assert ours.files.config.read_text().count(f"{SERVERS[0]}:80 weight 23") == 2
    states = ours.instance.runtime.ask("show servers state")
    assert len(re.findall(rf" {SERVERS[0]}:80 \S+ \d \d 23 ", states)) == 2


def test_a_weight_that_only_the_file_can_change_is_changed_by_a_reload(ours: Proxy) -> None:
    hashed = WEB.replace('"wrr"', '"sh"')
    ours.go(hashed)

    ours.go(hashed.replace("weight = 3", "weight = 5"))

    assert not ours.changes(hashed.replace("weight = 3", "weight = 5"))


def test_a_drained_server_loses_the_clients_that_persistence_ties_to_it(ours: Proxy) -> None:
    tied = WEB.replace("check =", "persistence = 300\ncheck =")
    ours.go(tied)
    with connect() as channel:
        first = talk(channel).split(b"\n")[0].decode()
    with connect() as channel:
        assert talk(channel).split(b"\n")[0].decode() == first

    servers = [one for one in ours.backend.observe(()) if isinstance(one, ProxiedServer)]
    [drained] = [one for one in servers if str(one.endpoint.address) == first]
    # An entry of a connection that is open is not cleared.
    until(lambda: not list(ours.backend.sessions()))
    ours.carry_out((Update(drained, drained.with_weight(0)),))

    with connect() as channel:
        assert talk(channel).split(b"\n")[0].decode() not in {"", first}


def test_a_drain_that_comes_with_a_reload_unties_clients_too(ours: Proxy) -> None:
    tied = WEB.replace("check =", "persistence = 300\ncheck =").replace(", weight = 3", "")
    ours.go(tied)
    with connect() as channel:
        first = talk(channel).split(b"\n")[0].decode()
    # An entry of a connection that is open is not cleared.
    until(lambda: not list(ours.backend.sessions()))
    before = ours.worker
    until(lambda: age(ours) > TELLS_ITS_TABLE)

    with connect(source=(SERVERS[0], 0)) as other:
        assert talk(other).split(b"\n")[0].decode() != first
        # The newcomer stands before the others, so that their numbers change.
        newcomer = 'servers = [{ address = "10.1.0.1:80", weight = 0 }, '
        drained = tied.replace(f'"{first}:80"', f'"{first}:80", weight = 0')
        ours.go(drained.replace("servers = [", newcomer))

        assert ours.worker != before
        # The process that was replaced is there as long as this connection: its table goes on.
        said = list(ours.instance.ask_workers("show table web:tproxy"))
        assert any(f"key={SERVERS[0]} " in one for one in said)
        assert not any(f"server_key={first}:80" in one for one in said)
        until(lambda: f"key={SERVERS[0]} " in ours.instance.runtime.ask("show table web:tproxy"))
        with connect() as channel:
            assert talk(channel).split(b"\n")[0].decode() not in {"", first}


TELLS_ITS_TABLE = 6
"""Seconds: a younger process gives no table to the one that replaces it (HAProxy 2.6)."""


def age(ours: Proxy) -> int:
    """How many seconds the worker has run."""
    said = ours.instance.runtime.ask("show info")
    return next(int(line.split()[1]) for line in said.splitlines() if "Uptime_sec" in line)


CHECKED_ASIDE = WEB.replace('type = "tcp"', 'type = "tcp", port = 89')
"""Checks go to a port of their own, so that what comes to the servers' port is a client's."""


@pytest.fixture
def half_dead(ours: Proxy) -> Iterator[Proxy]:
    """Our HAProxy at work; it has seen that all to the second server is lost."""
    ok("nft", "add table ip dead")
    ok("nft", "add chain ip dead in { type filter hook input priority 0; }")
    ok("nft", "add counter ip dead met")
    lost = f"add rule ip dead in ip daddr {SERVERS[1]} tcp dport"
    ok("nft", f"{lost} 80 counter name met drop; {lost} 89 drop")
    with answering(SERVERS[0], 89):
        ours.go(CHECKED_ASIDE)
        until(lambda: is_down(ours))
        yield ours


def is_down(ours: Proxy) -> bool:
    """Whether the second server is down by its check, in both backends."""
    rows = answers.table(ours.instance.runtime.ask("show stat"))
    found = [row["status"] for row in rows if row["svname"] == f"{SERVERS[1]}:80"]
    return found == ["DOWN", "DOWN"]


def met() -> int:
    """How many packets clients' connections sent to the dead server."""
    said = re.search(r"packets (\d+)", ok("nft", "list counter ip dead met"))
    assert said
    return int(said[1])


@pytest.mark.timeout(900)
def test_no_client_meets_a_dead_server_after_a_reload(half_dead: Proxy) -> None:
    before = met()

    with Stream() as stream:
        for number in range(10):
            half_dead.go(CHECKED_ASIDE.replace('"wrr"', ('"wlc"', '"rr"')[number % 2]))
            assert is_down(half_dead)
            stream.goes_on()

    assert stream.failures == []
    assert met() == before


def test_a_server_that_was_down_comes_up_again_after_a_reload(half_dead: Proxy) -> None:
    half_dead.go(CHECKED_ASIDE.replace('"wrr"', '"wlc"'))
    ok("nft", "delete table ip dead")

    with answering(SERVERS[1], 89):
        until(lambda: not is_down(half_dead))


@pytest.mark.parametrize("word", ["weight 9", "state drain", "state maint"])
def test_a_reload_brings_back_nothing_that_somebody_set_at_the_socket(
    half_dead: Proxy, word: str
) -> None:
    place = f"{SERVERS[1]}:80"
    half_dead.instance.runtime.tell(
        [f"set server web:{backend}/{place} {word}" for backend in ("tproxy", "local")]
    )
    other = CHECKED_ASIDE.replace('"wrr"', '"wlc"')

    half_dead.go(other)

    assert not half_dead.changes(other)
    states = answers.servers(half_dead.instance.runtime.ask("show servers state"))
    assert [(one.weight, one.forced) for one in states if one.server == place] == [(1, False)] * 2


@pytest.mark.parametrize(
    "asked", ["", 'check = { type = "tcp", port = 89, interval = "60s", timeout = "1s" }']
)
def test_a_server_that_something_else_is_asked_of_begins_anew(half_dead: Proxy, asked: str) -> None:
    half_dead.go(re.sub("check = .*", asked, CHECKED_ASIDE))

    assert not is_down(half_dead)


def test_what_starts_knows_nothing_of_what_ran_before(half_dead: Proxy) -> None:
    assert half_dead.files.server_states.read_text() == NOTHING_KNOWN
    # What is left by a kill in the midst of a reload.
    half_dead.files.server_states.write_text(half_dead.instance.runtime.ask("show servers state"))
    os.kill(half_dead.master, signal.SIGKILL)
    until(lambda: not half_dead.backend.observe(()))

    half_dead.go(CHECKED_ASIDE.replace('interval = "1s"', 'interval = "60s"'))

    assert not is_down(half_dead)
    assert half_dead.files.server_states.read_text() == NOTHING_KNOWN
    half_dead.go(NOTHING)
    assert not half_dead.files.server_states.exists()


def test_a_weight_that_somebody_set_at_its_socket_is_drift(ours: Proxy) -> None:
    ours.go(WEB)
    ours.instance.runtime.tell([f"set server web:tproxy/{SERVERS[0]}:80 state maint"])

    [change] = ours.go(WEB)

    assert isinstance(change, Update)
    assert not ours.changes(WEB)


def test_a_broken_line_is_named_by_its_service_and_key_before_anything_changes(
    ours: Proxy,
) -> None:
    ours.go(WEB)
    before = ours.worker, ours.files.config.read_text()

    with pytest.raises(LvsnatError, match=r"service 'web', haproxy\.frontend_lines: .*'foo bar'"):
        ours.go(BROKEN)
    with pytest.raises(StepError, match="frontend_lines"):
        ours.backend.apply(ours.changes(BROKEN), lambda _: None)

    assert (ours.worker, ours.files.config.read_text()) == before


@pytest.mark.parametrize("held", [VIP, EVERYWHERE, "::"])
def test_a_port_that_is_taken_is_refused_with_the_name_of_who_has_it(
    ours: Proxy, held: str
) -> None:
    with socket.socket(socket.AF_INET6 if ":" in held else socket.AF_INET) as taken:
        taken.bind((held, 8080))
        taken.listen()

        with pytest.raises(RefusedError, match=rf"is taken by \S+ \(process {os.getpid()}\)"):
            ours.go(WEB.replace(f"{VIP}:80", f"{VIP}:8080"))

    assert not processes_of(ours.files)
    assert not ours.files.config.exists()


def test_a_socket_of_ipv6_alone_is_not_in_the_way_of_ipv4(ours: Proxy) -> None:
    with socket.socket(socket.AF_INET6) as other:
        other.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        other.bind(("::", 8080))
        other.listen()

        ours.go(WEB.replace(f"{VIP}:80", f"{VIP}:8080"))

        with connect(port=8080) as channel:
            talk(channel)


def test_an_address_that_is_missing_is_named_and_all_is_as_before(ours: Proxy) -> None:
    ours.go(WEB)
    before = ours.files.config.read_text()

    with pytest.raises(StepError, match=r"192\.168\.1\.51:80: this host has no such address"):
        ours.go(WEB.replace(f"{VIP}:80", "192.168.1.51:80"))

    assert ours.files.config.read_text() == before
    assert not ours.changes(WEB)
    with connect() as channel:
        talk(channel)


def test_only_a_start_that_failed_is_given_up(ours: Proxy) -> None:
    given_up = []

    class Persistent(Daemon):
        """Who starts it would try again by himself, as systemd does."""

        def give_up(self) -> None:
            given_up.append(self)

    ours.backend = HaproxyBackend(ours.files, supervise=Persistent)
    missing = WEB.replace(f"{VIP}:80", "192.168.1.51:80")
    with pytest.raises(StepError):
        ours.go(missing)
    assert len(given_up) == 1

    ours.go(WEB)
    with pytest.raises(StepError):
        ours.go(missing)
    assert len(given_up) == 1


def test_after_its_master_is_killed_it_is_missing_and_comes_again(ours: Proxy) -> None:
    ours.go(WEB)
    os.kill(ours.master, signal.SIGKILL)
    until(lambda: not ours.backend.observe(()))

    changes = ours.go(WEB)

    assert {type(change) for change in changes} == {Create}
    with connect() as channel:
        talk(channel)


def test_a_master_that_hangs_is_an_error_before_anything_changes(ours: Proxy) -> None:
    ours.go(WEB)
    master, text = ours.master, ours.files.config.read_text()
    os.kill(master, signal.SIGSTOP)
    try:
        with pytest.raises(LvsnatError, match=r"does not answer on .*master\.sock within 10 s"):
            ours.go(OTHER)
        with pytest.raises(StepError, match="does not answer"):
            ours.backend.apply(ours.changes(OTHER), lambda _: None)
        assert ours.files.config.read_text() == text
    finally:
        os.kill(master, signal.SIGCONT)

    ours.go(OTHER)


def test_a_worker_that_hangs_is_an_error_with_a_cure(ours: Proxy) -> None:
    ours.go(WEB)
    worker = ours.worker
    os.kill(worker, signal.SIGSTOP)
    try:
        with pytest.raises(LvsnatError, match="does not answer") as caught:
            ours.backend.observe(())
    finally:
        os.kill(worker, signal.SIGCONT)

    assert "kill -9" in (caught.value.hint or "")


def test_a_socket_that_was_lost_is_made_anew(ours: Proxy) -> None:
    ours.go(WEB)
    with connect() as channel:
        talk(channel)
        ours.files.runtime.unlink()
        assert ours.backend.observe(()) == []

        ours.go(WEB)

        assert not ours.changes(WEB)
        talk(channel)
    with connect() as channel:
        talk(channel)


def test_when_both_sockets_were_lost_what_ran_ends_softly(ours: Proxy) -> None:
    ours.go(WEB)
    lost = ours.worker
    with connect() as channel:
        talk(channel)
        ours.files.runtime.unlink()
        ours.files.master.unlink()

        ours.go(WEB)

        assert ours.worker != lost
        talk(channel)
    until(lambda: lost not in processes_of(ours.files))
    with connect() as channel:
        talk(channel)


def test_a_file_that_was_replaced_and_not_read_is_drift_and_repaired(ours: Proxy) -> None:
    ours.go(WEB)
    was = ours.files.config.read_text()
    ours.go(OTHER)
    now = ours.files.config.read_text()
    ours.go(WEB)
    assert ours.files.config.read_text() == was
    # What a kill between the rename and the reload leaves.
    ours.files.config.write_text(now)

    [change] = ours.go(OTHER)

    assert isinstance(change, Update)
    assert isinstance(change.before, HaproxyInstance)
    assert not change.before.current
    assert not ours.changes(OTHER)


def test_a_soft_stop_lets_connections_end_and_the_ports_go(ours: Proxy) -> None:
    ours.go(WEB)
    place = Endpoint.parse(f"{VIP}:80")
    with connect() as channel:
        talk(channel)
        assert ours.backend.held([place]) == 1

        ours.go(NOTHING)

        assert ours.backend.observe(()) == []
        assert ours.backend.ending() == 1
        talk(channel)
        assert [one.service for one in ours.backend.sessions()] == ["web"]
        until(is_refused)
        assert not ours.files.config.exists()
        assert ours.files.replaced.exists()
    until(lambda: not processes_of(ours.files))
    assert ours.backend.ending() == 0
    until(lambda: ours.backend.held([place]) == 0)


def is_refused() -> bool:
    """Whether nobody listens at the service's address."""
    try:
        connect().close()
    except ConnectionRefusedError:
        return True
    return False


def test_what_a_process_that_hangs_still_has_is_not_taken_for_gone(ours: Proxy) -> None:
    ours.go(WEB)
    old = ours.worker
    with connect() as channel:
        talk(channel)
        ours.go(NOTHING)
        os.kill(old, signal.SIGSTOP)
        try:
            with pytest.raises(HangsError):
                ours.backend.ending()
            with pytest.raises(HangsError):
                list(ours.backend.sessions())
        finally:
            os.kill(old, signal.SIGCONT)

        assert ours.backend.ending() == 1
        talk(channel)


def test_what_is_left_of_a_soft_stop_can_be_cut(ours: Proxy) -> None:
    ours.go(WEB)
    with connect() as channel:
        talk(channel)
        ours.go(NOTHING)

        ours.backend.end_now()

        until(lambda: not processes_of(ours.files))
        assert channel.recv(100) == b""


def test_it_can_begin_again_while_it_still_ends(ours: Proxy) -> None:
    ours.go(WEB)
    with connect() as old:
        talk(old)
        ours.go(NOTHING)

        ours.go(OTHER)

        talk(old)
        assert not ours.changes(OTHER)
        assert ours.backend.ending() == 1
        with connect() as new:
            talk(new)
            ours.backend.end_now()
            until(lambda: ours.backend.ending() == 0)
            talk(new)


def test_a_rollback_brings_back_what_was_removed(ours: Proxy) -> None:
    ours.go(WEB)
    removed = ours.go(NOTHING)
    assert {type(change) for change in removed} == {Delete}

    assert roll_back(removed, [ours.backend]) == []

    assert not ours.changes(WEB)
    with connect() as channel:
        talk(channel)


def test_a_rollback_takes_away_what_was_made(ours: Proxy) -> None:
    made = ours.go(WEB)

    assert roll_back(made, [ours.backend]) == []

    assert ours.backend.observe(()) == []
    until(lambda: not processes_of(ours.files))


def test_a_name_may_move_to_another_port(ours: Proxy) -> None:
    ours.go(WEB)
    moved = WEB.replace(f"{VIP}:80", f"{VIP}:81")
    changes = ours.changes(moved)
    makes = tuple(change for change in changes if not isinstance(change, Delete))
    breaks = tuple(change for change in changes if isinstance(change, Delete))
    ours.backend.prepare(changes)

    ours.backend.apply(makes, lambda _: None)
    ours.backend.apply(breaks, lambda _: None)

    assert not ours.changes(moved)


def test_a_name_that_moved_comes_back_with_a_rollback(ours: Proxy) -> None:
    ours.go(WEB)
    changes = ours.changes(WEB.replace(f"{VIP}:80", f"{VIP}:81"))
    makes = tuple(change for change in changes if not isinstance(change, Delete))
    ours.backend.prepare(changes)
    ours.backend.apply(makes, lambda _: None)

    assert roll_back(makes, [ours.backend]) == []

    assert not ours.changes(WEB)


def test_a_switch_does_not_begin_with_servers_that_are_down(ours: Proxy) -> None:
    dead = parse_config(WEB.replace(":80", ":89").replace(f"{VIP}:89", f"{VIP}:80"), "test")

    with pytest.raises(StepError, match="no server of web passes HAProxy's check"):
        ours.carry_out(ours.changes_to(replace(dead, switching=Phase.BOTH)))

    assert not processes_of(ours.files)
    assert not ours.files.config.exists()

    # Without a switch nobody is served elsewhere: servers may come up later.
    ours.carry_out(ours.changes_to(dead))


def test_a_switch_begins_on_both_ports_when_a_server_is_up(ours: Proxy) -> None:
    config = replace(parse_config(WEB, "test"), switching=Phase.BOTH)

    ours.carry_out(ours.changes_to(config))

    for port in (80, 10080):
        with connect(port=port) as channel:
            talk(channel)


def test_both_families_are_served_and_counted(ours: Proxy) -> None:
    both = (
        WEB
        + f"""
[[service]]
name = "six"
listen = "tcp/[{VIP6}]:80"
servers = [{{ address = "[{SERVER6}]:80" }}]
"""
    )
    with answering(SERVER6):
        ours.go(both)
        with connect(VIP6) as channel:
            assert talk(channel).split(b"\n")[0].decode() == SERVER6
            place = Endpoint.parse(f"[{VIP6}]:80")
            assert ours.backend.held([place, Endpoint.parse(f"{VIP}:80")]) == 1
            [session] = ours.backend.sessions()
            assert (session.virtual, str(session.server)) == (place, f"[{SERVER6}]:80")
            _, stats = ours.backend.read()
            held = stats[Key("proxied server", f"tcp/[{VIP6}]:80 [{SERVER6}]:80")]
            assert getattr(held, "active", None) == 1
            assert held.totals.connections == 1


def test_counters_go_back_to_zero(ours: Proxy) -> None:
    ours.go(WEB)
    with connect() as channel:
        talk(channel)
    key = Key("proxied service", f"tcp/{VIP}:80")
    assert ours.backend.read()[1][key].totals.connections == 1

    ours.backend.zero()

    assert ours.backend.read()[1][key].totals.connections == 0


HELD = """
import sys
from pathlib import Path
from proxies import Proxy, WEB
ours = Proxy(Path(sys.argv[1]))
ours.go(WEB.replace("weight = 3", "weight = 7"))
print(len(ours.changes(WEB)))
"""


def test_a_root_that_is_held_to_the_modes_of_files_can_talk_to_it(ours: Proxy) -> None:
    """As lvsnat.service is: it has one capability, and that is not of files."""
    ours.go(WEB)
    folder = ours.files.run.parent.parent

    said = ok(
        *("setpriv", "--bounding-set=-all,+net_admin", "--inh-caps=-all", "--no-new-privs"),
        *(
            "env",
            f"PYTHONPATH={Path(__file__).parents[1]}",
            sys.executable,
            "-c",
            HELD,
            str(folder),
        ),
    )

    assert said == "1\n"
