"""What HAProxy answers on its sockets, as values. Pure: text in, values out; no I/O here.

Commands and forms: HAProxy's Management Guide, section 9.3 (runtime) and 9.4 (master).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lvsnat.errors import LvsnatError

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Processes:
    """What ``show proc`` says on the master's socket."""

    master: int
    """Its process id, as those below."""
    reloads: int
    failed: int
    """Reloads in a row that failed."""
    workers: tuple[int, ...]
    old: tuple[int, ...]
    """Workers that were replaced and end softly."""


@dataclass(frozen=True, slots=True)
class Worker:
    """What ``show info`` says of a worker."""

    pid: int
    description: str
    stopping: bool
    """It takes nothing new."""
    connections: int
    """From clients, open now."""
    limit: int = 0
    """How many it takes at a time; 0 where it does not say."""


@dataclass(frozen=True, slots=True)
class ServerState:
    """A line of ``show servers state``."""

    backend: str
    server: str
    number: int
    """Its id within the backend."""
    weight: int
    forced: bool
    """An operator has put it into maintenance or drain by a command of HAProxy's own."""


@dataclass(frozen=True, slots=True)
class Session:
    """A line of ``show sess``."""

    client: str
    """Address and port as HAProxy writes them: no brackets."""
    frontend: str
    backend: str | None
    server: str | None
    state: int | None
    """Of the server's side: 8 is established."""
    age: int
    """Seconds."""
    expires: int
    """Seconds until it ends, if nothing is heard."""


def processes(text: str) -> Processes:
    """Read ``show proc``."""
    master: tuple[int, int, int] | None = None
    sections: dict[str, list[int]] = {"workers": [], "old workers": []}
    section = ""
    for line in text.splitlines():
        if line.startswith("# "):
            section = line[2:].strip()
        elif row := re.match(
            r"(\d{1,10})\s+(\w+)\s+(\d{1,10})(?:\s+\[failed: (\d{1,10})\])?", line
        ):
            pid, kind, reloads, failed = row.groups()
            if kind == "master":
                master = (int(pid), int(reloads), int(failed or 0))
            elif kind == "worker" and section in sections:
                sections[section].append(int(pid))
    if master is None:
        raise _unreadable("show proc", text)
    return Processes(*master, tuple(sections["workers"]), tuple(sections["old workers"]))


def worker(text: str) -> Worker:
    """Read ``show info``."""
    fields = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    try:
        return Worker(
            int(fields["Pid"]),
            fields.get("description", "").strip(),
            fields["Stopping"].strip() != "0",
            int(fields["CurrConns"]),
            int(fields.get("Maxconn", 0)),
        )
    except (KeyError, ValueError):
        raise _unreadable("show info", text) from None


def table(text: str) -> list[Row]:
    """Read ``show stat``: a mapping of the columns' names for each proxy and server."""
    head, _, body = text.lstrip("\n").partition("\n")
    if not head.startswith("# pxname,svname,"):
        raise _unreadable("show stat", text)
    names = head.removeprefix("# ").split(",")
    try:
        rows = list(csv.reader(body.splitlines()))
    except csv.Error:
        raise _unreadable("show stat", text) from None
    return [dict(zip(names, row, strict=False)) for row in rows if len(row) > 1]


def number(row: Row, column: str) -> int:
    """A column of ``show stat``; 0 where it is empty or this version has none."""
    word = row.get(column, "")
    return int(word) if re.fullmatch(r"\d{1,20}", word, re.ASCII) else 0


def servers(text: str) -> list[ServerState]:
    """Read ``show servers state``."""
    return [
        ServerState(
            row["be_name"],
            row["srv_name"],
            int(row["srv_id"]),
            int(row["srv_uweight"]),
            forced=int(row["srv_admin_state"]) & _FORCED != 0,
        )
        for row in server_rows(text)
    ]


def server_rows(text: str) -> list[Row]:
    """Read ``show servers state`` as it is, each column by its name; those of use are there."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2 or lines[0].strip() != "1" or not lines[1].startswith("# "):  # noqa: PLR2004
        raise _unreadable("show servers state", text)
    names = lines[1][2:].split()
    rows: list[Row] = [dict(zip(names, line.split(), strict=False)) for line in lines[2:]]
    if not all(row.keys() >= _STATE_NAMES and _are_numbers(row) for row in rows):
        raise _unreadable("show servers state", text)
    return rows


def _are_numbers(row: Row) -> bool:
    return all(re.fullmatch(r"\d{1,10}", row[name], re.ASCII) for name in _STATE_NUMBERS)


_STATE_NUMBERS = frozenset(
    {"srv_id", "srv_op_state", "srv_admin_state", "srv_uweight", "srv_iweight"}
)
_STATE_NAMES = _STATE_NUMBERS | {"be_name", "srv_name"}
_FORCED = 0x01 | 0x08
"""SRV_ADMF_FMAINT and SRV_ADMF_FDRAIN of HAProxy's server-t.h."""


def sessions(text: str) -> Iterator[Session]:
    """Read ``show sess``, without the sessions on sockets such as the one it came by."""
    for line in text.splitlines():
        fields = dict(re.findall(r"(\w+)=(\[[^\]]*\]|\S*)", line))
        if not fields.get("proto", "").startswith("tcp") or "src" not in fields:
            continue
        side = re.match(r"\[(\d{1,2}),", fields.get("scb") or fields.get("s1") or "")
        yield Session(
            fields["src"],
            fields.get("fe", ""),
            _named(fields.get("be", "")),
            _named(fields.get("srv", "")),
            int(side[1]) if side else None,
            seconds(fields.get("age", "")),
            seconds(fields.get("exp", "")),
        )


def seconds(text: str) -> int:
    """A time as HAProxy writes it, ``1h2m`` or ``3s``; 0 where it writes none."""
    scale = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    return sum(
        int(count) * scale[unit] for count, unit in re.findall(r"(\d{1,9})([dhms])(?!s)", text)
    )


def _named(word: str) -> str | None:
    return None if word in {"", "<NONE>", "<none>"} else word


def _unreadable(command: str, text: str) -> LvsnatError:
    said = text.strip().split("\n")[0][:80]
    return LvsnatError(
        f"what HAProxy answers to '{command}' cannot be read: {said!r}",
        "please report this with 'haproxy -v'",
    )
