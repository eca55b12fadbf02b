"""The `uml` kernel: User-mode Linux built from Debian's source. An ordinary process, no root.

Debian's ready-made user-mode-linux does not serve: the versions that fit older glibc die on recent
processors, and none has nftables for IPv4 and IPv6. So it is built once, with the options of
`uml.config`, and cached by version and options.
"""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
import subprocess
from pathlib import Path

from labkit import packages
from labkit.cache import building, cache_root
from labkit.debian import PrivateApt, unpack, version_key
from labkit.errors import LabError
from labkit.mirror import debian_mirror
from labkit.progress import Meter, say
from labkit.providers import Provider

FRAGMENT = Path(__file__).with_name("uml.config")

# Older sources run on ptrace, which is slower and dies on processors with AMX.
OLDEST = (6, 16)
SUITES = ("forky", "sid")

# Lines that make prints for this configuration, to show how far it has come.
EXPECTED_LINES = 1520
NEEDED_GIGABYTES = 3


def kernel() -> Path | None:
    """Give the newest kernel built with today's options, if there is one."""
    built = cache_root().glob(f"uml-*-{_fingerprint()}/linux")
    return max(built, key=lambda path: version_key(path.parent.name), default=None)


def build() -> Path:
    """Build the kernel unless it is there already."""
    found = kernel()
    if found is not None:
        return found
    packages.require(Provider.UML)
    with building("uml") as work:
        # Another build may have finished while we waited for the lock.
        return kernel() or _build_in(work)


def boot_command(control: str, memory: str) -> list[str]:
    """Write the command that boots on the host's files and runs the control folder's `start`."""
    linux = kernel()
    if linux is None:
        msg = "the uml kernel is not built"
        raise LabError(msg, hint="scripts/lab --kernel uml build")
    return [
        str(linux),
        f"mem={memory}",
        f"umid={Path(control).name}",
        f"uml_dir={control}/",
        "root=/dev/root",
        "rootfstype=hostfs",
        "rootflags=/",
        "rw",
        f"init={control}/start",
        "con=null",
        # Programs run two to three times as fast so as under ptrace, to which "auto" falls back.
        # The kernel's own default is ptrace, because a hostile program could get at all of the
        # machine's memory: here that is ours, and it could do no more than its user may.
        "seccomp=auto",
        "quiet",
    ]


def boot_environment(control: str, memory: str) -> dict[str, str]:
    """Choose where the machine's memory, a sparse file, is kept.

    In shared memory where it fits; containers often have 64 MB of it, and a machine that runs out
    dies with a bus error.
    """
    shared = Path("/dev/shm")  # noqa: S108  only a name is made there, and removed at once
    fits = shared.is_dir() and shutil.disk_usage(shared).free > bytes_of(memory)
    return {**os.environ, "TMPDIR": str(shared) if fits else control}


def open_as_many_files_as_may_be() -> None:
    """Lift this process's limit of open files to what an ordinary user may have.

    The kernel holds a file of the host open for as long as it remembers it, which are thousands;
    where a user's limit is the usual 1024, the programs inside would soon find no file any more.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def bytes_of(memory: str) -> int:
    """Read a size such as 2G or 512M."""
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    number, unit = memory[:-1], memory[-1:].upper()
    if unit not in units or not number.isdecimal():
        msg = f"{memory!r} is no memory size"
        raise LabError(msg, hint="write it as 2G or 512M")
    return int(number) * units[unit]


def _build_in(work: Path) -> Path:
    _check_room(work)
    say("building User-mode Linux, once: 5 to 10 minutes on 2 cores, 164 MB to download")
    package, version = _download(work)
    say(f"unpacking the source of Linux {version}")
    unpack(package, work / "package")
    package.unlink()
    tree = _unpack_tree(work)
    _configure(tree)
    _make(tree)
    subprocess.run(["strip", tree / "linux"], check=True)
    result = work / "result"
    result.mkdir()
    shutil.move(tree / "linux", result / "linux")
    shutil.copy(tree / ".config", result / "config")
    place = cache_root() / f"uml-{version}-{_fingerprint()}"
    result.rename(place)
    say(f"built {place / 'linux'}")
    return place / "linux"


def _fingerprint() -> str:
    return hashlib.sha256(FRAGMENT.read_bytes()).hexdigest()[:12]


def _check_room(work: Path) -> None:
    free = shutil.disk_usage(work).free / 1e9
    if free < NEEDED_GIGABYTES:
        msg = f"{work.parent} has {free:.1f} GB free, the build needs {NEEDED_GIGABYTES} GB"
        raise LabError(msg, hint="put it elsewhere: LVSNAT_CACHE_DIR=/big/disk scripts/lab build")


def _download(work: Path) -> tuple[Path, str]:
    mirror = debian_mirror()
    for suite in SUITES:
        apt = PrivateApt(work / suite, mirror, suite)
        say(f"reading the package lists of Debian {suite}")
        apt.update()
        usable = [
            name for name in apt.names(r"^linux-source-[0-9.]+$") if version_key(name) >= OLDEST
        ]
        if usable:
            newest = max(usable, key=version_key)
            version = apt.field(newest, "Version")
            say(f"downloading {newest} {version}, verified by apt")
            return apt.download(newest), version.replace("/", "_")
    oldest = ".".join(map(str, OLDEST))
    msg = f"no linux-source {oldest} or newer in {' or '.join(SUITES)} of {mirror}"
    raise LabError(msg, hint="scripts/lab --kernel qemu needs no source")


def _unpack_tree(work: Path) -> Path:
    archive = next((work / "package").glob("usr/src/linux-source-*.tar.xz"))
    tree = work / "tree"
    tree.mkdir()
    unpack_command: list[str | Path] = ["tar", "--extract", "--file", archive]
    subprocess.run([*unpack_command, "--strip-components=1", "--directory", tree], check=True)
    shutil.rmtree(work / "package")
    return tree


def _configure(tree: Path) -> None:
    make = ["make", "-s", "ARCH=um", f"KCONFIG_ALLCONFIG={FRAGMENT}", "allnoconfig"]
    subprocess.run(make, cwd=tree, env=_clean_environment(), check=True, stdout=subprocess.DEVNULL)
    wanted = {line for line in FRAGMENT.read_text().splitlines() if line.startswith("CONFIG_")}
    lost = sorted(wanted - set((tree / ".config").read_text().splitlines()))
    if lost:
        msg = f"this kernel source does not take {', '.join(lost)}"
        raise LabError(msg, hint=f"adapt {FRAGMENT} to it")


def _make(tree: Path) -> None:
    log = tree.parent / "make.log"
    make = ["make", "ARCH=um", f"-j{os.cpu_count() or 1}", "linux"]
    meter = Meter("compiling", EXPECTED_LINES)
    with (
        log.open("w") as record,
        subprocess.Popen(
            make,
            cwd=tree,
            env=_clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        for line in process.stdout or ():
            record.write(line)
            meter.step()
    if process.returncode:
        tail = "\n".join(log.read_text().splitlines()[-20:])
        msg = f"make failed:\n{tail}"
        raise LabError(msg)
    meter.end()


def _clean_environment() -> dict[str, str]:
    """Keep a caller's MAKEFLAGS, ARCH or CFLAGS out of the kernel's own make."""
    kept = ("PATH", "HOME", "TMPDIR", "USER")
    return {"LC_ALL": "C", **{key: os.environ[key] for key in kept if key in os.environ}}
