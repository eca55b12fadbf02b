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


def this_machine() -> Machine:
    """Look at the machine we run on; as root this may load the module `ip_vs`."""
    root = os.geteuid() == 0
    return Machine(
        root=root,
        ip_vs=root and has_ip_vs(),
        architecture=platform.machine(),
        gcc=shutil.which("gcc") is not None,
    )


def choose(machine: Machine) -> Provider:
    """Pick the fastest provider that works on this machine."""
    if machine.root and machine.ip_vs:
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
