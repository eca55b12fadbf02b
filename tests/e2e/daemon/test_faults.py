"""Minutes of random faults, drift and kills: in the end kernel, health and configuration agree.

LVSNAT_FAULT_SECONDS says how long, LVSNAT_FAULT_SEED repeats a run that failed.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from e2e import warm

from lvsnat.errors import ExitCode
from lvsnat.system import write_file
from lvsnat.testing import network_apart

pytestmark = pytest.mark.e2e

SECONDS = float(os.environ.get("LVSNAT_FAULT_SECONDS", "300"))
SEED = int(os.environ.get("LVSNAT_FAULT_SEED", random.SystemRandom().randrange(10**6)))
SERVICES, SERVERS = range(20), range(1, 11)
REMOVING = range(10, 15)
"""Services whose failed servers are taken out of the kernel."""
CAUTIOUS = range(15, 20)
"""Services that have some of their servers taken out at most."""
MAX_DOWN = 50
"""Per cent."""
FAULTS = ("wrong", "hang", "cut", "refuse", "lost")
WITHIN = 180.0
"""Seconds until all agree: 9 by the configuration, and a kernel in user mode is slow."""
HEAD = """[host]
block_imds = false

[daemon]
interval = "2s"
"""
SERVICE = """
[[service]]
name = "s{number}"
listen = "tcp/10.1.0.1:{port}"
scheduler = "wrr"
{more}
check = {{ type = "http", path = "/health", interval = "2s", timeout = "3s", rise = 2, fall = 2 }}
servers = [{servers}]
"""
DROPS = """table inet faults {
  set lost { type ipv4_addr . inet_service; }
  chain input { type filter hook input priority 0; ip daddr . tcp dport @lost drop; }
}
"""
Place = tuple[int, int]
"""A service and one of its servers."""


def endpoint(place: Place) -> str:
    return f"10.2.0.{place[1]}:{8000 + place[0]}"


PLACES: tuple[Place, ...] = tuple((service, server) for service in SERVICES for server in SERVERS)


def config(weights: Mapping[Place, int]) -> str:
    text = HEAD
    for number in SERVICES:
        more = 'on_fail = "remove"' if number in REMOVING else ""
        more = f'max_down = "{MAX_DOWN}%"' if number in CAUTIOUS else more
        servers = ", ".join(
            f'{{ address = "{endpoint((number, one))}", weight = {weights[number, one]} }}'
            for one in SERVERS
        )
        text += SERVICE.format(number=number, port=1000 + number, more=more, servers=servers)
    return text


def tool(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class Field:
    """A director with its daemon, the servers, and what is wrong with each of them."""

    def __init__(self, folder: Path, farm: subprocess.Popen[str]) -> None:
        self.folder = folder
        self.chance = random.Random(SEED)  # noqa: S311 - a run must be repeatable
        self.farm = farm
        self.weights = {place: self.chance.randint(1, 9) for place in PLACES}
        self.faults: dict[Place, str] = {}
        self.disabled: set[Place] = set()
        self.done: list[str] = []
        names = {"CONFIG": "lvsnat.toml", "STATE_DIR": "state", "RUN_DIR": "run"}
        self.environment = os.environ | {f"LVSNAT_{k}": str(folder / v) for k, v in names.items()}
        self.write()
        self.lvsnat("apply")
        self.daemon = self.start()

    def write(self) -> None:
        write_file(self.folder / "lvsnat.toml", config(self.weights))

    def lvsnat(self, *words: str, code: int = ExitCode.DONE) -> str:
        done = warm.run_here(words, self.environment)
        assert done.returncode == code, f"seed {SEED}: {words}\n{done.stdout}{done.stderr}"
        return done.stdout

    def start(self) -> subprocess.Popen[str]:
        """Start the daemon; ``lives`` does it as its unit does, where it has given up."""
        with (self.folder / "log").open("a") as log:
            return subprocess.Popen(
                ["lvsnat", "run"], env=self.environment, stdout=log, stderr=log, text=True
            )

    def lives(self) -> bool:
        """Whether it runs; one that has ended for a file that makes no sense is started anew."""
        ended = self.daemon.poll()
        if ended == ExitCode.USAGE:
            self.daemon = self.start()
        return ended in {None, ExitCode.USAGE}

    def said(self) -> str:
        return (self.folder / "log").read_text()

    def stop(self, number: signal.Signals) -> int:
        self.daemon.send_signal(number)
        return self.daemon.wait(WITHIN)

    def behave(self, place: Place, manner: str) -> None:
        """Have a server answer in a manner; ``lost`` packets never reach it."""
        was_lost = self.faults.get(place) == "lost"
        if (manner == "lost") != was_lost:
            verb = "delete" if was_lost else "add"
            address, _, port = endpoint(place).partition(":")
            tool("nft", f"{verb} element inet faults lost {{ {address} . {port} }}")
        if manner != "lost":
            assert self.farm.stdin is not None
            self.farm.stdin.write(f"{endpoint(place)} {manner}\n")
            self.farm.stdin.flush()
        if manner == "serve":
            self.faults.pop(place, None)
        else:
            self.faults[place] = manner

    def differs(self) -> str | None:
        """What the kernel has otherwise than it should; None if all is well."""
        have = kernel_weights()
        for number in SERVICES:
            out = {one for one in SERVERS if (number, one) in self.faults}
            off = {one for one in SERVERS if (number, one) in self.disabled}
            zero = {one for one in SERVERS if not have.get((number, one), 0)}
            if number in CAUTIOUS:
                most = (len(SERVERS) - len(off)) * MAX_DOWN // 100
                if not off <= zero <= out | off or len(zero - off) != min(len(out - off), most):
                    return f"s{number}: {out} failed, {off} disabled, {zero} are out"
            elif zero != out | off:
                return f"s{number}: {out} failed, {off} disabled, {zero} are out"
            for one in set(SERVERS) - zero:
                if have[number, one] != self.weights[number, one]:
                    return f"s{number}: {endpoint((number, one))} weighs {have[number, one]}"
        return None

    def is_not_well(self) -> str | None:
        """What is published otherwise than it should be once every server serves; None if all is.

        Of a disabled server, or of one that is kept, the kernel's weight does not tell.
        """
        said = json.loads(self.lvsnat("health", "-o", "json"))
        states = [one["health"] for service in said["services"] for one in service["servers"]]
        return None if states == ["up"] * len(PLACES) else f"{states}"


def kernel_weights() -> dict[Place, int]:
    found = re.findall(r"-r 10\.2\.0\.(\d+):(\d+) -m -w (\d+)", tool("ipvsadm", "-Sn"))
    return {(int(port) - 8000, int(server)): int(weight) for server, port, weight in found}


def settle(field: Field, differs: Callable[[Field], str | None] = Field.differs) -> None:
    deadline = time.monotonic() + WITHIN
    while (wrong := differs(field)) is not None:
        if not field.lives() or time.monotonic() > deadline:
            pytest.fail(f"seed {SEED}, {wrong}; done: {field.done[-10:]}\n{field.said()[-3000:]}")
        time.sleep(0.3)


def breaks(field: Field) -> None:
    field.behave(field.chance.choice(PLACES), field.chance.choice(FAULTS))


def breaks_a_whole_service(field: Field) -> None:
    number = field.chance.choice(SERVICES)
    for one in SERVERS:
        field.behave((number, one), field.chance.choice(FAULTS))


def heals(field: Field) -> None:
    for place in field.chance.sample(sorted(field.faults), len(field.faults) // 2):
        field.behave(place, "serve")


def drifts(field: Field) -> None:
    """Somebody uses ipvsadm, perhaps on a server that the daemon takes out at this moment."""
    number, server = field.chance.choice(sorted(kernel_weights()))
    words = ("-t", f"10.1.0.1:{1000 + number}", "-r", endpoint((number, server)))
    change = field.chance.choice([("-d", *words), ("-e", *words, "-m", "-w", "77")])
    done = subprocess.run(["ipvsadm", *change], capture_output=True, text=True, check=False)
    assert done.returncode == 0 or (number, server) not in kernel_weights(), done.stderr


def loses_a_service(field: Field) -> None:
    """Somebody removes one that is there: the last one may not have been found missing yet."""
    there = re.findall(r"-A -t (\S+)", tool("ipvsadm", "-Sn"))
    tool("ipvsadm", "-D", "-t", field.chance.choice(sorted(there)))
    time.sleep(2.5)


def disables(field: Field) -> None:
    place = field.chance.choice(PLACES)
    field.disabled ^= {place}
    verb = "disable" if place in field.disabled else "enable"
    # The last server of a service is only taken with force.
    field.lvsnat("server", verb, f"s{place[0]}", endpoint(place), "--force")


def edits(field: Field) -> None:
    field.weights[field.chance.choice(PLACES)] = field.chance.randint(1, 9)
    field.write()


def writes_nonsense(field: Field) -> None:
    (field.folder / "lvsnat.toml").write_text("[[service]\n")
    time.sleep(1)
    field.write()


def kills_the_daemon(field: Field) -> None:
    time.sleep(field.chance.uniform(0, 1))
    field.stop(signal.SIGKILL)
    field.daemon = field.start()


def restarts_the_daemon(field: Field) -> None:
    # One that was only just started does not heed it yet, or has met a file that made no sense.
    ends = {0, -signal.SIGTERM, ExitCode.USAGE}
    assert field.stop(signal.SIGTERM) in ends, field.said()[-3000:]
    field.daemon = field.start()


def loses_packets(field: Field) -> None:
    del field
    tool("tc", "qdisc", "add", "dev", "lo", "root", "netem", "loss", "50%")
    time.sleep(3)
    tool("tc", "qdisc", "del", "dev", "lo", "root")


ACTIONS: tuple[tuple[Callable[[Field], None], int], ...] = (
    (breaks, 12),
    (heals, 4),
    (drifts, 3),
    (disables, 2),
    (edits, 2),
    (kills_the_daemon, 2),
    (breaks_a_whole_service, 1),
    (loses_a_service, 1),
    (writes_nonsense, 1),
    (restarts_the_daemon, 1),
    (loses_packets, 1),
)


@contextmanager
def the_field(folder: Path) -> Iterator[Field]:
    with network_apart():
        for words in (
            ("link", "set", "lo", "up"),
            ("link", "add", "d0", "type", "dummy"),
            ("address", "add", "10.1.0.2/24", "dev", "d0"),
            ("link", "set", "d0", "up"),
            *(("address", "add", f"10.2.0.{one}/32", "dev", "d0") for one in SERVERS),
        ):
            tool("ip", *words)
        subprocess.run(["nft", "-f", "-"], input=DROPS, text=True, check=True)
        program = Path(__file__).with_name("farm.py")
        with subprocess.Popen(
            [sys.executable, str(program), *map(endpoint, PLACES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as farm:
            assert farm.stdout is not None
            assert farm.stdout.readline() == "ready\n"
            field = Field(folder, farm)
            try:
                yield field
            finally:
                field.stop(signal.SIGKILL)
                farm.kill()


@pytest.mark.timeout(int(SECONDS) + 900)
def test_kernel_health_and_configuration_agree_whatever_happens(tmp_path: Path) -> None:
    with the_field(tmp_path) as field:
        settle(field)
        end = time.monotonic() + SECONDS
        actions, shares = zip(*ACTIONS, strict=True)
        while time.monotonic() < end:
            for act in field.chance.choices(actions, shares, k=8):
                field.done.append(act.__name__)
                act(field)
                time.sleep(field.chance.uniform(0, 0.5))
            settle(field)

        for place in tuple(field.faults):
            field.behave(place, "serve")
        settle(field)
        settle(field, Field.is_not_well)
        field.lvsnat("plan", "--exit-code")
        assert "Traceback" not in field.said()
