"""What somebody who helps wants to see of a director, gathered. Only looks; writes nothing.

A part that cannot be read is named, and stops no other: a bundle is asked for where something is
broken.
"""

from __future__ import annotations

import json
import platform
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lvsnat.director.install import BOOTED
from lvsnat.director.units import DAEMON_NAME, NAME, PROXY_NAME
from lvsnat.doctor.redact import Redactor
from lvsnat.errors import LvsnatError
from lvsnat.system import run

if TYPE_CHECKING:
    from lvsnat.director.director import Director

MOST: Final = 2_000_000
"""Characters of one part: a log or a rule set may have any number."""
_LINES: Final = "5000"
_SECONDS: Final = 10.0
_NET: Final = Path("/proc/thread-self/net")
_PROGRAMS: Final = {
    "ip/addresses.txt": ("ip", "-d", "address"),
    "ip/links.txt": ("ip", "-s", "-d", "link"),
    "ip/neighbours.txt": ("ip", "neighbour"),
    "ip/rules.txt": ("ip", "rule"),
    "ip/rules6.txt": ("ip", "-6", "rule"),
    "ip/routes.txt": ("ip", "route", "show", "table", "all"),
    "ip/routes6.txt": ("ip", "-6", "route", "show", "table", "all"),
    "nft.txt": ("nft", "-a", "list", "ruleset"),
    "sockets.txt": ("ss", "-lntu"),
    "sysctl.txt": ("sysctl", "-a", "-r", r"^net\.(core|ipv4|ipv6|netfilter|nf_)"),
}
_KERNEL: Final = {
    "ipvs/services.txt": _NET / "ip_vs",
    "ipvs/connections.txt": _NET / "ip_vs_conn",
    "ipvs/stats.txt": _NET / "ip_vs_stats",
    "modules.txt": Path("/proc/modules"),
    "snmp.txt": _NET / "snmp",
}
_VERSIONS: Final = (
    ("haproxy", "-v"), ("nft", "--version"), ("ip", "-V"), ("keepalived", "--version"),
    ("systemctl", "--version"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a bundle."""

    name: str
    read: Callable[[], object]
    """Its text, or a value that becomes JSON."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What could be read, without secrets; and why the rest could not."""

    texts: dict[str, str] = field(default_factory=dict)
    lacking: dict[str, str] = field(default_factory=dict)


def gather(parts: Iterable[Part], redactor: Redactor) -> Gathered:
    """Read each part, and take out what is secret."""
    found = Gathered()
    for part in parts:
        try:
            text = _written(part.read(), redactor)
        except LvsnatError as error:
            found.lacking[part.name] = redactor.text(error.message)
        except Exception as error:  # noqa: BLE001 - what is broken is what the bundle is for
            found.lacking[part.name] = redactor.text(f"{type(error).__name__}: {error}")
        else:
            found.texts[part.name] = text
    return found


def _written(value: object, redactor: Redactor) -> str:
    """Secrets are taken out before a text is cut: half of one has no form."""
    if not isinstance(value, str):
        return json.dumps(redactor.plain(value), indent=2, ensure_ascii=False) + "\n"
    text = redactor.text(value)
    if len(text) <= MOST:
        return text
    return f"({len(text) - MOST} characters of the beginning are left out)\n{text[-MOST:]}"


def host_parts(director: Director) -> Iterator[Part]:
    """The director's files, this host's network, the log and the versions."""
    paths = director.paths
    yield Part("config/lvsnat.toml", director.text)
    yield Part("config/haproxy.cfg", partial(_file, paths.haproxy_config))
    for path in (paths.ledger, paths.overrides, paths.switch, paths.trial, paths.health):
        yield Part(f"state/{path.name}", partial(_document, path))
    for name, words in _PROGRAMS.items():
        yield Part(name, partial(_said, *words))
    for name, path in _KERNEL.items():
        yield Part(name, partial(_file, path))
    units = [f"--unit={unit}" for unit in (NAME, DAEMON_NAME, PROXY_NAME)]
    yield Part("log/lvsnat.txt", partial(_log, *units))
    yield Part("log/kernel.txt", partial(_log, "--dmesg"))
    yield Part("versions.txt", _versions)


def _file(path: Path) -> str:
    """A file; of one that has no end, the beginning."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(MOST)
    except FileNotFoundError:
        raise LvsnatError("there is none") from None


def _document(path: Path) -> object:
    text = _file(path)
    try:
        return json.loads(text)
    except ValueError:
        return text


def _said(*words: str) -> str:
    """What a program says, also where it complains."""
    done = run(words, timeout=_SECONDS)
    failed = f"(exit code {done.returncode})\n" if done.returncode else ""
    return done.stdout + done.stderr + failed


def _log(*words: str) -> str:
    if not BOOTED.is_dir():
        raise LvsnatError("systemd does not run here")
    return _said("journalctl", "--no-pager", "--output=short-iso", f"--lines={_LINES}", *words)


def _versions() -> str:
    lines = [
        f"lvsnat {_version('lvsnat')}",
        f"Linux {platform.release()} {platform.machine()}",
        f"Python {sys.version.split()[0]}",
        *(f"{name} {_version(name)}" for name in _libraries()),
    ]
    for words in _VERSIONS:
        try:
            said = run(words, timeout=_SECONDS)
            lines.append(next(iter((said.stdout + said.stderr).splitlines()), words[0]))
        except LvsnatError as error:
            lines.append(error.message)
    return "\n".join([*lines, "", _file(Path("/etc/os-release"))])


def _libraries() -> Iterator[str]:
    """Those that lvsnat asks for."""
    try:
        wanted = metadata.requires("lvsnat") or []
    except metadata.PackageNotFoundError:
        return
    for requirement in wanted:
        name = re.match(r"[\w.-]+", requirement)
        if name is not None and "extra ==" not in requirement:
            yield name[0]


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "(not installed)"
