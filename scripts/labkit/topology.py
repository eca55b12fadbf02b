"""Small networks to try a director in, made of network namespaces; nothing leaves them.

    with dual_subnet(servers=2) as net:
        web = net.rs(1).serve_http(80)
        net.client.ask_http(net.vip, 80)

What they look like is drawn in `layout`. The VIP is reserved but on no interface, and the director
does not forward: both are lvsnat's work. Every host has IPv4, and IPv6 unless told otherwise. Needs
root in a kernel with namespaces, veth and bridges: `scripts/lab` has one.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from labkit import wiring
from labkit.errors import LabError
from labkit.host import Host
from labkit.layout import PUBLIC, VIP, Layout, Shape

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(slots=True)
class Network:
    """A topology that is up."""

    layout: Layout
    hosts: dict[str, Host] = field(default_factory=dict)

    @property
    def vip(self) -> str:
        """The virtual IP, which lvsnat has yet to add."""
        return PUBLIC.address(VIP)

    @property
    def vip6(self) -> str:
        """The virtual IP's IPv6 sister."""
        return PUBLIC.address6(VIP) if self.layout.ipv6 else ""

    @property
    def gateway(self) -> str:
        """The director's address on the real servers' side."""
        leg = self.layout.gateway
        return leg.segment.address(leg.number)

    @property
    def gateway6(self) -> str:
        """The director's IPv6 address on the real servers' side."""
        leg = self.layout.gateway
        return leg.segment.address6(leg.number) if self.layout.ipv6 else ""

    @property
    def client(self) -> Host:
        """The client, behind a router."""
        return self.hosts["client"]

    @property
    def vpc(self) -> Host:
        """The router between client and director."""
        return self.hosts["vpc"]

    @property
    def director(self) -> Host:
        """The box that lvsnat runs on."""
        return self.hosts["director"]

    @property
    def director2(self) -> Host:
        """The second director, of a layout that has two."""
        return self.hosts["director2"]

    @property
    def neighbour(self) -> Host:
        """The client inside the real servers' subnet, of a layout that has one."""
        return self.hosts["neighbour"]

    @property
    def servers(self) -> list[Host]:
        """Every real server, the first first."""
        return [self.rs(number + 1) for number in range(self.layout.servers)]

    def rs(self, number: int) -> Host:
        """Give a real server; they count from 1."""
        return self.hosts[f"rs{number}"]


@contextmanager
def dual_subnet(
    *, servers: int = 2, ipv6: bool = True, directors: int = 1, neighbour: bool = False
) -> Iterator[Network]:
    """Lay out a director between a public and a private subnet."""
    layout = Layout(Shape.DUAL_SUBNET, servers, directors, ipv6, neighbour)
    with laid_out(layout) as network:
        yield network


@contextmanager
def single_subnet(
    *, servers: int = 2, ipv6: bool = True, directors: int = 1, neighbour: bool = False
) -> Iterator[Network]:
    """Lay out a director in the subnet of its real servers, as their default gateway."""
    layout = Layout(Shape.SINGLE_SUBNET, servers, directors, ipv6, neighbour)
    with laid_out(layout) as network:
        yield network


@contextmanager
def laid_out(layout: Layout) -> Iterator[Network]:
    """Lay out anything, under a name of its own, and take it away whatever happens."""
    prefix = f"lab{token_hex(3)}"
    homes = Path(tempfile.mkdtemp(prefix=f"{prefix}-"))
    # Programs that give up root read their files in there.
    homes.chmod(0o755)
    hosts: list[Host] = []
    try:
        network = up(layout, prefix, homes)
        hosts += network.hosts.values()
        yield network
    finally:
        for host in hosts:
            host.stop_all()
        down(prefix)
        shutil.rmtree(homes, ignore_errors=True)


def up(layout: Layout, prefix: str, homes: Path) -> Network:
    """Lay out a topology that stays until `down`; half a one is taken away again."""
    try:
        wiring.build(layout, prefix)
    except BaseException:
        down(prefix)
        raise
    return found(layout, prefix, homes)


def found(layout: Layout, prefix: str, homes: Path) -> Network:
    """Give the topology that was laid out under a prefix before."""
    network = Network(layout)
    for machine in layout.machines():
        home = homes / machine.name
        for folder in (home, home / "state", home / "run"):
            folder.mkdir(parents=True, exist_ok=True)
        leg = machine.legs[0]
        network.hosts[machine.name] = Host(
            name=machine.name,
            namespace=f"{prefix}-{machine.name}",
            home=home,
            address=leg.segment.address(leg.number),
            address6=leg.segment.address6(leg.number) if layout.ipv6 else "",
        )
    return network


def down(prefix: str) -> None:
    """End every process in the namespaces of a prefix, and remove them."""
    for namespace in namespaces(prefix):
        for process in _ip("netns", "pids", namespace).split():
            with suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGKILL)
        _ip("netns", "delete", namespace)


def namespaces(prefix: str) -> list[str]:
    """List the namespaces that belong to a prefix."""
    names = (line.split()[0] for line in _ip("netns", "list").splitlines() if line.strip())
    return [name for name in names if name.startswith(f"{prefix}-")]


def _ip(*arguments: str) -> str:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        msg = f"ip {' '.join(arguments)}: {done.stderr.strip()}"
        raise LabError(msg, hint="topologies need root: sudo, or scripts/lab shell")
    return done.stdout
