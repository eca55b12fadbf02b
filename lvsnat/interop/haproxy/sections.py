"""The lines of haproxy.cfg by section, each with the ``defaults`` that it inherits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from lvsnat.errors import UsageError
from lvsnat.interop.haproxy.lexer import Line
from lvsnat.interop.haproxy.report import Report

PROXIES = ("listen", "frontend", "backend")
_OTHERS = {
    "peers": "lvsnat keeps no table beside another HAProxy's: clients are placed anew",
    "resolvers": "lvsnat resolves no names",
    "mailers": "lvsnat sends no mail",
    "userlist": "lvsnat asks nobody for a password",
    "program": "systemd starts programs",
    "cache": "lvsnat keeps no answers",
    "ring": "lvsnat's HAProxy writes its log to the journal",
    "log-forward": "lvsnat forwards no logs",
    "http-errors": "answers to errors are HAProxy's own",
    "fcgi-app": "lvsnat passes bytes or HTTP on, not FastCGI",
    "crt-store": "lvsnat ends no TLS",
    "crt-list": "lvsnat ends no TLS",
    "acme": "lvsnat ends no TLS",
    "traces": "lvsnat traces nothing",
}
_CONDITIONS = (".if", ".elif", ".else", ".endif", ".diag", ".notice", ".warning", ".alert")


@dataclass(slots=True)
class Section:
    """A section of the file."""

    line: Line
    """The line that opens it."""
    kind: str
    name: str
    defaults: Section | None = None
    lines: list[Line] = field(default_factory=list)
    used: bool = False
    """Whether another one inherits it."""

    @property
    def all_lines(self) -> list[Line]:
        """Those that it inherits, then its own."""
        inherited = [] if self.defaults is None else self.defaults.all_lines
        return inherited + self.lines


def sections_of(lines: Iterable[Line], report: Report) -> list[Section]:
    """The sections ``global``, ``defaults`` and of proxies; what cannot be one is reported."""
    reading = _Sections(report)
    for line in lines:
        reading.take(line)
    for section in reading.found:
        if section.kind == "defaults" and not section.used:
            report.note(section.line, "no section below it inherits this: nothing is read of it")
    return reading.found


class _Sections:
    """Reads line after line."""

    def __init__(self, report: Report) -> None:
        self.found: list[Section] = []
        self._report = report
        self._now: Section | None = None
        self._skips = False
        self._defaults: Section | None = None

    def take(self, line: Line) -> None:
        try:
            if line.keyword in ("global", "defaults", *PROXIES):
                self._open(line)
            elif line.keyword in _OTHERS:
                self._report.note(line, f"this section is not taken: {_OTHERS[line.keyword]}")
                self._now, self._skips = None, True
            else:
                self._add(line)
        except UsageError as error:
            self._report.refuse(line, error)

    def _open(self, line: Line) -> None:
        self._now, self._skips = None, False
        if line.error is not None:
            raise line.error
        name, words = _named(line)
        section = Section(line, line.keyword, name, None, [])
        inherits, words = _from(words)
        if line.keyword != "global":
            section.defaults = self._inherited(inherits, line)
        if words:
            section.lines.append(_inline_bind(line, words, self._report))
        self._now = section
        self.found.append(section)
        if line.keyword == "defaults":
            self._defaults = section

    def _inherited(self, name: str | None, line: Line) -> Section | None:
        found = self._defaults if line.keyword != "defaults" else None
        if name is not None:
            known = (one for one in self.found if one.kind == "defaults" and one.name == name)
            found = next(known, None)
            if found is None:
                raise UsageError(
                    f"there is no 'defaults {name}' above this line", "move it up, or correct it"
                )
        if found is not None:
            found.used = True
        return found

    def _add(self, line: Line) -> None:
        if self._skips:
            return
        of_process = self._now is not None and self._now.kind == "global"
        if line.keyword in _CONDITIONS and not of_process:
            raise UsageError(
                f"{line.keyword} is decided when HAProxy starts, not by an import",
                "leave the lines that hold, and take the condition out",
            )
        if line.error is not None:
            raise line.error
        if self._now is None:
            raise UsageError(
                f"{line.keyword!r} stands in no section that can be read",
                "a haproxy.cfg has its lines in global, defaults, listen, frontend and backend",
            )
        self._now.lines.append(line)


def _named(line: Line) -> tuple[str, tuple[str, ...]]:
    """The name of a section, and the words behind it."""
    words = line.arguments
    if line.keyword in PROXIES:
        if not words:
            raise UsageError(f"this {line.keyword} has no name", f"write '{line.keyword} web'")
        return words[0], words[1:]
    if line.keyword == "defaults" and words and words[0] != "from":
        return words[0], words[1:]
    return "", words


def _from(words: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    if len(words) > 1 and words[0] == "from":
        return words[1], words[2:]
    return None, words


def _inline_bind(line: Line, words: tuple[str, ...], report: Report) -> Line:
    """Read ``listen web 192.168.1.50:80``, which HAProxy of today refuses."""
    if line.keyword not in ("listen", "frontend"):
        raise UsageError(f"{' '.join(words)!r} has no place behind the name", "leave it out")
    report.note(line, "HAProxy of today takes no address here: read as a 'bind' line")
    return Line(line.number, line.text, ("bind", *words))
