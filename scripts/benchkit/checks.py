"""Health checks of lvsnat and of keepalived, on one kernel and with the same questions.

What is counted is what the servers accepted, not what a program says of itself.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address
from pathlib import Path

from benchkit.checkplace import (
    FIRST,
    PORT,
    Wire,
    ask,
    megabytes,
    processor_seconds,
    wired,
)
from benchkit.process import BenchError

SECONDS = 10.0
SETTLING = 5.0
"""Seconds that a program has after it has asked each server once, to come to rest."""
PATIENCE = 60.0
OF_SERVICE = 10
FIRST_VIP = IPv4Address("198.18.0.1")
MANY, MANY_INTERVAL = 5_000, 2.0
FEW, FEW_INTERVAL = 1_000, 1.0
CHECKER = str(Path(__file__).with_name("checker.py").resolve())
KEEPALIVED = """\
virtual_server {vip} 80 {{
 delay_loop {interval:g}
 lvs_sched rr
 lvs_method NAT
 protocol TCP
{servers}}}
"""
KEEPALIVED_SERVER = """\
 real_server {address} {port} {{
  TCP_CHECK {{
   connect_timeout 1
   retry 2
   delay_before_retry {interval:g}
  }}
 }}
"""
LVSNAT = """\
[[service]]
name = "service-{number}"
listen = "tcp/{vip}:80"
scheduler = "rr"
check = {{ type = "tcp", interval = "{interval:g}s", fast_interval = "{interval:g}s", \
timeout = "1s", fall = 3, rise = 1 }}
servers = [{servers}]

"""


class Checker(StrEnum):
    """Who asks."""

    DAEMON = "`lvsnat run`"
    ENGINE = "its engine alone"
    KEEPALIVED = "keepalived"


@dataclass(frozen=True, slots=True)
class Load:
    """A while of checking."""

    checks: int
    expected: float
    processor: float
    """Seconds of processor time."""
    megabytes: float
    lag: float | None = None
    """Seconds by which a check was begun late at most, where the program says so."""

    @property
    def each(self) -> float:
        """Microseconds of processor time for one check."""
        return self.processor / self.checks * 1e6


@dataclass(slots=True)
class CheckResults:
    """Samples by who asked."""

    rounds: int
    kernel: str
    few: dict[Checker, list[Load]] = field(default_factory=dict)
    many: dict[Checker, list[Load]] = field(default_factory=dict)
    detection: dict[tuple[str, Checker], list[float]] = field(default_factory=dict)


A_ROUND = 4
"""How often a round makes each failure."""
FAILURES = {"refuses": "reject with tcp reset", "is silent": "drop"}
"""What becomes of a server, and nft's verdict that makes it so."""


def measure_checks(
    rounds: int, kernel: str, folder: Path, seconds: float = SECONDS
) -> CheckResults:
    """Do it all, saying on stderr how far it is."""
    results = CheckResults(rounds, kernel)
    loads = ((results.few, FEW, FEW_INTERVAL), (results.many, MANY, MANY_INTERVAL))
    for number in range(rounds):
        for found, count, interval in loads:
            for who in Checker:
                _say(number, rounds, f"{count} checks each {interval:g} s, {who.name}")
                load = _load(who, count, interval, seconds, folder)
                found.setdefault(who, []).append(load)
        for who in (Checker.DAEMON, Checker.KEEPALIVED):
            _say(number, rounds, f"detection, {who.name}")
            for failure, took in _detections(who, folder):
                results.detection.setdefault((failure, who), []).append(took)
    return results


def _say(number: int, rounds: int, what: str) -> None:
    print(f"round {number + 1} of {rounds}: {what}", file=sys.stderr, flush=True)


def _load(who: Checker, count: int, interval: float, seconds: float, folder: Path) -> Load:
    with wired(folder) as wire, _checking(who, wire, count, interval) as running:
        pid = running.pid
        _wait(wire, lambda: wire.connections() >= count, f"{who} did not ask each server")
        time.sleep(SETTLING)
        checks, used, began = wire.connections(), processor_seconds(pid), time.monotonic()
        time.sleep(seconds)
        checks, used = wire.connections() - checks, processor_seconds(pid) - used
        expected = count * (time.monotonic() - began) / interval
        lag = json.loads(ask(running.program))["lag"] if who is Checker.ENGINE else None
        return Load(checks, expected, used, megabytes(pid), lag)


