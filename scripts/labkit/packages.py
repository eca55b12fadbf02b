"""The Debian and Ubuntu packages that each provider needs, and the check that they are there.

A package is told by a file that it brings, so that the check is right on other distributions too
and asks no package manager.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from labkit.errors import LabError
from labkit.providers import Provider

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# What the topologies, the demo and the kernel tests call, in whatever kernel they run.
INSIDE = {
    "iproute2": "ip",
    "ipvsadm": "ipvsadm",
    "nftables": "nft",
    "haproxy": "haproxy",
    "kmod": "modprobe",
    "iputils-ping": "ping",
    "procps": "sysctl",
    "tmux": "tmux",
}

NEEDED = {
    Provider.HOST: {"util-linux": "unshare"},
    Provider.UML: {
        "gcc": "gcc",
        "make": "make",
        "flex": "flex",
        "bison": "bison",
        "bc": "bc",
        "libelf-dev": "/usr/include/libelf.h",
        "xz-utils": "xz",
        "dpkg": "dpkg-deb",
        "binutils": "strip",
        "debian-archive-keyring": "/usr/share/keyrings/debian-archive-keyring.gpg",
    },
    Provider.QEMU: {
        "qemu-system-x86": "qemu-system-x86_64",
        # virtme-ng reads a kernel's version with it.
        "file": "file",
        "dpkg": "dpkg-deb",
        "kmod": "depmod",
        "debian-archive-keyring": "/usr/share/keyrings/debian-archive-keyring.gpg",
    },
}


def packages(provider: Provider) -> list[str]:
    """Name everything that `provider` needs, to build it and to work in it."""
    return sorted({**INSIDE, **NEEDED[provider]})


def missing(wanted: dict[str, str]) -> list[str]:
    """Name the packages whose file is not on this machine."""
    return sorted(name for name, proof in wanted.items() if not _is_there(proof))


def require(provider: Provider) -> None:
    """Stop with the exact command when a package is missing."""
    lacking = missing({**INSIDE, **NEEDED[provider]})
    if lacking:
        msg = f"the {provider} kernel needs packages that are not installed: {' '.join(lacking)}"
        raise LabError(msg, hint=f"sudo apt-get install --yes {' '.join(lacking)}")


def _is_there(proof: str) -> bool:
    if proof.startswith("/"):
        return Path(proof).exists()
    return shutil.which(proof, path=SEARCH_PATH) is not None
