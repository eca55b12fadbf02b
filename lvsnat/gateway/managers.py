"""Who else looks after an interface, by the files that programs keep while they run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lvsnat.errors import LvsnatError
from lvsnat.gateway.seen import Manager
from lvsnat.system import read_file

ROOT = Path("/")
_MANAGED = frozenset({"managed=true", "managed=1"})


def managers(interface: str, index: int, root: Path = ROOT) -> Iterator[Manager]:
    """The programs that put routes of an interface back.

    systemd-networkd and NetworkManager keep a file for each interface, by its number; DHCP clients
    one with their process. cloud-init is named where it alone is to be seen.
    """
    form = "netplan" if any((root / "etc/netplan").glob("*.yaml")) else None
    found = False
    for name, path, own in (
        ("systemd-networkd", root / f"run/systemd/netif/links/{index}", "networkd"),
        ("NetworkManager", root / f"run/NetworkManager/devices/{index}", "networkmanager"),
    ):
        lines = frozenset(_lines(path))
        state = next((one for one in lines if one.startswith("ADMIN_STATE=")), None)
        if state not in (None, "ADMIN_STATE=unmanaged") or lines & _MANAGED:
            found = True
            yield Manager(name, str(path), form or own)
    # Where netplan is not, such a client is usually started by the scripts of ifupdown.
    scripts = "ifcfg" if (root / "etc/sysconfig/network-scripts").is_dir() else "cloud-init"
    for name, place in (
        ("dhclient", f"run/dhclient.{interface}.pid"),
        ("dhclient", f"run/dhclient-{interface}.pid"),
        ("dhcpcd", f"run/dhcpcd/{interface}-4.pid"),
        ("dhcpcd", f"run/dhcpcd/{interface}.pid"),
    ):
        if (root / place).exists():
            found = True
            yield Manager(name, str(root / place), form or scripts)
    if not found and (root / "run/cloud-init").is_dir():
        yield Manager("cloud-init", str(root / "run/cloud-init"), form or "cloud-init")


def _lines(path: Path) -> list[str]:
    try:
        return (read_file(path) or "").splitlines()
    except LvsnatError:  # Not everybody may read it: then it says nothing.
        return []
