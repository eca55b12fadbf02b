"""What a format is given, and what it gives: a way back that is settled, and files. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from lvsnat.gateway.resources import ReplyRule, Route
from lvsnat.model.endpoint import Family, IPAddress

HEADER = "# Written by 'lvsnat gateway render': what this server answers goes through {via}.\n"
"""The first line of each file, by which it is known again."""
SIGNATURE = HEADER.partition(":")[0]


class Format(StrEnum):
    """Who is to make the way back at boot."""

    NETPLAN = "netplan"
    NETWORKD = "networkd"
    NETWORKMANAGER = "networkmanager"
    IFCFG = "ifcfg"
    CLOUD_INIT = "cloud-init"


class Device(StrEnum):
    """The kinds of interface that netplan keeps apart, by the names of its sections."""

    ETHERNET = "ethernets"
    BOND = "bonds"
    BRIDGE = "bridges"
    VLAN = "vlans"


@dataclass(frozen=True, slots=True)
class Back:
    """A way back that is settled: the routes and rules of one family, on one interface."""

    via: IPAddress
    interface: str
    routes: tuple[Route, ...]
    rules: tuple[ReplyRule, ...] = ()
    name: str | None = None
    """What the present configuration of the interface is called: a file of networkd, a definition
    of netplan, a connection of NetworkManager. None: not known."""
    device: Device = Device.ETHERNET

    @property
    def family(self) -> Family:
        return Family.of(self.via)

    @property
    def header(self) -> str:
        """The first line of a file, with the newline."""
        return HEADER.format(via=self.via)


@dataclass(frozen=True, slots=True)
class File:
    """A file of the server."""

    path: PurePosixPath
    text: str
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Rendering:
    """What a format makes of a way back."""

    files: tuple[File, ...]
    commands: tuple[str, ...]
    """What to run once the files are where they belong, in this order."""
    notes: tuple[str, ...] = ()
    """What a person has to know of it."""


def on_link(route: Route, back: Back) -> bool:
    """Whether the next hop is to be taken for a neighbour although the route covers it itself."""
    network = route.destination.network
    return route.hop.via is not None and network is not None and back.via in network


def redirects_off(back: Back) -> File:
    """The kernel settings that keep routers from talking this server out of the way back.

    A host obeys a redirect if ``all`` or the interface says so (IPv4), or the interface alone
    (IPv6): net/ipv4/devinet.c, Documentation/networking/ip-sysctl.rst. Names are written with
    slashes, because an interface may have a dot in its own (sysctl.d(5)).
    """
    label = back.family.label
    names = ("all", "default", back.interface)
    lines = [f"net/{label}/conf/{name}/accept_redirects = 0\n" for name in names]
    path = PurePosixPath(f"/etc/sysctl.d/60-lvsnat-gateway-{label}.conf")
    return File(path, back.header + "".join(lines))
