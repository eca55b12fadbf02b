"""Turn a layout into namespaces, bridges, veth pairs, addresses and routes.

`ip -batch` does a whole host at once, because starting programs is what costs in User-mode Linux.
"""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

from labkit.errors import LabError
from labkit.layout import Layout, Machine, Route

if TYPE_CHECKING:
    from collections.abc import Iterator

# The namespace that holds the bridges, one for each segment.
WIRES = "wires"
READY_WITHIN = 10.0


def build(layout: Layout, prefix: str) -> None:
    """Make everything, and return once the addresses can be used."""
    machines = layout.machines()
    namespaces = [f"{prefix}-{name}" for name in (WIRES, *(one.name for one in machines))]
    _ip_batch([f"netns add {name}" for name in namespaces])
    _sysctl(f"{prefix}-{WIRES}", forwards=False)
    _ip_batch(list(_bridges(machines)), namespace=f"{prefix}-{WIRES}")
    for machine in machines:
        namespace = f"{prefix}-{machine.name}"
        # Before the interfaces, which take over the defaults when they are made.
        _sysctl(namespace, forwards=machine.forwards)
        _ip_batch(list(_interfaces(machine, prefix)), namespace=namespace)
    ports = [port for machine in machines for port in _ports(machine)]
    _ip_batch(list(_plugged_in(machines)), namespace=f"{prefix}-{WIRES}")
    for machine in machines:
        lines = list(_addresses(machine, layout))
        _ip_batch(lines, namespace=f"{prefix}-{machine.name}")
    _wait_until_up(f"{prefix}-{WIRES}", len(ports))


def _bridges(machines: list[Machine]) -> Iterator[str]:
    segments = {leg.segment.name: leg.segment for machine in machines for leg in machine.legs}
    for name in segments:
        # Snooping would drop neighbour discovery until somebody has been heard.
        yield f"link add {name} type bridge stp_state 0 forward_delay 0 mcast_snooping 0"
        yield f"link set {name} up"


def _ports(machine: Machine) -> list[str]:
    return [f"{machine.name}.{number}" for number in range(len(machine.legs))]


def _interfaces(machine: Machine, prefix: str) -> Iterator[str]:
    yield "link set lo up"
    for number, port in enumerate(_ports(machine)):
        yield f"link add eth{number} type veth peer name {port} netns {prefix}-{WIRES}"


def _plugged_in(machines: list[Machine]) -> Iterator[str]:
    for machine in machines:
        for port, leg in zip(_ports(machine), machine.legs, strict=True):
            yield f"link set {port} master {leg.segment.name} up"


def _addresses(machine: Machine, layout: Layout) -> Iterator[str]:
    for number, leg in enumerate(machine.legs):
        yield f"link set eth{number} up"
        yield f"addr add {leg.segment.address(leg.number)}/24 dev eth{number}"
        if layout.ipv6:
            yield f"addr add {leg.segment.address6(leg.number)}/64 dev eth{number} nodad"
    for route in machine.routes:
        yield from _route(route, layout)


def _route(route: Route, layout: Layout) -> Iterator[str]:
    via = route.via
    target = f"{route.to.prefix}0/24" if route.to else "default"
    yield f"route add {target} via {via.segment.address(via.number)}"
    if layout.ipv6:
        target = f"{route.to.prefix6}/64" if route.to else "::/0"
        yield f"route add {target} via {via.segment.address6(via.number)}"


def _sysctl(namespace: str, *, forwards: bool) -> None:
    """Say what a namespace would else take over from the machine that it is made on."""
    settings = {
        "ipv4/ip_forward": int(forwards),
        "ipv6/conf/all/forwarding": int(forwards),
        "ipv4/conf/all/rp_filter": 0,
        "ipv4/conf/default/rp_filter": 0,
        # Addresses can be used at once instead of after a second.
        "ipv6/conf/all/accept_dad": 0,
        "ipv6/conf/default/accept_dad": 0,
    }
    script = "; ".join(f"echo {value} >/proc/sys/net/{name}" for name, value in settings.items())
    _run(["ip", "netns", "exec", namespace, "sh", "-ec", script])


def _wait_until_up(namespace: str, ports: int) -> None:
    """Wait for every port to forward; the kernel brings carriers up behind our back."""
    deadline = time.monotonic() + READY_WITHIN
    while True:
        shown = _run(["bridge", "-n", namespace, "link", "show"])
        if shown.count("state forwarding") == ports:
            return
        if time.monotonic() > deadline:
            msg = f"the ports of {namespace} did not come up within {READY_WITHIN:g} s:\n{shown}"
            raise LabError(msg)
        time.sleep(0.02)


def _ip_batch(lines: list[str], namespace: str = "") -> None:
    where = ["-n", namespace] if namespace else []
    _run(["ip", *where, "-batch", "-"], "".join(f"{line}\n" for line in lines))


def _run(command: list[str], text: str = "") -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        msg = f"{' '.join(command)}: {done.stderr.strip()}\n{text}"
        raise LabError(msg.rstrip(), hint="topologies need root: sudo, or scripts/lab shell")
    return done.stdout
