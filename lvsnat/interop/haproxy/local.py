"""``use_backend`` by source address: clients that are served from the director's own address.

That is how a transparent HAProxy is written for clients whose replies would not pass it, and it is
``[haproxy] local_networks``. Any other choice is not taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_network

from lvsnat.errors import RefusedError, UsageError
from lvsnat.interop.haproxy.leftovers import rule
from lvsnat.interop.haproxy.lexer import Line
from lvsnat.interop.haproxy.proxy import Proxy
from lvsnat.interop.haproxy.report import Report
from lvsnat.model.config import IPNetwork

_BRACES = ("{", "}")
_SHORTEST = 4
"""``use_backend NAME if CONDITION``"""


def local_networks(
    front: Proxy, back: Proxy, others: Mapping[str, Proxy], report: Report
) -> Iterator[IPNetwork]:
    """The networks of the choices that are of this kind; all others are reported."""
    sources = {
        line.arguments[0]: line.arguments[2:]
        for line in front.acls
        if len(line.arguments) > 2 and line.arguments[1] == "src"  # noqa: PLR2004 - name, src, one
    }
    needed = set()
    for line in front.choices:
        words = _sources(line, sources)
        if words is None or not _is_back_without_usesrc(others.get(line.arguments[0]), back):
            report.refuse(line, _refusal(line))
            continue
        needed.add(line.words[-1])
        try:
            yield from [ip_network(word, strict=False) for word in words]
        except ValueError:
            report.refuse(line, UsageError("one of the sources is no network", "write 10.0.0.0/8"))
    for line in front.acls:
        if not line.arguments or line.arguments[0] not in needed:
            report.refuse(line, rule(line, "frontend_lines"))


def _sources(line: Line, acls: Mapping[str, tuple[str, ...]]) -> tuple[str, ...] | None:
    """The networks of the condition, if it asks for the source and for nothing else."""
    words = line.arguments[1:]
    if words[:1] != ("if",):
        return None
    condition = words[1:]
    if len(condition) == 1:
        found = acls.get(condition[0])
    elif condition[:2] == (_BRACES[0], "src") and condition[-1] == _BRACES[1]:
        found = condition[2:-1]
    else:
        return None
    return found if found and not any(word.startswith("-") for word in found) else None


def _is_back_without_usesrc(other: Proxy | None, back: Proxy) -> bool:
    if other is None or other.usesrc or not back.usesrc:
        return False
    return {server.place for server in other.servers} == {server.place for server in back.servers}


def _refusal(line: Line) -> RefusedError:
    return RefusedError(
        f"'{' '.join(line.words[: _SHORTEST - 2])} ...' chooses servers by more than the listener",
        "a service has one set of servers: give the others a listener of their own",
    )
