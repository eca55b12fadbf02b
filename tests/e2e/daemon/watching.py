"""A daemon on the director of a topology, and what it makes of the kernel."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from e2e.conftest import ipvsadm, lvsnat
from labkit.topology import Network

from lvsnat.system import write_file

INTERVAL, TIMEOUT, FALL = 0.4, 0.4, 2
BOUND = INTERVAL * FALL + TIMEOUT + INTERVAL
"""Seconds from a failure to weight 0, on a machine that has time for it."""
PATIENCE = 240.0
"""Seconds that nothing takes, however slow a kernel in user mode is on a busy machine."""
ATTEMPTS = 10
CHECK = (
    f'{{ type = "tcp", interval = "{1000 * INTERVAL:.0f}ms", timeout = "{1000 * TIMEOUT:.0f}ms",'
    f" rise = 2, fall = {FALL} }}"
)
SERVICE = """
[[service]]
name = "{name}"
listen = "{listen}"
scheduler = "wrr"
{more}
servers = [{servers}]
"""
DAEMON = '\n[daemon]\ninterval = "1s"\n'


def service(
    net: Network, more: str = "", *, name: str = "web", listen: str = "tcp/{vip}:80"
) -> str:
    """A service over the real servers of a topology, of weights 1, 2 and so on."""
    servers = ", ".join(
        f'{{ address = "{one.address}:8080", weight = {number} }}'
        for number, one in enumerate(net.servers, 1)
    )
    where = listen.format(vip=net.vip)
    return SERVICE.format(name=name, listen=where, more=more, servers=servers)


def configure(net: Network, text: str) -> None:
    """Write the configuration, as an editor does."""
    write_file(net.director.home / "lvsnat.toml", text)


def weights(net: Network, protocol: str = "t") -> list[int]:
    """The weights of the real servers, in their order; of one that is not there, -1."""
    lines = [line for line in ipvsadm(net, "-Sn") if line.startswith(f"-a -{protocol} ")]
    found = {}
    for line in lines:
        server, weight = re.findall(r"-r (\S+):\d+ .*-w (\d+)", line)[0]
        found[server] = int(weight)
    return [found.get(one.address, -1) for one in net.servers]


def eventually(condition: Callable[[], bool], within: float = PATIENCE) -> None:
    """Wait until something is so; how soon is not what is asked here."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"not within {within:.0f} s"
        time.sleep(0.02)


def takes_at_most(seconds: float, measure: Callable[[], float]) -> None:
    """Insist that it can be so quick: of a few times, for a busy machine may delay any of them."""
    took = [measure()]
    while min(took) > seconds:
        assert len(took) < ATTEMPTS, f"more than {seconds:.1f} s each time: {took}"
        took.append(measure())


class Daemon:
    """``lvsnat run`` on a director."""

    def __init__(self, net: Network, *under: str, options: Sequence[str] = ()) -> None:
        """``under`` is a program that starts it with other rights, and its words."""
        self.net = net
        self._command = (*under, "lvsnat", "run", *options)
        self.process = self.start()

    def start(self) -> subprocess.Popen[str]:
        """Start it; it is there when it has published what it knows."""
        before = self._published()
        self.process = self.net.director.daemon(*self._command)
        eventually(lambda: self._published() != before or self.process.poll() is not None)
        assert self.process.poll() is None, self.said()
        return self.process

    def said(self) -> str:
        return (self.net.director.home / "output").read_text()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Stop it as systemd does; how many seconds that took."""
        began = time.monotonic()
        self.process.send_signal(number)
        assert self.process.wait(PATIENCE) == 0, self.said()
        return time.monotonic() - began

    def restart(self) -> float:
        """Stop it and start it again; how many seconds its end took."""
        took = self.stop()
        self.start()
        return took

    def _published(self) -> str:
        path = self.net.director.home / "run" / "health.json"
        return path.read_text() if path.exists() else ""


@contextmanager
def watched(net: Network, text: str, *under: str, options: Sequence[str] = ()) -> Iterator[Daemon]:
    """A director with a configuration that is applied, and a daemon that watches over it."""
    configure(net, text)
    lvsnat(net, "apply")
    daemon = Daemon(net, *under, options=options)
    try:
        yield daemon
    finally:
        if daemon.process.poll() is None:
            daemon.kill()