def _detections(who: Checker, folder: Path) -> Iterator[tuple[str, float]]:
    """Seconds from a failure until the kernel sends nobody there, for each kind of failure."""
    with wired(folder) as wire, _checking(who, wire, OF_SERVICE, 1.0):
        victim = FIRST + 3
        _wait(wire, lambda: _weight(wire, victim) > 0, f"{who} did not add its servers")
        time.sleep(SETTLING)
        for failure, verdict in list(FAILURES.items()) * A_ROUND:
            # At any moment between two checks: what came of the last one would set the pace.
            time.sleep(random.random())  # noqa: S311 - no secret
            with wire.broken(victim, verdict):
                began = time.monotonic()
                _wait(wire, lambda: not _weight(wire, victim), f"{who} did not notice")
                yield failure, time.monotonic() - began
            _wait(wire, lambda: _weight(wire, victim) > 0, f"{who} did not bring it back")
            time.sleep(3)


def _wait(wire: Wire, true: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > deadline:
            msg = f"{otherwise}: {wire.complaints()[-2000:]}"
            raise BenchError(msg)
        time.sleep(0.05)


def _weight(wire: Wire, address: IPv4Address) -> int:
    """The weight of a server in the kernel; 0 if it is not there."""
    for line in wire.on_director("ipvsadm", "-Sn").splitlines():
        words = line.split()
        if f"{address}:{PORT}" in words:
            return int(words[words.index("-w") + 1])
    return 0


@dataclass(frozen=True, slots=True)
class _Running:
    """A program that checks, and the number of the very process of it that does."""

    program: subprocess.Popen[str]
    pid: int


@contextmanager
def _checking(who: Checker, wire: Wire, count: int, interval: float) -> Iterator[_Running]:
    running = _start(who, wire, count, interval)
    try:
        yield running
    finally:
        running.program.terminate()
        running.program.communicate(timeout=PATIENCE)
        wire.on_director("ipvsadm", "-C")


def _start(who: Checker, wire: Wire, count: int, interval: float) -> _Running:
    match who:
        case Checker.ENGINE:
            words = (sys.executable, CHECKER, str(count), str(interval))
            program = wire.start(*words, pipes=True)
            if program.stdout is None or program.stdout.readline() != "ready\n":
                msg = f"the engine did not start: {wire.complaints()}"
                raise BenchError(msg)
            return _Running(program, program.pid)
        case Checker.DAEMON:
            config = wire.folder / "lvsnat.toml"
            config.write_text('mode = "lvs-nat"\n\n' + _lvsnat(count, interval))
            wire.on_director("lvsnat", "apply")
            program = wire.start("lvsnat", "run")
            return _Running(program, program.pid)
        case Checker.KEEPALIVED:
            return _start_keepalived(wire, count, interval)


def _start_keepalived(wire: Wire, count: int, interval: float) -> _Running:
    config, own = wire.folder / "keepalived.conf", wire.folder / "checkers.pid"
    config.write_text("global_defs {\n}\n" + _keepalived(count, interval))
    words = ("-n", "-C", "-f", str(config), "-p", str(wire.folder / "pid"), "-c", str(own))
    program = wire.start("keepalived", *words)

    def started() -> bool:
        return own.exists() and bool(own.read_text().strip())

    _wait(wire, started, "keepalived did not start")
    return _Running(program, int(own.read_text()))


def _lvsnat(count: int, interval: float) -> str:
    parts = []
    for number, vip, addresses in _services(count):
        servers = ", ".join(f'{{ address = "{address}:{PORT}" }}' for address in addresses)
        parts.append(LVSNAT.format(number=number, vip=vip, interval=interval, servers=servers))
    return "".join(parts)


def _keepalived(count: int, interval: float) -> str:
    parts = []
    for _, vip, addresses in _services(count):
        servers = "".join(
            KEEPALIVED_SERVER.format(address=one, port=PORT, interval=interval) for one in addresses
        )
        parts.append(KEEPALIVED.format(vip=vip, interval=interval, servers=servers))
    return "".join(parts)


def _services(count: int) -> Iterator[tuple[int, IPv4Address, list[IPv4Address]]]:
    """Number, virtual address and servers of each service."""
    for number in range(count // OF_SERVICE):
        first = FIRST + number * OF_SERVICE
        servers = [first + place for place in range(OF_SERVICE)]
        yield number, FIRST_VIP + number, servers
