"""Programs of a Debian suite, unpacked beside the system's own and started from there.

    python -m labkit.unpacked      fetches those below, and names them (with scripts/ on PYTHONPATH)

For programs whose installation would change how this machine's own network or its next boot is
configured, and for those of other suites. Each comes with the libraries that it needs, libc among
them, and is started by its own dynamic loader, so neither the system's packages nor its libc's age
matter. Packages of Python modules are unpacked too, for an interpreter that is there already.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from labkit.cache import building, cache_root
from labkit.debian import PrivateApt, unpack
from labkit.errors import LabError
from labkit.mirror import debian_mirror
from labkit.progress import say

_LIBRARY = re.compile(r"lib|zlib")
_LOADER = "ld-linux-x86-64.so.2"
_TRIPLET = "x86_64-linux-gnu"
PARTS = ("lib", "usr/lib")


@dataclass(frozen=True, slots=True)
class Package:
    """What is unpacked together: the first is what gives it its version."""

    names: tuple[str, ...]
    proof: str
    """A file that it brings."""
    libraries: bool = True
    """Whether the libraries that the first one needs are wanted, too."""


NETPLAN = {
    "bookworm": Package(("netplan.io",), "usr/libexec/netplan/generate"),
    "trixie": Package(("netplan-generator",), "usr/libexec/netplan/generate"),
}
_NETWORK_MANAGER = Package(("network-manager",), "usr/bin/nmcli")
_SHELLCHECK = Package(("shellcheck",), "usr/bin/shellcheck")
_CLOUD_INIT = Package(
    (
        "cloud-init", "python3-configobj", "python3-json-pointer", "python3-jsonpatch",
        "python3-oauthlib",
    ),
    "usr/lib/python3/dist-packages/cloudinit",
    libraries=False,
)  # fmt: skip
# It asks for libraries of JavaScript; promtool needs libc alone, and any since Debian 12's will do.
PROMETHEUS = Package(("prometheus",), "usr/bin/promtool", libraries=False)
SUITES = ("bookworm", "trixie")
"""Debian 12 and 13: what is in the field."""
NETWORK_MANAGER = dict.fromkeys(SUITES, _NETWORK_MANAGER)
CLOUD_INIT = dict.fromkeys(SUITES, _CLOUD_INIT)
SHELLCHECK = dict.fromkeys(SUITES, _SHELLCHECK)


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A package of a suite, in a folder of the cache."""

    folder: Path

    def command(self, program: str) -> list[str]:
        """Give the words that start one of its programs, named by its path without a slash."""
        folders = [self.folder / part / _TRIPLET for part in PARTS]
        # netplan has a library of its own kind there, NetworkManager its plug-ins.
        folders += [one for part in PARTS for one in (self.folder / part / _TRIPLET).glob("*/")]
        library_path = ":".join(map(str, folders))
        return [str(self.loader()), "--library-path", library_path, str(self.folder / program)]

    def loader(self) -> Path:
        """Give the dynamic loader that came with it."""
        for part in PARTS:
            loader = self.folder / part / _TRIPLET / _LOADER
            if loader.exists():
                return loader
        msg = f"{self.folder} has no {_LOADER}"
        raise LabError(msg, hint="remove it, and it is fetched again; it needs Debian's amd64")


def unpacked(package: Package, suite: str) -> Unpacked:
    """Give a package of a suite, fetched if it is not in the cache yet."""
    name = f"{package.names[0]}-{suite}"
    with building(name) as work:
        kept = sorted(cache_root().glob(f"{name}-*/{package.proof}"))
        if kept:
            return Unpacked(kept[-1].parents[package.proof.count("/")])
        return Unpacked(_fetch(package, suite, work))


def _fetch(package: Package, suite: str, work: Path) -> Path:
    mirror = debian_mirror()
    first = package.names[0]
    say(f"fetching {first} of Debian's {suite} from {mirror}")
    apt = PrivateApt(work / suite, mirror, suite)
    apt.update()
    result = work / "result"
    wanted = [*package.names]
    if package.libraries:
        wanted += needed(apt.field(first, "Depends"), apt)
    for name in wanted:
        unpack(apt.download(name), result)
    final = cache_root() / f"{first}-{suite}-{apt.field(first, 'Version').replace(':', '_')}"
    result.rename(final)
    return final


def needed(depends: str, apt: PrivateApt) -> list[str]:
    """Name the libraries that a field ``Depends`` asks for, and those that these ask for."""
    found: list[str] = []
    pending = _libraries(depends)
    while pending:
        library = pending.pop()
        if library not in found:
            found.append(library)
            pending += _libraries(apt.field(library, "Depends"))
    return found


def _libraries(depends: str) -> list[str]:
    """Read the names from a field, the first of each choice, without versions."""
    names = [one.split("|")[0].split("(")[0].strip() for one in depends.split(",")]
    return [name.partition(":")[0] for name in names if _LIBRARY.match(name)]


if __name__ == "__main__":
    for offers in (NETPLAN, NETWORK_MANAGER, CLOUD_INIT, SHELLCHECK):
        for each, wanted in offers.items():
            print(unpacked(wanted, each).folder.name)
