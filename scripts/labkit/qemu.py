"""The `qemu` kernel: a distribution's stock kernel, booted over the host's files by virtme-ng.

For what we say of kernels in the field. Slow without KVM. The kernel is the one of the suite that
this machine runs (Debian 12: 6.1), or of LVSNAT_DEBIAN_SUITE.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from labkit import packages
from labkit.cache import building, cache_root
from labkit.debian import PrivateApt, unpack
from labkit.errors import LabError
from labkit.job import SYSTEM_PATH, Job, Output, virtual_environment
from labkit.mirror import debian_mirror
from labkit.progress import say
from labkit.providers import Provider, kvm_works

SUITE_VARIABLE = "LVSNAT_DEBIAN_SUITE"
# The plain flavour: the cloud one has no 9p, which is how the host's files get in.
META_PACKAGE = "linux-image-amd64"
# Loads the modules in which a stock kernel has 9p, before there are any files. From its package and
# not from this machine, whose own busybox may need libraries or be none at all.
FIRST_PROGRAM = "busybox-static"


@dataclass(frozen=True, slots=True)
class Kernel:
    """A stock kernel in the cache."""

    folder: Path

    @property
    def image(self) -> Path:
        """The file that QEMU boots."""
        return next(self.folder.glob("boot/vmlinuz-*"))

    @property
    def modules(self) -> Path:
        """The folder that has the name of the kernel's release."""
        return next(self.folder.glob("lib/modules/*"))

    @property
    def first_program(self) -> Path:
        """The program that virtme-ng's start-up image consists of."""
        return self.folder / "bin/busybox"

    @property
    def is_whole(self) -> bool:
        """Tell whether it has all, which one that an older checkout left here may not."""
        return self.first_program.exists()


def kernel() -> Kernel | None:
    """Give the cached kernel of today's suite, if there is one."""
    images = sorted(cache_root().glob(f"qemu-{suite()}-*/boot/vmlinuz-*"))
    built = [Kernel(image.parents[1]) for image in images]
    return next((one for one in reversed(built) if one.is_whole), None)


def build() -> Kernel:
    """Fetch the kernel unless it is there already."""
    found = kernel()
    if found is None:
        packages.require(Provider.QEMU)
        with building("qemu") as work:
            found = kernel() or _fetch(work)
    return found


def suite() -> str:
    """Choose Debian's suite: the one told, else this machine's own, else stable."""
    told = os.environ.get(SUITE_VARIABLE)
    if told:
        return told
    facts = Path("/etc/os-release").read_text(encoding="utf-8")
    release = dict(line.split("=", 1) for line in facts.splitlines() if "=" in line)
    if release.get("ID") == "debian" and "VERSION_CODENAME" in release:
        return release["VERSION_CODENAME"].strip('"')
    return "stable"


def boot_command(kernel: Kernel, job: Job, memory: str) -> list[str]:
    """Write the vng command that boots, runs the control folder's `start` and powers off."""
    kvm = kvm_works(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace"))
    shared = [f"--rwdir={folder}" for folder in dict.fromkeys((job.control, job.results))]
    # vng gives a terminal to a shell only, and a script's end powers the machine off.
    way = "--shell" if job.output is Output.TERMINAL else "--exec"
    return [
        _vng(),
        "--run",
        str(kernel.image),
        f"--busybox={kernel.first_program}",
        "--force-9p",
        "--cpus=2",
        f"--memory={memory}",
        *([] if kvm else ["--disable-kvm"]),
        *shared,
        f"{way}={job.control}/start",
    ]


def boot_environment() -> dict[str, str]:
    """Put vng's own folder first, where the programs are that it starts by name."""
    folder = str(Path(_vng()).parent)
    return {**os.environ, "PATH": ":".join([folder, os.environ.get("PATH", ""), SYSTEM_PATH])}


def _fetch(work: Path) -> Kernel:
    say("fetching a stock kernel, once: about 1 minute, 70 MB to download")
    apt = PrivateApt(work / "apt", debian_mirror(), suite())
    apt.update()
    package = apt.field(META_PACKAGE, "Depends").split()[0]
    version = apt.field(package, "Version").replace("/", "_")
    say(f"downloading {package} {version}, verified by apt")
    archive = apt.download(package)
    result = work / "result"
    unpack(archive, result)
    unpack(apt.download(FIRST_PROGRAM), work / "first")
    # Where /lib is a link to /usr/lib, newer packages carry their modules there.
    if not (result / "lib/modules").exists():
        shutil.move(result / "usr/lib", result / "lib")
    shutil.rmtree(result / "usr", ignore_errors=True)
    fetched = Kernel(result)
    fetched.first_program.parent.mkdir()
    shutil.move(next((work / "first").glob("**/bin/busybox")), fetched.first_program)
    depmod = shutil.which("depmod", path=packages.SEARCH_PATH) or "depmod"
    subprocess.run([depmod, "-b", result, fetched.modules.name], check=True)
    place = cache_root() / f"qemu-{suite()}-{version}"
    shutil.rmtree(place, ignore_errors=True)
    result.rename(place)
    say(f"fetched {place}")
    return Kernel(place)


def _vng() -> str:
    venv = virtual_environment()
    if venv is not None and (venv / "bin/vng").exists():
        return str(venv / "bin/vng")
    found = shutil.which("vng")
    if found is None:
        msg = "virtme-ng is not installed"
        raise LabError(msg, hint=f"{venv or '.venv'}/bin/pip install virtme-ng")
    return found
