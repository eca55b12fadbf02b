"""What may be asked of HAProxy as a whole and for one service, each value for itself. Pure.

Whether HAProxy can do what a service asks is judged by ``proxy_rules``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lvsnat.model.config import HaproxyOptions
from lvsnat.model.endpoint import MAX_MARK
from lvsnat.model.host_rules import MAX_TIMEOUT_SECONDS
from lvsnat.model.service import ProxyOptions, ProxyProtocol
from lvsnat.model.violation import Path, Violation

MAX_CONNECTIONS = 2**31 - 1
"""HAProxy counts them in an int."""
MAX_TABLE = 2**32 - 1
KERNEL_TABLES = {253: "default", 254: "main", 255: "local"}
"""/etc/iproute2/rt_tables; the kernel fills them itself."""
MAX_PRIORITY = 32765
"""The rule of the table main has 32766, and everything behind it is never asked."""
MAX_SIDE_PORT_OFFSET = 65535 - 1024
"""So that some port from 1024 on is left."""
COOKIE_PATTERN = r"[A-Za-z0-9._-]{1,64}"

_COOKIE = re.compile(COOKIE_PATTERN)
_SECTIONS = {
    "acme",
    "backend",
    "cache",
    "crt-store",
    "defaults",
    "fcgi-app",
    "frontend",
    "global",
    "http-errors",
    "listen",
    "log-forward",
    "log-profile",
    "mailers",
    "peers",
    "program",
    "resolvers",
    "ring",
    "traces",
    "userlist",
}
"""Words that begin a section of haproxy.cfg (configuration manual, 2 to 12)."""


def haproxy_violations(options: HaproxyOptions) -> Iterator[Violation]:
    """Judge ``[haproxy]``."""
    where = "haproxy"
    yield from _connections((where, "maxconn"), options.maxconn)
    for key, seconds in (
        ("hard_stop_after", options.hard_stop_after),
        ("connect_timeout", options.connect_timeout),
        ("queue_timeout", options.queue_timeout),
    ):
        yield from _seconds((where, key), seconds)
    if not 1 <= options.mark <= MAX_MARK:
        yield Violation(
            (where, "mark"),
            f"{options.mark} is not a firewall mark (1 to {MAX_MARK})",
            "write the bits that replies get, such as 0x1 or 0x10000000",
        )
    yield from _table(options.table)
    if not 1 <= options.priority <= MAX_PRIORITY:
        yield Violation(
            (where, "priority"),
            f"{options.priority} is not a priority (1 to {MAX_PRIORITY})",
            "the routing rule must be asked before 32766, that of the table main",
        )
    if not 1 <= options.side_port_offset <= MAX_SIDE_PORT_OFFSET:
        yield Violation(
            (where, "side_port_offset"),
            f"{options.side_port_offset} is not an offset of ports (1 to {MAX_SIDE_PORT_OFFSET})",
            "with 10000, port 80 is also served on 10080 while a switch of modes runs",
        )


def _table(table: int) -> Iterator[Violation]:
    where = ("haproxy", "table")
    if table in KERNEL_TABLES:
        yield Violation(
            where,
            f"table {table} is the kernel's own table {KERNEL_TABLES[table]}",
            "write the number of a table that nobody uses, such as 233",
        )
    elif not 1 <= table <= MAX_TABLE:
        yield Violation(
            where,
            f"{table} is not a routing table (1 to {MAX_TABLE})",
            "write the number of a table that nobody uses, such as 233",
        )


def service_violations(path: Path, options: ProxyOptions) -> Iterator[Violation]:
    """Judge ``[service.haproxy]``; ``path`` is that of the service."""
    where = (*path, "haproxy")
    for key, seconds in (
        ("client_timeout", options.client_timeout),
        ("server_timeout", options.server_timeout),
        ("connect_timeout", options.connect_timeout),
    ):
        if seconds is not None:
            yield from _seconds((*where, key), seconds)
    if options.maxconn is not None:
        yield from _connections((*where, "maxconn"), options.maxconn)
    if options.protocol is not ProxyProtocol.HTTP:
        for key, given in (("forwardfor", options.forward_for), ("cookie", options.cookie)):
            if given:
                yield Violation(
                    (*where, key),
                    f"{key} needs HAProxy to read HTTP, and the mode here is {options.protocol}",
                    f'write mode = "http" beside it, or remove {key}',
                    ((*where, "mode"),),
                )
    if options.cookie is not None and _COOKIE.fullmatch(options.cookie) is None:
        yield Violation(
            (*where, "cookie"),
            f"{options.cookie!r} is not a name for a cookie",
            "use letters, digits, '.', '_' and '-': at most 64, such as SRV",
        )
    for key, lines in (
        ("frontend_lines", options.frontend_lines),
        ("backend_lines", options.backend_lines),
    ):
        for index, line in enumerate(lines):
            yield from _line((*where, key, index), line)


def _line(where: Path, line: str) -> Iterator[Violation]:
    if not line.strip() or not line.isprintable():
        yield Violation(
            where,
            f"{line!r} is not one line of HAProxy's configuration",
            "write one line in each string, without line ends, tabs or control characters",
        )
    elif (word := line.split(maxsplit=1)[0]) in _SECTIONS:
        yield Violation(
            where,
            f"{word!r} would begin another section",
            "write lines that belong into a frontend or a backend; run what needs sections of its"
            " own in an HAProxy of your own",
        )


def _seconds(where: Path, seconds: int) -> Iterator[Violation]:
    if not 1 <= seconds <= MAX_TIMEOUT_SECONDS:
        yield Violation(
            where,
            f"{seconds} is not a timeout (1 to {MAX_TIMEOUT_SECONDS} seconds)",
            "write seconds, or a duration such as '15m'; HAProxy's limit is 24 days",
        )


def _connections(where: Path, number: int) -> Iterator[Violation]:
    if not 1 <= number <= MAX_CONNECTIONS:
        yield Violation(
            where,
            f"{number} is not a number of connections (1 to {MAX_CONNECTIONS})",
            "HAProxy needs two file descriptors for each; beyond it, connections wait",
        )
