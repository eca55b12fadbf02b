"""Traffic that goes on in the background, to show that a change cuts and loses nothing.

with long_connections(net.client, net.vip, 80, count=20) as load:
    ...the change...
assert load.report.breaks == 0
"""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from labkit import traffic
from labkit.errors import LabError
from labkit.host import PYTHON, Host

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = str(Path(traffic.__file__).resolve())


class Kind(StrEnum):
    """Connections that stay, or connections that come and go."""

    LONG = "long"
    SHORT = "short"


@dataclass(frozen=True, slots=True)
class Report:
    """What the traffic met with, from its start to its stop."""

    answers: int
    failures: dict[str, int]
    servers: dict[str, int]
    longest_wait: float

    @property
    def breaks(self) -> int:
        """Count the long connections that broke, or the short ones that failed."""
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

    def stop(self) -> Report:
        """Stop the traffic and say what happened."""
        if self._report is None:
            self.process.terminate()
            said, complaint = self.process.communicate(timeout=30)
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
