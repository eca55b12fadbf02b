"""Read and write kernel settings below /proc/sys, one at a time or one per interface.

The text of a value is explained in resources.py.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from lvsnat import system
from lvsnat.errors import LvsnatError
from lvsnat.host.resources import Sysctl
from lvsnat.host.rules import RULES, Reset, SysctlRule

PROC_SYS = Path("/proc/sys")
EVERY = "*"
LEAVE_ALONE = 'put "manage_sysctl = false" under [host] in the configuration'
MODULES = {"net.ipv4.vs.": "ip_vs"}
"""Settings that exist only once a module is loaded."""


def load_module(name: str) -> None:
    """Load a kernel module if that is possible; what it brings shows whether it was."""
    with contextlib.suppress(LvsnatError):
        system.run(["modprobe", name])


class SysctlTree:
    """The settings of the network namespace that this thread is in."""

    def __init__(self, root: Path = PROC_SYS, load: Callable[[str], None] = load_module) -> None:
        self._root = root
        self._load = load
        self._tried: set[str] = set()

    def observe(self, name: str) -> Sysctl | None:
        """The setting as it is now, or None if the part of the kernel that has it is not there.

        A setting that this kernel's part lacks counts as it should be: there is nothing to change.
        """
        self._load_module_for(name)
        rule = RULES.get(name)
        if EVERY in name:
            return self._observe_every(rule) if rule is not None else None
        value = self._read(name)
        if value is None:
            lacks = rule is not None and self._path(name).parent.is_dir()
            return Sysctl(name, value=rule.value, known=False) if rule and lacks else None
        if rule is None or value == rule.value:
            return Sysctl(name, value=value)
        return Sysctl(name, value=" ".join([value, *self._about_to_be_reset(rule.resets)]))

    def everywhere(self, name: str) -> dict[str, str]:
        """What each interface has, and ``all`` and ``default``, for a name with ``*``."""
        found = {place: self._read(one) for place, one in self._places(name)}
        return {place: value for place, value in found.items() if value is not None}

    def assign(self, name: str, value: str) -> None:
        """Give a setting a value; if a part of that is refused, none of it stays."""
        self._load_module_for(name)
        written: list[tuple[str, str]] = []
        try:
            for one, text in self._writes(name, value):
                before = self._read(one)
                # An interface that has gone since needs no value back.
                if before is not None:
                    self._write(one, text)
                    written.append((one, before))
        except BaseException:
            for one, before in reversed(written):
                with contextlib.suppress(LvsnatError):
                    self._write(one, before)
            raise

    def _observe_every(self, rule: SysctlRule) -> Sysctl | None:
        found = False
        wrong = []
        for place, one in self._places(rule.name):
            value = self._read(one)
            if value is not None:
                found = True
                if not rule.satisfied_by(value):
                    wrong.append(f"{place}={value}")
        return Sysctl(rule.name, value=" ".join(wrong) or rule.value) if found else None

    def _about_to_be_reset(self, resets: tuple[Reset, ...]) -> Iterator[str]:
        for reset in resets:
            names = [one for _, one in self._places(reset.name)]
            for one in names if EVERY in reset.name else [reset.name]:
                value = self._read(one)
                if value is not None and value != reset.value:
                    yield f"{one}={value}"

    def _writes(self, name: str, value: str) -> Iterator[tuple[str, str]]:
        """The files to write, in order, and what goes into each."""
        rule = RULES.get(name)
        if EVERY not in name:
            own, *put_back = value.split(" ") if rule and rule.resets else [value]
            if self._read(name) is None and not self._path(name).parent.is_dir():
                raise _missing(name)
            yield name, own
            for entry in put_back:
                one, _, text = entry.rpartition("=")
                yield one, text
        elif "=" in value:
            for entry in value.split(" "):
                # The kernel allows "=" in the name of an interface, but neither "/" nor a space.
                place, _, text = entry.rpartition("=")
                yield _at(name, place), text
        else:
            for _, one in self._places(name):
                if rule is None or not rule.satisfied_by(self._read(one) or value):
                    yield one, value

    def _places(self, name: str) -> Iterator[tuple[str, str]]:
        """What ``*`` stands for in a name now, each with the name of its own setting."""
        directory = self._path(name.partition(f".{EVERY}.")[0])
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            for place in sorted(path.name for path in directory.iterdir()):
                yield place, _at(name, place)

    def _load_module_for(self, name: str) -> None:
        for prefix, module in MODULES.items():
            if not name.startswith(prefix) or module in self._tried:
                continue
            if not self._path(name).parent.is_dir():
                self._tried.add(module)
                self._load(module)

    def _path(self, name: str) -> Path:
        return self._root / name.translate(str.maketrans("./", "/."))

    def _read(self, name: str) -> str | None:
        text = system.read_file(self._path(name))
        # The kernel puts a tab between two numbers.
        return None if text is None else " ".join(text.split())

    def _write(self, name: str, value: str) -> None:
        try:
            # Without O_CREAT: a setting is there or it is not.
            descriptor = os.open(self._path(name), os.O_WRONLY | os.O_TRUNC)
            try:
                os.write(descriptor, f"{value}\n".encode())
            finally:
                os.close(descriptor)
        except OSError as error:
            raise _refused(name, value, error) from None


def _at(name: str, place: str) -> str:
    """The setting of one interface; a dot in its name is written as a slash, as in sysctl(8)."""
    return name.replace(EVERY, place.replace(".", "/"), 1)


def _missing(name: str) -> LvsnatError:
    for prefix, module in MODULES.items():
        if name.startswith(prefix):
            return LvsnatError(
                f"{name}: the kernel has no IPVS",
                f"'modprobe {module}' says why; a container needs it loaded on the host",
            )
    return LvsnatError(f"{name}: this kernel has no such setting", LEAVE_ALONE)


def _refused(name: str, value: str, error: OSError) -> LvsnatError:
    what = f"cannot set {name} to {value}"
    match error.errno:
        case errno.EROFS:
            return LvsnatError(
                f"{what}: /proc/sys is read-only here, as in many containers",
                f"set it on the host or when the container is started, then {LEAVE_ALONE}",
            )
        case errno.EACCES | errno.EPERM:
            return LvsnatError(
                f"{what}: {error.strerror}",
                f"run it as root (sudo); in a container set it from outside and {LEAVE_ALONE}",
            )
        case _:
            return LvsnatError(f"{what}: {error.strerror}")
