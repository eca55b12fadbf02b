"""Traffic that goes on in the background, to show that a change cuts and loses nothing.

with long_connections(net.client, net.vip, 80, count=20) as load:
    ...the change...
assert load.report.breaks == 0
"""

from __future__ import annotations

import json
import signal
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from labkit import traffic
from labkit.errors import LabError
from labkit.host import HUNG, PYTHON, Host

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = str(Path(traffic.__file__).resolve())


class Kind(StrEnum):
    """Connections that stay, connections that come and go, or UDP flows that go on."""

    LONG = "long"
    SHORT = "short"
    FLOW = "flow"


@dataclass(frozen=True, slots=True)
class Report:
    """What the traffic met with, from its start to its stop or to a look at it."""

    answers: int
    failures: dict[str, int]
    servers: dict[str, int]
    longest_wait: float
    rounds: dict[str, int] = field(default_factory=dict)
    """How many answers each long connection or flow had that is not broken."""

    @property
    def breaks(self) -> int:
        """Count the long connections that broke, the short ones that failed, the datagrams lost."""
        return sum(self.failures.values())


@dataclass(slots=True)
class Load:
    """Traffic that runs until it is stopped; the report is there from then on."""

    process: subprocess.Popen[str]
    _report: Report | None = field(default=None)

    @property
    def report(self) -> Report:
        """Say what happened, stopping the traffic if it still runs."""
        return self._report or self.stop()

    def look(self) -> Report:
        """Say what happened so far; the traffic goes on."""
        self.process.send_signal(signal.SIGUSR1)
        return Report(**json.loads(self.process.stdout.readline() if self.process.stdout else ""))

    def go_round(self, times: int = 1, within: float = 2 * traffic.PATIENCE) -> Report:
        """Wait until each connection that is not broken had so many more answers, and look."""
        before, deadline = self.look().rounds, time.monotonic() + within
        while True:
            seen = self.look()
            # One more than asked: the first may answer what was sent before.
            if all(had > before.get(one, 0) + times for one, had in seen.rounds.items()):
                return seen
            if time.monotonic() > deadline:
                msg = f"a connection had no answer within {within:g} s and did not break: {seen}"
                raise LabError(msg)
            time.sleep(0.1)

    def stop(self) -> Report:
        """Stop the traffic and say what happened."""
        if self._report is None:
            self.process.terminate()
            said, complaint = self.process.communicate(timeout=HUNG)
            if not said.strip():
                msg = f"the load ended without a report: {complaint.strip()}"
                raise LabError(msg)
            self._report = Report(**json.loads(said))
        return self._report


def start(kind: Kind, host: Host, address: str, port: int, *, count: int, pause: float) -> Load:
    """Start traffic from a host; returns when every first connection was answered or has failed."""
    words = (str(kind), address, str(port), str(count), str(pause))
    process = host.popen(*PYTHON, PROGRAM, *words)
    if process.stdout is None or process.stdout.readline() != "ready\n":
        process.kill()
        msg = f"{host.name}: no load to {address} port {port}: {process.communicate()[1].strip()}"
        raise LabError(msg)
    return Load(process)


@contextmanager
def long_connections(
    host: Host, address: str, port: int, *, count: int = 10, pause: float = 0.1
) -> Iterator[Load]:
    """Keep `count` TCP connections open, each with a line and its answer every `pause` seconds."""
    load = start(Kind.LONG, host, address, port, count=count, pause=pause)
    try:
        yield load
    finally:
        load.stop()


@contextmanager
def short_connections(
    host: Host, address: str, port: int, *, count: int = 1, pause: float = 0.02
) -> Iterator[Load]:
    """Make TCP connections one after the other, `count` at a time, with a pause between."""
    load = start(Kind.SHORT, host, address, port, count=count, pause=pause)
    try:
        yield load
    finally:
        load.stop()


@contextmanager
def flows(
    host: Host, address: str, port: int, *, count: int = 1, pause: float = 0.05
) -> Iterator[Load]:
    """Keep `count` UDP sockets busy, each with a datagram and its answer every `pause` seconds."""
    load = start(Kind.FLOW, host, address, port, count=count, pause=pause)
    try:
        yield load
    finally:
        load.stop()
