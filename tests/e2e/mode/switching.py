"""A director that switches modes under traffic: what the tests of it share."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from e2e.conftest import TOPOLOGIES, lvsnat
from labkit.load import Load, flows, long_connections, short_connections
from labkit.server import Server
from labkit.topology import Network

LONG = 50
PATIENCE = 300.0
"""Seconds for what is a matter of moments: machines may be slow."""


@dataclass(frozen=True)
class Scene:
    """A director, its client, and two real servers that answer TCP and UDP."""

    net: Network
    vip: str
    client: str
    """The client's own address, which servers must see."""
    servers: tuple[Server, ...]

    def long(self) -> Any:  # noqa: ANN401 - a context manager of the lab's own making
        return long_connections(self.net.client, self.vip, 80, count=LONG, pause=1)

    def state(self) -> dict[str, Any]:
        """What ``lvsnat mode`` says of a switch."""
        found: dict[str, Any] = json.loads(lvsnat(self.net, "mode", "-o", "json").stdout)
        return found

    def until(self, phase: str, switching: subprocess.Popen[str]) -> None:
        """Wait until a switch that is at work stands at a phase."""
        journal = self.net.director.home / "state" / "switch.json"

        def stands() -> bool:
            assert switching.poll() is None, "".join(switching.communicate())
            try:
                # Cheaper than to ask lvsnat again and again.
                noted = json.loads(journal.read_text())
            except FileNotFoundError:
                return False
            return (noted["phase"], noted["origin"]) == (phase, None)

        wait_for(stands, f"it stands at {phase}")

    def seen(self) -> set[str]:
        """Every address that a real server has seen."""
        return {address for server in self.servers for address in server.seen()}

    def facts(self) -> list[str]:
        """All that a switch may touch, for comparing before and after."""
        run = self.net.director.run
        return [
            "\n".join(sorted(run("ipvsadm", "-Sn").stdout.splitlines())),
            run("nft", "list", "ruleset", check=False).stdout,
            run("ip", "rule").stdout + run("ip", "-6", "rule").stdout,
            (self.net.director.home / "lvsnat.toml").read_text(),
            "\n".join(sorted(run("ss", "-Hltn").stdout.splitlines())),
        ]

    def haproxies(self) -> list[str]:
        """The processes of HAProxy in the director's network."""
        pids = self.net.director.run("ip", "netns", "pids", self.net.director.namespace).stdout
        names = (self.net.director.run("ps", "-o", "comm=", "-p", pid, check=False).stdout
                 for pid in pids.split())  # fmt: skip
        return [name for name in names if "haproxy" in name]

    def until_no_haproxy(self) -> None:
        """Wait until HAProxy has ended: nobody waits for it at the end of a switch."""
        wait_for(lambda: not self.haproxies(), "no HAProxy is left")


def wait_for(true: Callable[[], bool], what: str) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"not within {PATIENCE:g} s: {what}"
        time.sleep(0.1)


def hundred_more(short: Load) -> None:
    """Wait for as many new connections; none has failed."""
    before = short.look().answers
    wait_for(lambda: short.look().answers >= before + 100, "100 more connections")
    assert short.look().failures == {}


@contextmanager
def scene(topology: str, family: int, more: str = "") -> Iterator[Scene]:
    """A director in lvs-nat with a TCP and a UDP service."""
    with TOPOLOGIES[topology](servers=2) as net:
        six = family == 6
        vip, client = (net.vip6, net.client.address6) if six else (net.vip, net.client.address)
        addresses = [rs.address6 if six else rs.address for rs in net.servers]
        form = "[{}]" if six else "{}"
        servers = ", ".join(f'{{ address = "{form.format(one)}:8080" }}' for one in addresses)
        text = "".join(
            f'[[service]]\nname = "{name}"\nlisten = "{protocol}/{form.format(vip)}:{port}"\n'
            f'scheduler = "rr"\nservers = [{servers}]\n{lines}\n'
            for name, protocol, port, lines in (
                ("web", "tcp", 80, more),
                ("dns", "udp", 53, ""),
            )
        )
        (net.director.home / "lvsnat.toml").write_text(f'mode = "lvs-nat"\n\n{text}')
        running = tuple(server.serve_tcp(8080) for server in net.servers)
        for server in net.servers:
            server.serve_udp(8080)
        lvsnat(net, "apply")
        try:
            yield Scene(net, vip, client, running)
        finally:
            lvsnat(net, "clear", "--yes")


@contextmanager
def under_traffic(here: Scene) -> Iterator[tuple[Load, Load]]:
    """New connections all the time, more than 100 a second on a machine at rest; UDP flows."""
    client, vip = here.net.client, here.vip
    with (
        short_connections(client, vip, 80, count=2, pause=0.01) as short,
        flows(client, vip, 53, count=2, pause=0.5) as udp,
    ):
        yield short, udp


@contextmanager
def started(here: Scene, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Have lvsnat at work on the director."""
    process = here.net.director.popen("lvsnat", *arguments)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str]) -> str:
    """What a command has said that ended well."""
    out, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, out + said
    return said
