"""``option httpchk`` and ``http-check``: what a section asks its servers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lvsnat.errors import RefusedError, UsageError
from lvsnat.interop.haproxy.lexer import Line
from lvsnat.interop.haproxy.report import Report
from lvsnat.interop.haproxy.values import number
from lvsnat.model.health import CheckType, Statuses

_PAIR = 2
_STATUSES = range(100, 600)
_DIGIT = r"(?:\d|\.|\\d|\[\d+\]|\[\d-\d\])"
_STATUS_PATTERN = re.compile(
    rf"\^?(?:\({_DIGIT}+(?:\|{_DIGIT}+)*\)|{_DIGIT})+(?:\$|\.\*)?", re.ASCII
)
_BESIDE = ("comment", "min-recv", "ok-status", "error-status", "tout-status", "on-success",
           "on-error", "status-code")  # fmt: skip


@dataclass(slots=True)
class Question:
    """What a section asks its servers, as far as it was read."""

    type: CheckType = CheckType.TCP
    method: str = "OPTIONS"
    """HAProxy's own, where the file names none."""
    path: str = "/"
    host: str | None = None
    expect: Statuses | None = None
    body: str | None = None
    regex: str | None = None

    def take_httpchk(self, line: Line, report: Report) -> None:
        """Read ``option httpchk [METHOD] [URI] [VERSION]``, with headers in the version as well."""
        words = line.arguments[1:]
        self.type, self.expect, self.body, self.regex = CheckType.HTTP, None, None, None
        self.method, self.path, self.host = "OPTIONS", "/", None
        match words:
            case ():
                pass
            case (uri,):
                self.path = uri
            case _:
                method, uri, *version = words
                self.method, self.path = method, uri
                self._take_version(line, " ".join(version), report)

    def take_rule(self, line: Line, report: Report) -> None:
        """Read ``http-check send`` and ``http-check expect``."""
        kind, *words = line.arguments or ("",)
        if kind == "send":
            self._take_send(line, words, report)
        elif kind == "expect":
            self._take_expect(line, words, report)
        elif kind == "connect" and not words:
            pass
        else:
            raise RefusedError(
                f"'http-check {kind}' is not taken", "lvsnat sends one request and reads the answer"
            )

    def _take_version(self, line: Line, version: str, report: Report) -> None:
        for header in version.splitlines()[1:]:
            name, _, value = header.partition(":")
            self._take_header(line, name, value.strip(), report)

    def _take_header(self, line: Line, name: str, value: str, report: Report) -> None:
        if name.lower() == "host":
            self.host = value.replace("%%", "%")
        elif name.lower() != "connection":
            report.note(line, f"the header {name!r} is not sent: a check has Host alone")

    def _take_send(self, line: Line, words: Sequence[str], report: Report) -> None:
        rest = list(words)
        while rest:
            word = rest.pop(0)
            needed = 2 if word == "hdr" else 1
            if len(rest) < needed:
                raise UsageError(f"'http-check send': {word!r} needs a value", "write the value")
            value = rest.pop(0)
            match word:
                case "meth":
                    self.method = value
                case "uri":
                    self.path = value
                case "hdr":
                    self._take_header(line, value, rest.pop(0), report)
                case "ver":
                    pass
                case _:
                    raise RefusedError(
                        f"'http-check send {word}' is not taken",
                        "lvsnat sends a method, a path and a Host header",
                    )

    def _take_expect(self, line: Line, words: Sequence[str], report: Report) -> None:
        rest = list(words)
        while len(rest) > _PAIR and rest[0] in _BESIDE:
            del rest[:_PAIR]
        if len(rest) != _PAIR or rest[0] not in ("status", "rstatus", "string", "rstring"):
            raise RefusedError(
                f"'http-check expect {' '.join(words)}' is not taken",
                "lvsnat expects statuses, and a text or a pattern that the answer holds",
            )
        match rest:
            case ["status", value]:
                self.expect = _ranges(value)
            case ["rstatus", value]:
                self.expect = _matching(value)
            case _:
                if rest[0] == "string":
                    self.body = rest[1]
                else:
                    self.regex = _pattern(rest[1])
                if self.expect is None:
                    report.note(line, "lvsnat asks for a status from 200 to 399 as well")


def _pattern(text: str) -> str:
    """A regular expression of HAProxy's that Python reads, too: the daemon may have to use it."""
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise RefusedError(
            f"'rstring {text}' is not read: {error}",
            "write it in words that Python's re knows, too",
        ) from None
    return text


def _ranges(text: str) -> Statuses:
    found = []
    for part in text.split(","):
        low, dash, high = part.partition("-")
        first = number(low, "a status")
        found.append((first, number(high, "a status") if dash else first))
    return tuple(found)


def _matching(pattern: str) -> Statuses:
    """The statuses that a regular expression of digits means."""
    codes: list[int] = []
    if _STATUS_PATTERN.fullmatch(pattern) is not None:
        try:
            wanted = re.compile(pattern)
        except re.error:
            wanted = None
        codes = [code for code in _STATUSES if wanted and wanted.search(str(code))]
    if not codes:
        raise RefusedError(
            f"'rstatus {pattern}' is not read: lvsnat compares statuses by number",
            "write 'http-check expect status 200-399'",
        )
    found: list[tuple[int, int]] = []
    for code in codes:
        if found and found[-1][1] == code - 1:
            found[-1] = (found[-1][0], code)
        else:
            found.append((code, code))
    return tuple(found)
