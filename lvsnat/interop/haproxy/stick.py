"""What ties a client to a server: tables by source address, and cookies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from lvsnat.errors import RefusedError, UsageError
from lvsnat.interop.haproxy.lexer import Line
from lvsnat.interop.haproxy.report import Report
from lvsnat.interop.haproxy.values import number, whole_seconds
from lvsnat.model.endpoint import Family
from lvsnat.model.service import DEFAULT_PERSISTENCE_SECONDS, Persistence

_SOURCE = re.compile(r"src(?:,ipmask\((\d{1,3})(?:,(\d{1,3}))?\))?", re.ASCII)
_BY_SOURCE = "lvsnat ties clients by their address: 'stick on src', with ',ipmask(24)' or without"
_OWN_COOKIE = ("indirect", "nocache")


@dataclass(frozen=True, slots=True)
class Table:
    """A ``stick-table`` of addresses."""

    seconds: int | None
    """How long it remembers; None is for good."""


@dataclass(frozen=True, slots=True)
class Stick:
    """A ``stick on src`` line."""

    line: Line
    prefixes: tuple[int | None, int | None]
    """Of IPv4 and of IPv6."""
    table: str | None
    """The section whose table it is; None is its own."""


def table_of(line: Line, report: Report) -> Table:
    words = line.arguments
    pairs = dict(pairwise(words))
    kind = pairs.get("type", "")
    if kind not in ("ip", "ipv6"):
        raise RefusedError(f"a 'stick-table' of type {kind or 'unknown'} is not taken", _BY_SOURCE)
    for word in ("peers", "store", "srvkey", "write-to"):
        if word in words:
            report.note(line, f"'{word} {pairs.get(word, '')}' is not taken: no table is shared")
    expire = pairs.get("expire")
    return Table(None if expire is None else whole_seconds(expire))


def stick_of(line: Line) -> Stick:
    """Read ``stick on src`` and ``stick store-request src``, which does the same with a match."""
    verb, *words = line.arguments or ("",)
    source = _SOURCE.fullmatch(words[0]) if words else None
    if verb not in ("on", "match", "store-request") or source is None:
        raise RefusedError(f"'{' '.join(line.words)}' is not taken", _BY_SOURCE)
    table = None
    rest = words[1:]
    if rest[:1] == ["table"] and len(rest) > 1:
        table, rest = rest[1], rest[2:]
    if rest:
        raise RefusedError(f"'{' '.join(rest)}': a condition is not taken", _BY_SOURCE)
    four, six = (None if text is None else number(text, "a prefix") for text in source.groups())
    return Stick(line, (four, six), table)


def persistence_of(
    stick: Stick, table: Table | None, family: Family, report: Report
) -> Persistence:
    """Raises UsageError where the table does not exist."""
    if table is None:
        raise UsageError(
            "there is no 'stick-table' for it", "write 'stick-table type ip size 200k expire 5m'"
        )
    seconds = table.seconds
    if seconds is None:
        seconds = DEFAULT_PERSISTENCE_SECONDS
        report.note(
            stick.line, f"its table forgets nobody: a persistence of {seconds} s is taken instead"
        )
    prefix = stick.prefixes[0 if family is Family.IPV4 else 1]
    return Persistence(seconds, None if prefix == family.bits else prefix)


def cookie_of(line: Line, report: Report) -> str:
    """Read the name of a cookie that HAProxy inserts."""
    name, *words = line.arguments or ("",)
    if not name:
        raise UsageError("this 'cookie' has no name", "write 'cookie SRV insert indirect nocache'")
    if "insert" not in words:
        raise RefusedError(
            f"'{' '.join(line.words)}' changes a cookie of the servers, and lvsnat inserts one",
            "write 'cookie SRV insert indirect nocache'",
        )
    others = [word for word in words if word != "insert" and word not in _OWN_COOKIE]
    if others:
        report.note(
            line, f"'{' '.join(others)}' is not taken: lvsnat writes insert, indirect and nocache"
        )
    return name
