"""Look for programs beside us in this network namespace, and for modules. Never writes."""

from __future__ import annotations

import contextlib
import gzip
import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from lvsnat.doctor import beside
from lvsnat.doctor.beside import Rival
from lvsnat.errors import LvsnatError
from lvsnat.system import read_file

PROC: Final = Path("/proc")
_DEPTH: Final = 3
"""A file that is included may include others."""
_RESTORING: Final = (
    ("etc/default/ipvsadm", re.compile(r'^AUTO="?true', re.MULTILINE), ""),
    ("etc/sysconfig/ipvsadm", re.compile(r"^-A ", re.MULTILINE),
     "etc/systemd/system/multi-user.target.wants/ipvsadm.service"),
)  # fmt: skip
"""Debian's switch; and Red Hat's table, with the link that makes it count."""


def rivals(proc: Path = PROC) -> Iterator[Rival]:
    """Programs that fill the table of IPVS, each once, with what their files say."""
    seen = set()
    for pid, words in _here(proc):
        program = beside.recognised(pid, words)
        if program is None or (program.name, program.config) in seen:
            continue
        seen.add((program.name, program.config))
        text = "\n".join(_texts(Path(program.config), _DEPTH))
        yield Rival(program, beside.listens(program.name, text))


def daemons(proc: Path = PROC) -> Iterator[tuple[int, str]]:
    """Each ``lvsnat run`` but this process, with the file that it reads; "" is the usual one."""
    for pid, words in _here(proc):
        given = beside.daemon_config(words)
        if given is not None and pid != os.getpid():
            yield pid, given or _environment(proc / str(pid)).get("LVSNAT_CONFIG", "")


def _here(proc: Path) -> Iterator[tuple[int, list[str]]]:
    """The processes of this network namespace; one that ends meanwhile is passed over."""
    mine = _namespace(proc / "thread-self") or _namespace(proc / "self")
    for folder in proc.iterdir():
        if folder.name.isdecimal() and mine is not None and _namespace(folder) == mine:
            words = _words(folder / "cmdline")
            if words:
                yield int(folder.name), words


def _namespace(process: Path) -> int | None:
    try:
        return (process / "ns" / "net").stat().st_ino
    except OSError:
        return None


def _words(path: Path) -> list[str]:
    with contextlib.suppress(OSError):
        return path.read_bytes().decode(errors="replace").rstrip("\0").split("\0")
    return []


def _environment(process: Path) -> dict[str, str]:
    pairs = (word.partition("=") for word in _words(process / "environ"))
    return {name: value for name, _, value in pairs}


def _texts(pattern: Path, depth: int) -> Iterator[str]:
    """A file and what it includes; what cannot be read is passed over."""
    found: list[Path] = []
    with contextlib.suppress(ValueError, OSError):  # What is no pattern names no file.
        found = sorted(Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor))))
    for path in found if depth else ():
        with contextlib.suppress(LvsnatError):
            text = read_file(path) or ""
            yield text
            for more in beside.included(text):
                yield from _texts(path.parent / more, depth - 1)


def restoring(root: Path = Path("/")) -> str | None:
    """The file by which ipvsadm restores a table of its own at boot."""
    for name, sign, link in _RESTORING:
        with contextlib.suppress(LvsnatError):
            text = read_file(root / name) or ""
            if sign.search(text) and (not link or (root / link).is_symlink()):
                return str(root / name)
    return None


def lacking(modules: Collection[str], root: Path = Path("/")) -> frozenset[str]:
    """Which modules this kernel is sure not to have; where that cannot be told, none."""
    known = _of_packages(root)
    if known is None:
        known = _built_in(root)
    if known is None:
        return frozenset()
    loaded = {name for name in modules if (root / "sys/module" / name).exists()}
    return frozenset(name for name in modules if name not in known and name not in loaded)


def _of_packages(root: Path) -> frozenset[str] | None:
    folder = root / "lib/modules" / os.uname().release
    texts = [_text(folder / name) for name in ("modules.dep", "modules.builtin")]
    if texts[0] is None:
        return None
    names = re.findall(r"([^/\s:]+)\.ko\b", "\n".join(text or "" for text in texts))
    return frozenset(name.replace("-", "_") for name in names)


def _built_in(root: Path) -> frozenset[str] | None:
    with contextlib.suppress(OSError, EOFError):
        text = gzip.decompress((root / "proc/config.gz").read_bytes()).decode(errors="replace")
        names = re.findall(r"^CONFIG_(\w+)=[ym]", text, re.MULTILINE)
        return frozenset(name.lower() for name in names)
    return None


def _text(path: Path) -> str | None:
    with contextlib.suppress(LvsnatError):
        return read_file(path)
    return None
