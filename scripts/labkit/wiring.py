"""Turn boxes and their plugs into namespaces, bridges, veth pairs, addresses and routes.

`ip -batch` does a whole host at once, because starting programs is what costs in User-mode Linux.
"""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labkit.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# The namespace that holds the bridges, one for each segment.
WIRES = "wires"
READY_WITHIN = 120.0
REDIRECTS = ("ipv4/conf/all/send_redirects", "ipv4/conf/default/send_redirects")


@dataclass(frozen=True, slots=True)
class Plug:
    """An interface of a box, the port at the other end of its cable, and the bridge of that."""

    device: str
    port: str
    segment: str
    addresses: tuple[str, ...]
    """With the length of their network: 192.0.2.1/24."""
    mac: str = ""
    """The kernel's choice, if not said."""


@dataclass(frozen=True, slots=True)
class Box:
    """A namespace to be; a route is what `ip route add` is told."""

    name: str
    plugs: tuple[Plug, ...]
    routes: tuple[str, ...]
    forwards: bool = False


def build(boxes: Sequence[Box], prefix: str) -> None:
    """Make everything, and return once the addresses can be used."""
    namespaces = [f"{prefix}-{name}" for name in (WIRES, *(box.name for box in boxes))]
    ip_batch([f"netns add {name}" for name in namespaces])
    _sysctl(f"{prefix}-{WIRES}", forwards=False)
    ip_batch(list(_bridges(boxes)), namespace=f"{prefix}-{WIRES}")
    for box in boxes:
        namespace = f"{prefix}-{box.name}"
        # Before the interfaces, which take over the defaults when they are made.
        _sysctl(namespace, forwards=box.forwards)
        ip_batch(list(_interfaces(box, prefix)), namespace=namespace)
    plugs = [plug for box in boxes for plug in box.plugs]
    lines = [f"link set {plug.port} master {plug.segment} up" for plug in plugs]
    ip_batch(lines, namespace=f"{prefix}-{WIRES}")
    for box in boxes:
        ip_batch(list(_addresses(box)), namespace=f"{prefix}-{box.name}")
    _wait_until_up(f"{prefix}-{WIRES}", len(plugs))


def _bridges(boxes: Sequence[Box]) -> Iterator[str]:
    for name in dict.fromkeys(plug.segment for box in boxes for plug in box.plugs):
        # Snooping would drop neighbour discovery until somebody has been heard.
        yield f"link add {name} type bridge stp_state 0 forward_delay 0 mcast_snooping 0"
        yield f"link set {name} up"


def _interfaces(box: Box, prefix: str) -> Iterator[str]:
    yield "link set lo up"
    for plug in box.plugs:
        mac = f"address {plug.mac} " if plug.mac else ""
        peer = f"peer name {plug.port} netns {prefix}-{WIRES}"
        yield f"link add {plug.device} {mac}type veth {peer}"


def _addresses(box: Box) -> Iterator[str]:
    for plug in box.plugs:
        yield f"link set {plug.device} up"
        for address in plug.addresses:
            yield f"addr add {address} dev {plug.device}{' nodad' * (':' in address)}"
    for route in box.routes:
        yield f"route add {route}"


def _sysctl(namespace: str, *, forwards: bool) -> None:
    """Say what a namespace would else take over from the machine that it is made on."""
    settings = {
        "ipv4/ip_forward": int(forwards),
        "ipv6/conf/all/forwarding": int(forwards),
        "ipv4/conf/all/rp_filter": 0,
        "ipv4/conf/default/rp_filter": 0,
        # lvsnat has this to do on a director; no router of ours may send anybody past one.
        **dict.fromkeys(REDIRECTS if forwards else (), 0),
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


def ip_batch(lines: list[str], namespace: str = "", family: str = "") -> None:
    """Do many things in one start of `ip`; the family, as in `-6`, is for lines that show none."""
    where = [*(["-n", namespace] if namespace else []), *([family] if family else [])]
    _run(["ip", *where, "-batch", "-"], "".join(f"{line}\n" for line in lines))


def _run(command: list[str], text: str = "") -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        msg = f"{' '.join(command)}: {done.stderr.strip()}\n{text}"
        raise LabError(msg.rstrip(), hint="topologies need root: sudo, or scripts/lab shell")
    return done.stdout
