"""Lines that no service has a key for: named, with what becomes of them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from lvsnat.config.toml import string
from lvsnat.errors import LvsnatError, RefusedError, UsageError
from lvsnat.interop.haproxy import words
from lvsnat.interop.haproxy.balance import PORT_KEEPER
from lvsnat.interop.haproxy.lexer import Line
from lvsnat.interop.haproxy.report import Report

_SOURCE_WORDS = 2


def take(line: Line, report: Report) -> None:
    """Note a line that nobody misses; raise for one that clients would."""
    keyword = line.keyword
    if line.words == PORT_KEEPER:
        return  # It belongs to a 'balance' line.
    if keyword.endswith("-request") and line.words[2:3] and line.words[2].startswith("track-sc"):
        report.note(line, "not needed: it counts, and decides nothing by itself")
    elif keyword in words.LINES:
        report.note(line, words.LINES[keyword])
    elif keyword in words.FRONTEND_LINES:
        raise rule(line, "frontend_lines")
    elif keyword in words.BACKEND_LINES:
        raise rule(line, "backend_lines")
    elif keyword in words.OBSOLETE:
        raise RefusedError(
            f"{keyword!r} is obsolete, HAProxy of today refuses it, and lvsnat changes no requests",
            f"'{words.OBSOLETE[keyword]}' is its present form, for frontend_lines or backend_lines"
            " of [service.haproxy]",
        )
    else:
        raise _unknown(keyword)


def rule(line: Line, key: str) -> RefusedError:
    """What to say of a line that ``key`` of ``[service.haproxy]`` could have."""
    return RefusedError(
        f"{line.keyword!r} looks into what clients send, and is not taken",
        f"lvs-nat cannot do it; for haproxy-tproxy write {key} = [{string(line.text)}]"
        " under [service.haproxy]",
    )


def process(line: Line, report: Report) -> None:
    """Note a line of ``global``."""
    report.note(line, _process_reason(line.keyword))


def option(line: Line, report: Report) -> None:
    """Note an ``option`` that nobody misses; raise for one that clients would."""
    name = line.arguments[0]
    if name in words.OPTIONS:
        report.note(line, words.OPTIONS[name])
    elif name in words.OTHER_CHECKS:
        raise RefusedError(
            f"'option {name}' is not a check that lvsnat has",
            'it asks whether a server accepts a connection, or by HTTP: check = { type = "http" }',
        )
    elif name in ("transparent", "http_proxy"):
        raise RefusedError(
            f"'option {name}' connects where the client wanted to go, and a service has servers",
            "leave it out: it has nothing to do with the client's address",
        )
    else:
        raise RefusedError(f"'option {name}' is not taken", "leave the line out")


def forward_for(line: Line) -> None:
    """Insist on an ``option forwardfor`` without words of its own."""
    if len(line.arguments) > 1:
        raise RefusedError(
            f"'{' '.join(line.arguments[1:])}' is not taken: X-Forwarded-For is added to each"
            " request",
            "leave the words out",
        )


def tcp_check(line: Line) -> None:
    """Refuse a conversation: a check of TCP connects."""
    raise RefusedError(
        f"'{' '.join(line.words)}' is not taken",
        "a check of TCP asks whether a server accepts a connection",
    )


def source(line: Line, report: Report) -> None:
    """Note ``source ... usesrc``, which is what haproxy-tproxy does; refuse another address."""
    arguments = line.arguments
    address = arguments[0] if arguments else ""
    if arguments[1:2] == ("usesrc",) and len(arguments) > _SOURCE_WORDS:
        report.note(line, _usesrc(arguments[2]))
    elif address in ("0.0.0.0", "::", "*", "[::]") and len(arguments) == 1:  # noqa: S104 - read
        report.note(line, "not needed: no address is named")
    else:
        raise RefusedError(
            f"'{' '.join(line.words)}': servers would see that address, and lvsnat shows them the"
            " client's own",
            "leave the line out",
        )


def _usesrc(form: str) -> str:
    if form == "client":
        return (
            "needs no word: haproxy-tproxy takes the client's address, and a source port of the"
            " kernel's choice"
        )
    if form.startswith("hdr_ip"):
        return (
            "needs no word: haproxy-tproxy takes the address that connects; behind another proxy"
            " that is the proxy's"
        )
    return "needs no word: haproxy-tproxy takes the client's address"


def _process_reason(keyword: str) -> str:
    if keyword in words.GLOBAL:
        return words.GLOBAL[keyword]
    by_prefix: Mapping[str, str] = words.GLOBAL_PREFIXES
    reasons = [reason for prefix, reason in by_prefix.items() if keyword.startswith(prefix)]
    return reasons[0] if reasons else words.GLOBAL_ELSE


def _unknown(keyword: str) -> LvsnatError:
    known = ["bind", "server", "balance", "timeout", "option", "cookie", "default_backend", "mode"]
    close = difflib.get_close_matches(keyword, [*known, *words.LINES], n=1)
    meant = f"did you mean {close[0]!r}? " if close else ""
    return UsageError(
        f"{keyword!r} is not a line of a section that lvsnat knows",
        f"{meant}correct it, or leave the line out",
    )
