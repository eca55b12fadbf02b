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
from labkit.layout import PUBLIC, VIP, Layout, Machine, Route, Shape
from labkit.wiring import Box, Plug

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


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
    with homes_of(prefix) as homes:
        network = up(layout, prefix, homes)
        with stopped_at_the_end(network.hosts):
            yield network


@contextmanager
def homes_of(prefix: str) -> Iterator[Path]:
    """Give a folder for the hosts' files; it goes at the end, and the namespaces with it."""
    homes = Path(tempfile.mkdtemp(prefix=f"{prefix}-"))
    # Programs that give up root read their files in there.
    homes.chmod(0o755)
    try:
        yield homes
    finally:
        down(prefix)
        shutil.rmtree(homes, ignore_errors=True)


@contextmanager
def stopped_at_the_end(hosts: Mapping[str, Host]) -> Iterator[None]:
    """End what was started on hosts, whatever happens."""
    try:
        yield
    finally:
        for host in hosts.values():
            host.stop_all()


def up(layout: Layout, prefix: str, homes: Path) -> Network:
    """Lay out a topology that stays until `down`; half a one is taken away again."""
    try:
        wiring.build([_box(machine, layout) for machine in layout.machines()], prefix)
    except BaseException:
        down(prefix)
        raise
    return found(layout, prefix, homes)


def found(layout: Layout, prefix: str, homes: Path) -> Network:
    """Give the topology that was laid out under a prefix before."""
    network = Network(layout)
    for machine in layout.machines():
        leg = machine.legs[0]
        network.hosts[machine.name] = host_at(
            prefix,
            homes,
            machine.name,
            leg.segment.address(leg.number),
            leg.segment.address6(leg.number) if layout.ipv6 else "",
        )
    return network


def host_at(prefix: str, homes: Path, name: str, address: str, address6: str) -> Host:
    """Give a host, with its folders made."""
    home = homes / name
    for folder in (home, home / "state", home / "run"):
        folder.mkdir(parents=True, exist_ok=True)
    return Host(name, f"{prefix}-{name}", home, address, address6)


def _box(machine: Machine, layout: Layout) -> Box:
    plugs = []
    for number, leg in enumerate(machine.legs):
        addresses = [f"{leg.segment.address(leg.number)}/24"]
        if layout.ipv6:
            addresses.append(f"{leg.segment.address6(leg.number)}/64")
        port = f"{machine.name}.{number}"
        plugs.append(Plug(f"eth{number}", port, leg.segment.name, tuple(addresses)))
    routes = [line for route in machine.routes for line in _routes(route, layout)]
    return Box(machine.name, tuple(plugs), tuple(routes), machine.forwards)


def _routes(route: Route, layout: Layout) -> Iterator[str]:
    via = route.via
    target = f"{route.to.prefix}0/24" if route.to else "default"
    yield f"{target} via {via.segment.address(via.number)}"
    if layout.ipv6:
        target = f"{route.to.prefix6}/64" if route.to else "::/0"
        yield f"{target} via {via.segment.address6(via.number)}"


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
