"""Lay an overlay over the whole host and move into it, so that nothing reaches the host's files.

The lower layer is the machine's own root, the upper one is in memory. What the outside wants to
read (the control and the results folder) shows through at the same path as outside.
"""

from __future__ import annotations

import os
from pathlib import Path

from labkit import syscalls
from labkit.job import Job
from labkit.providers import Provider

# Made before anything else, on a folder that every Linux has and that the lab covers anyway.
STAGE = "/run"
# File systems with files of people on them; all others are pseudo, or made anew inside.
_WITH_FILES = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "overlay", "tmpfs", "zfs"})
_MADE_ANEW = ("/proc", "/sys", "/dev", "/run")


def enter(job: Job) -> None:
    """Replace this process's root with the overlay."""
    syscalls.mount("none", "/", flags=syscalls.MS_REC | syscalls.MS_PRIVATE)
    below = _submounts() if job.provider is Provider.HOST else []
    shown = [path for path in dict.fromkeys((job.control, job.results)) if path]
    syscalls.mount("lab", STAGE, "tmpfs", data="mode=0755")
    root = f"{STAGE}/root"
    _overlay("/", root, 0)
    for number, path in enumerate(below, start=1):
        _overlay(path, root + path, number)
    _kernel_file_systems(job.provider, root)
    for path in shown:
        _show(job.provider, path, root)
    if job.modules:
        _show_modules(job.modules, root)
    os.chdir(root)
    old = f"{root}/run/.host"
    Path(old).mkdir()
    syscalls.pivot_root(root, old)
    os.chdir("/")
    # With it goes the last way to the host's files.
    syscalls.unmount("/run/.host", syscalls.MNT_DETACH)
    Path("/run/.host").rmdir()
    _let_everybody_into(job.folder, job.environment.get("VIRTUAL_ENV", ""))


def _let_everybody_into(*places: str) -> None:
    """Open the way to the project, which may lie in a home that is closed to all but its owner.

    What is tested inside has fewer rights than root, or is somebody else, and has to read it. All
    this is in memory: the folders outside stay as they are.
    """
    for place in filter(None, places):
        for folder in (Path(place), *Path(place).parents):
            mode = folder.stat().st_mode & 0o7777
            if not mode & 0o001:
                folder.chmod(mode | 0o001)


def _overlay(lower: str, target: str, number: int) -> None:
    upper, work = f"{STAGE}/upper{number}", f"{STAGE}/work{number}"
    for path in (upper, work, target):
        Path(path).mkdir(parents=True, exist_ok=True)
    here = Path(lower).stat()
    os.chown(upper, here.st_uid, here.st_gid)
    Path(upper).chmod(here.st_mode & 0o7777)
    syscalls.mount(
        "lab", target, "overlay", data=f"lowerdir={lower},upperdir={upper},workdir={work}"
    )


def _kernel_file_systems(provider: Provider, root: str) -> None:
    quiet = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC
    syscalls.mount("proc", f"{root}/proc", "proc", quiet)
    syscalls.mount("sysfs", f"{root}/sys", "sysfs", quiet)
    syscalls.mount("run", f"{root}/run", "tmpfs", data="mode=0755")
    if provider is Provider.HOST:
        syscalls.mount("/dev", f"{root}/dev", flags=syscalls.MS_BIND | syscalls.MS_REC)
    else:
        syscalls.mount("dev", f"{root}/dev", "devtmpfs", data="mode=0755")
        Path(f"{root}/dev/pts").mkdir(exist_ok=True)
        syscalls.mount("devpts", f"{root}/dev/pts", "devpts", data="mode=0620,ptmxmode=0666")
        _link_descriptors(root)
    shared_memory = f"{root}/dev/shm"  # noqa: S108  mounted here, not used as a scratch place
    Path(shared_memory).mkdir(exist_ok=True)
    syscalls.mount("shm", shared_memory, "tmpfs", data="mode=1777")
    for name in ("lock", "netns"):
        Path(f"{root}/run/{name}").mkdir()


def _link_descriptors(root: str) -> None:
    links = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
    for name, target in links.items():
        path = Path(f"{root}/dev/{name}")
        if not path.is_symlink():
            path.symlink_to(target)
    ptmx = Path(f"{root}/dev/ptmx")
    ptmx.unlink(missing_ok=True)
    ptmx.symlink_to("pts/ptmx")


def _show(provider: Provider, path: str, root: str) -> None:
    Path(root + path).mkdir(parents=True, exist_ok=True)
    if provider is Provider.UML:
        syscalls.mount("none", root + path, "hostfs", data=path)
    else:
        syscalls.mount(path, root + path, flags=syscalls.MS_BIND)


def _show_modules(modules: str, root: str) -> None:
    target = f"{root}/lib/modules/{Path(modules).name}"
    Path(target).mkdir(parents=True, exist_ok=True)
    syscalls.mount(root + modules, target, flags=syscalls.MS_BIND)


def _submounts() -> list[str]:
    """List the host's further file systems, which an overlay of its root would show as empty."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, rest = line.partition(" - ")
        path = fields.split()[4].encode().decode("unicode_escape")
        made_anew = any(path == top or path.startswith(f"{top}/") for top in _MADE_ANEW)
        is_folder = Path(path).is_dir()
        if path != "/" and not made_anew and is_folder and rest.split()[0] in _WITH_FILES:
            found.append(path)
    return list(dict.fromkeys(found))
