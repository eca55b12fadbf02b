"""The three ways to a kernel with IPVS, and which of them this machine can use.

Decides only; `host`, `uml` and `qemu` know how each is built and booted.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from labkit import mirror


class Provider(StrEnum):
    """A way to get a kernel that has IPVS, in order of preference."""

    HOST = "host"
    UML = "uml"
    QEMU = "qemu"


@dataclass(frozen=True, slots=True)
class Machine:
    """What decides which provider to use."""

    root: bool
    ip_vs: bool
    architecture: str
    gcc: bool
    archive: bool = True
    """Whether there is a Debian archive to take a kernel's source from: Ubuntu names none."""
    sudo: bool = False
    """Whether an ordinary user may ask for root."""


def this_machine() -> Machine:
    """Look at the machine we run on; as root this may load the module `ip_vs`."""
    root = os.geteuid() == 0
    return Machine(
        root=root,
        ip_vs=has_ip_vs() if root else has_module(),
        architecture=platform.machine(),
        gcc=shutil.which("gcc") is not None,
        archive=mirror.is_known(),
        sudo=shutil.which("sudo") is not None,
    )


def choose(machine: Machine) -> Provider:
    """Pick the fastest provider that works on this machine."""
    if machine.ip_vs and (machine.root or (machine.sudo and not machine.archive)):
        return Provider.HOST
    if machine.architecture == "x86_64" and machine.gcc:
        return Provider.UML
    return Provider.QEMU


def has_ip_vs() -> bool:
    """Tell whether the running kernel has IPVS, loading the module where there is one."""
    marker = Path("/proc/net/ip_vs")
    if marker.exists():
        return True
    modprobe = shutil.which("modprobe", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if modprobe is None:
        return False
    subprocess.run([modprobe, "--quiet", "ip_vs"], check=False, capture_output=True)
    return marker.exists()


def has_module() -> bool:
    """Tell whether the running kernel could have IPVS, as far as an ordinary user can see."""
    if Path("/proc/net/ip_vs").exists():
        return True
    modinfo = shutil.which("modinfo", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if modinfo is None:
        return False
    return subprocess.run([modinfo, "ip_vs"], check=False, capture_output=True).returncode == 0


def kvm_works(cpuinfo: str) -> bool:
    """Tell whether KVM may be trusted, from the text of /proc/cpuinfo.

    A nested machine can offer /dev/kvm, create a virtual machine and hang at its first instruction,
    so the processor's own flags are asked and the device file is not.
    """
    flags = {
        flag
        for line in cpuinfo.splitlines()
        if line.startswith("flags")
        for flag in line.partition(":")[2].split()
    }
    return not flags.isdisjoint({"vmx", "svm"})
