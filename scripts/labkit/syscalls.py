"""The few system calls that the inside needs and Python 3.11 has no function for."""

from __future__ import annotations

import ctypes
import os

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_BIND = 4096
MS_MOVE = 8192
MS_REC = 16384
MS_PRIVATE = 1 << 18
MS_REMOUNT = 32
MNT_DETACH = 2

_POWER_OFF = 0x4321FEDC
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

_libc = ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """Mount, with an error that names both ends."""
    _check(
        _libc.mount(
            source.encode(),
            target.encode(),
            kind.encode() or None,
            ctypes.c_ulong(flags),
            data.encode() or None,
        ),
        f"mount {kind or 'bind'} {source} on {target}",
    )


def unmount(target: str, flags: int = 0) -> None:
    """Unmount."""
    _check(_libc.umount2(target.encode(), flags), f"umount {target}")


def pivot_root(new: str, old: str) -> None:
    """Make `new` the root, with the former root kept at `old` below it."""
    number = _PIVOT_ROOT[os.uname().machine]
    _check(_libc.syscall(number, new.encode(), old.encode()), f"pivot_root {new}")


def power_off() -> None:
    """End the machine at once; only a kernel of our own is ever asked to."""
    os.sync()
    _check(_libc.reboot(_POWER_OFF), "power off")


def sync_folder(folder: str) -> None:
    """Push what was written to a folder's file system to the other side of it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _check(_libc.syncfs(descriptor), f"syncfs {folder}")
    finally:
        os.close(descriptor)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent dies, so that all can be ended."""
    _check(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")


def die_with_parent(signal: int) -> None:
    """Ask for a signal when the parent dies, however it dies."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0), "prctl")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
