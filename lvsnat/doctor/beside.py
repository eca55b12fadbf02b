"""Other programs that fill the table of IPVS: what they are told to make. Pure; no I/O here.

Only what their services listen on is read, not the whole of their languages: enough to tell whether
one of them is ours as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import PurePath
from typing import Final

from lvsnat.model.endpoint import Endpoint

KEEPALIVED: Final = "keepalived"
LDIRECTORD: Final = "ldirectord"
CONFIGS: Final = {
    KEEPALIVED: "/etc/keepalived/keepalived.conf",
    LDIRECTORD: "/etc/ha.d/ldirectord.cf",
}
_INTERPRETERS: Final = 3
"""A script's own name is among the first words of its process: ``perl -w ldirectord``."""
_COMMENT: Final = re.compile(r"[#!].*")
_GROUP: Final = re.compile(r"virtual_server_group\s+\S+\s*\{(?P<places>[^}]*)\}")
_VIRTUAL: Final = re.compile(r"^\s*virtual_server\s+(?P<place>[^{\n]+)", re.MULTILINE)
_INCLUDE: Final = re.compile(r"^\s*include\S*\s+(?P<pattern>\S+)", re.MULTILINE)
_LDIRECTORD: Final = re.compile(r"^\s*virtual6?\s*=\s*(?P<place>\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Listens:
    """What a program's services listen on, whatever the protocol."""

    places: frozenset[Endpoint] = frozenset()
    marks: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Program:
    """A program at work, by the words that it was started with."""

    pid: int
    name: str
    config: str
    """The file that it reads."""


@dataclass(frozen=True, slots=True)
class Rival:
    """A program beside us, with what its file says."""

    program: Program
    listens: Listens = field(default_factory=Listens)


def recognised(pid: int, words: Sequence[str]) -> Program | None:
    """The program that these words of a process are; None for any other one."""
    for at, word in enumerate(words[:_INTERPRETERS]):
        name = PurePath(word.rstrip(":")).name
        if name in CONFIGS:
            return Program(pid, name, _config(name, words[at + 1 :]))
    return None


def _config(name: str, words: Sequence[str]) -> str:
    if name == KEEPALIVED:
        return _option(words, "-f", "--use-file") or CONFIGS[name]
    files = [word for word in words if word.endswith(".cf") or word.startswith("/")]
    return files[0] if files else CONFIGS[name]


def daemon_config(words: Sequence[str]) -> str | None:
    """The file that ``lvsnat run`` was told to read; "" if it was not; None for another program."""
    names = [PurePath(word).name for word in words]
    at = next((n for n, name in enumerate(names[:_INTERPRETERS]) if name == "lvsnat"), None)
    if at is None:
        return None
    own = words[at + 1 :]
    given = _option(own, "--config") or ""
    command = (word for word in own if not word.startswith("-") and word != given)
    return given if next(command, None) == "run" else None


def _option(words: Sequence[str], *names: str) -> str | None:
    for at, word in enumerate(words):
        if word in names and at + 1 < len(words):
            return words[at + 1]
        name, equals, value = word.partition("=")
        if equals and name in names:
            return value
    return None


def included(text: str) -> tuple[str, ...]:
    """The files that a configuration of keepalived includes, as patterns."""
    return tuple(found["pattern"] for found in _INCLUDE.finditer(_plain(text)))


def listens(name: str, text: str) -> Listens:
    """What the services of a configuration listen on."""
    words = [*_of_keepalived(text)] if name == KEEPALIVED else [*_of_ldirectord(text)]
    marks = {int(word) for word in words if isinstance(word, str) and word.isdecimal()}
    return Listens(
        frozenset(word for word in words if isinstance(word, Endpoint)), frozenset(marks)
    )


def _of_keepalived(text: str) -> Iterator[Endpoint | str]:
    plain = _plain(text)
    for found in _GROUP.finditer(plain):
        for line in found["places"].splitlines():
            yield from _place(line.split())
    for found in _VIRTUAL.finditer(plain):
        yield from _place(found["place"].split())


def _place(words: Sequence[str]) -> Iterator[Endpoint | str]:
    """``192.168.1.50 80`` or ``fwmark 7``; a range of addresses is passed over."""
    match words:
        case ["fwmark", mark, *_]:
            yield mark
        case [address, port, *_] if port.isdecimal():
            with suppress(ValueError):
                yield Endpoint(ip_address(address), int(port))
        case _:
            pass


def _of_ldirectord(text: str) -> Iterator[Endpoint | str]:
    for found in _LDIRECTORD.finditer(_plain(text)):
        host, colon, port = found["place"].rpartition(":")
        if not colon:
            yield found["place"]
        elif port.isdecimal():
            with suppress(ValueError):
                yield Endpoint(ip_address(host.strip("[]")), int(port))


def _plain(text: str) -> str:
    return "\n".join(_COMMENT.sub("", line) for line in text.splitlines())
