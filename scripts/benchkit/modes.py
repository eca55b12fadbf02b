"""The two modes beside HAProxy without transparency and beside no balancer at all.

Every round measures each of them in turn, so that a machine that is busy for a while slows all. The
client and the real servers are the same in each, and so is the way that packets go.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING

from labkit.host import PYTHON, Host
from labkit.topology import Network, dual_subnet

from benchkit import exchange
from benchkit.process import BenchError

if TYPE_CHECKING:
    import subprocess

PROGRAM = str(Path(exchange.__file__).resolve())
PORT, PLAIN_PORT, BACKEND_PORT = 80, 81, 8080
DIRECT_PORT = 8081
"""A port of its own: a server refuses for a second what looks like an old connection come again."""
SECONDS = 3.0
AT_ONCE = 8
READY_SECONDS = 30.0
PLAIN = """\
global
    maxconn 20000
defaults
    mode tcp
    timeout connect 4s
    timeout client 900s
    timeout server 900s
listen plain
    bind {vip}:{port}
    balance roundrobin
{servers}
"""


class Carrier(StrEnum):
    """What is between the client and the real servers."""

    DIRECT = "nothing: the director only routes"
    LVS_NAT = "`lvs-nat`"
    HAPROXY_TPROXY = "`haproxy-tproxy`"
    PLAIN = "HAProxy, not transparent"


@dataclass(frozen=True, slots=True)
class Sample:
    """One path in one round."""

    rate: float
    """New connections a second, several at once."""
    half: float
    """Milliseconds from connecting to the end of the answer, for half of them, one at a time."""
    most: float
    """The same for 99 of 100."""


@dataclass(slots=True)
class ModeResults:
    """Samples by what was between."""

    rounds: int
    kernel: str
    paths: dict[Carrier, list[Sample]] = field(default_factory=dict)


def measure_modes(rounds: int, kernel: str, seconds: float = SECONDS) -> ModeResults:
    """Do it all, saying on stderr how far it is."""
    results = ModeResults(rounds, kernel)
    with dual_subnet(servers=2, ipv6=False) as net:
        _prepare(net)
        for number in range(rounds):
            for path in Carrier:
                print(f"round {number + 1} of {rounds}: {path.name}", file=sys.stderr, flush=True)
                results.paths.setdefault(path, []).append(_sample(net, path, seconds))
    return results


def _prepare(net: Network) -> None:
    """Start the servers, a service of lvsnat's, and an HAProxy of nobody's."""
    for server in net.servers:
        for port in (BACKEND_PORT, DIRECT_PORT):
            _started(server, server.popen(*PYTHON, PROGRAM, "serve", str(port)))
    places = [f"{server.address}:{BACKEND_PORT}" for server in net.servers]
    words = [word for place in places for word in ("--server", place)]
    _lvsnat(net, "service", "add", "web", f"tcp/{net.vip}:{PORT}", "--scheduler", "rr", *words)
    lines = "\n".join(f"    server s{i} {place}" for i, place in enumerate(places))
    text = PLAIN.format(vip=net.vip, port=PLAIN_PORT, servers=lines)
    file = net.director.home / "plain.cfg"
    file.write_text(text)
    net.director.daemon("haproxy", "-db", "-f", str(file))
    _wait_until(lambda: _listens(net), "HAProxy did not start to listen")


def _started(host: Host, process: subprocess.Popen[str]) -> None:
    if process.stdout is None or process.stdout.readline() != "ready\n":
        msg = f"{host.name}: the server did not start"
        raise BenchError(msg)


def _listens(net: Network) -> bool:
    found = net.director.run("ss", "-Hltn", "sport", "=", f":{PLAIN_PORT}").stdout
    return bool(found.strip())


def _wait_until(true: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not true():
        if time.monotonic() > deadline:
            raise BenchError(otherwise)
        time.sleep(0.1)


def _sample(net: Network, path: Carrier, seconds: float) -> Sample:
    mode = "haproxy-tproxy" if path is Carrier.HAPROXY_TPROXY else "lvs-nat"
    _lvsnat(net, "mode", mode, "--now")
    places = {
        Carrier.DIRECT: [f"{server.address}:{DIRECT_PORT}" for server in net.servers],
        Carrier.PLAIN: [f"{net.vip}:{PLAIN_PORT}"],
    }.get(path, [f"{net.vip}:{PORT}"])
    many = _asked(net, path, places, seconds, AT_ONCE)
    one = _asked(net, path, places, seconds, 1)
    hundredths = quantiles(one, n=100)
    return Sample(len(many) / seconds, hundredths[49], hundredths[98])


def _asked(
    net: Network, path: Carrier, places: Sequence[str], seconds: float, count: int
) -> list[float]:
    """Ask, and insist that all were answered, and by servers that saw whom they should."""
    words = ("ask", str(seconds), str(count), *places)
    done = net.client.run(*PYTHON, PROGRAM, *words, timeout=seconds + 120)
    found = json.loads(done.stdout)
    if found["failures"]:
        msg = f"{path.name}: {found['failures']} connections failed"
        raise BenchError(msg)
    transparent = found["seen"] == [net.client.address]
    if transparent is (path is Carrier.PLAIN):
        msg = f"{path.name}: the servers saw {', '.join(found['seen'])}"
        raise BenchError(msg)
    waits: list[float] = found["waits"]
    return waits


def _lvsnat(net: Network, *words: str) -> None:
    net.director.run("lvsnat", *words, timeout=120)
