"""The systemd units as text: how they are made, and whether somebody changed one. No systemd."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from lvsnat.haproxy.process import UNIT, Files, command_line

NAME = "lvsnat.service"
DAEMON_NAME = "lvsnat-daemon.service"
PROXY_NAME = UNIT
_STAMP = re.compile(r"^# sha256 of what follows: ([0-9a-f]{64})\n", re.MULTILINE)
_HEADER = """\
# Written by 'lvsnat system install', which keeps a file that somebody changed. For changes:
# systemctl edit {name}
# sha256 of what follows: {digest}
"""


@dataclass(frozen=True, slots=True)
class Service:
    """What differs from one installation to the next."""

    program: tuple[str, ...]
    """The words that start lvsnat, the first one an absolute path."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Where its files are, if not in the usual places."""
    folders: Sequence[Path] = ()
    """The folders that hold them."""

    def render(self) -> str:
        """The text of the unit that applies the configuration at boot."""
        return self._render(NAME)

    def render_daemon(self) -> str:
        """The text of the unit that runs the daemon."""
        return self._render(DAEMON_NAME)

    def _render(self, unit: str) -> str:
        lines = [
            f"Environment={_quoted(f'{name}={value}')}\n"
            for name, value in self.environment.items()
        ]
        writable = ["/etc/lvsnat", *(_quoted(f"-{folder}") for folder in self.folders)]
        values = {
            "@PROGRAM@": _command(self.program),
            "@ENVIRONMENT@\n": "".join(lines) + "\n",
            "@WRITABLE@": " ".join(writable),
        }
        return _filled(f"{unit}.in", unit, values)


@dataclass(frozen=True, slots=True)
class ProxyService:
    """The unit of our own HAProxy."""

    files: Files
    program: str = "/usr/sbin/haproxy"

    def render(self) -> str:
        """The text of the unit."""
        values = {
            "@RUN@": _quoted(str(self.files.run)),
            "@STATES@": _command((str(self.files.server_states),)),
            "@COMMAND@": _command(command_line(self.program, self.files)),
            "@CHECK@": _command((self.program, "-c", "-q", "-f", str(self.files.config))),
        }
        return _filled(f"{PROXY_NAME}.in", PROXY_NAME, values)


def _filled(template: str, name: str, values: Mapping[str, str]) -> str:
    """A template with its values, behind what tells whether it was changed since."""
    body = re.sub("|".join(map(re.escape, values)), lambda found: values[found[0]], _text(template))
    return _HEADER.format(name=name, digest=_digest(body)) + body


def _command(words: Sequence[str]) -> str:
    return " ".join(_quoted(word).replace("$", "$$") for word in words)


def starter() -> str:
    """A configuration to begin with: comments alone, so that it asks for nothing."""
    return _text("starter.toml")


def is_as_written(unit: str) -> bool:
    """Whether a unit is as some version of lvsnat wrote it."""
    stamp = _STAMP.search(unit)
    return stamp is not None and _digest(unit[stamp.end() :]) == stamp[1]


def _quoted(word: str) -> str:
    """A word for a unit file, whatever is in it (systemd.syntax(7))."""
    word = word.replace("%", "%%")
    if re.fullmatch(r"[\w@%+=:,./-]+", word, re.ASCII):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _text(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
