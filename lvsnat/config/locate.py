"""Where everything stands in a TOML text: lines for problems, spans for edits.

Reads only text that tomllib has accepted, so it judges nothing. Problems need it and edits need it;
reading a configuration does not. One pass of a small scanner, as tomlkit keeps no positions and
takes four seconds for 2,000 services [measured, 0.15.2].
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

from lvsnat.model.violation import Path

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_QUOTED = r'"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\''
_LONG_BASIC = r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'
_LONG_LITERAL = r"'''.*?'''(?:'{0,2})"
_STRING = re.compile(f"{_LONG_BASIC}|{_LONG_LITERAL}|{_QUOTED}", re.DOTALL)
_KEY = re.compile(rf"[A-Za-z0-9_-]+|{_QUOTED}")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_SCALAR = re.compile(r"[^\s,\]}#]+(?: [0-9][^\s,\]}#]*)?")  # the space is that of a date and time


class Kind(Enum):
    """How a path was written."""

    HEADER = auto()
    """``[path]`` or ``[[path]]``"""
    ENTRY = auto()
    """``key = value`` on lines of its own"""
    FIELD = auto()
    """``key = value`` within braces"""
    ELEMENT = auto()
    """a value within brackets"""


@dataclass(slots=True)
class Item:
    """One place in the text. The numbers are offsets of characters."""

    kind: Kind
    path: Path
    start: int
    """The first character of the key, the header or the element."""
    value: int
    """The first character of the value."""
    end: int = 0
    """Behind the last character of the value."""
    comma: int | None = None
    """The comma behind a field or an element."""
    container: int | None = None
    """The bracket that opens what a field or an element is in."""


@dataclass(slots=True)
class _Scanner:
    text: str
    items: list[Item] = field(default_factory=list)
    counts: dict[Path, int] = field(default_factory=dict)
    """How many tables each ``[[array]]`` has so far."""

    def document(self) -> None:
        base: Path = ()
        at = self.blank(0)
        while at < len(self.text):
            if self.text[at] == "[":
                base, at = self.header(at)
            else:
                at = self.pair(at, base, Kind.ENTRY)
            at = self.blank(at)

    def blank(self, at: int) -> int:
        return _end(_BLANK, self.text, at)

    def header(self, at: int) -> tuple[Path, int]:
        double = self.text.startswith("[[", at)
        keys, end = self.key(_end(_SPACE, self.text, at + 1 + double))
        path = self.counted(keys[:-1]) + keys[-1:]
        if double:
            self.counts[path] = self.counts.get(path, 0) + 1
            path = (*path, self.counts[path] - 1)
        end = self.text.index("]", end) + 1 + double
        self.items.append(Item(Kind.HEADER, path, at, at, end))
        return path, end

    def counted(self, keys: Path) -> Path:
        """Add the index of the newest table behind each key that names an array of tables."""
        path: Path = ()
        for key in keys:
            path += (key,)
            if path in self.counts:
                path += (self.counts[path] - 1,)
        return path

    def key(self, at: int) -> tuple[tuple[str, ...], int]:
        keys: list[str] = []
        while True:
            end = _end(_KEY, self.text, at)
            keys.append(_unquoted(self.text[at:end]))
            dot = _DOT.match(self.text, end)
            if dot is None:
                return tuple(keys), end
            at = dot.end()

    def pair(self, at: int, base: Path, kind: Kind, container: int | None = None) -> int:
        keys, end = self.key(at)
        value = _end(_SPACE, self.text, self.text.index("=", end) + 1)
        item = Item(kind, base + keys, at, value, container=container)
        self.items.append(item)
        item.end = self.scan_value(value, item.path)
        return item.end

    def scan_value(self, at: int, path: Path) -> int:
        match self.text[at]:
            case "[":
                return self.inside(at, "]", path)
            case "{":
                return self.inside(at, "}", path)
            case '"' | "'":
                return _end(_STRING, self.text, at)
            case _:
                return _end(_SCALAR, self.text, at)

    def inside(self, at: int, closing: str, path: Path) -> int:
        """Scan an array or an inline table; return what comes behind it."""
        opening, at = at, self.blank(at + 1)
        count = 0
        while self.text[at] != closing:
            index = len(self.items)
            if closing == "}":
                end = self.pair(at, path, Kind.FIELD, opening)
            else:
                item = Item(Kind.ELEMENT, (*path, count), at, at, container=opening)
                self.items.append(item)
                end = item.end = self.scan_value(at, item.path)
            count += 1
            at = self.blank(end)
            if self.text[at] == ",":
                self.items[index].comma = at
                at = self.blank(at + 1)
        return at + 1


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return at if found is None else found.end()


def _unquoted(key: str) -> str:
    return next(iter(tomllib.loads(f"{key} = 0"))) if key[:1] in {'"', "'"} else key


class Layout:
    """The places of one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        scanner = _Scanner(text)
        scanner.document()
        self.items = scanner.items
        self._exact: dict[Path, Item] = {}
        self._first: dict[Path, int] = {}
        for item in self.items:
            self._exact.setdefault(item.path, item)
            for length in range(len(item.path), 0, -1):
                prefix = item.path[:length]
                if prefix in self._first:
                    break
                self._first[prefix] = item.start
        self._lines = [0, *(found.end() for found in re.finditer("\n", text))]

    def line(self, path: Path) -> int:
        """The line of a key path, or of what surrounds it where the key is absent; from 1 on."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._first:
                return bisect_right(self._lines, self._first[path[:length]])
        return 1

    def find(self, path: Path) -> Item | None:
        """The item that was written with exactly this path."""
        return self._exact.get(path)

    def under(self, path: Path) -> Iterator[Item]:
        """The items of this path and of everything below it, as they stand."""
        length = len(path)
        return (item for item in self.items if item.path[:length] == path)

    def line_start(self, offset: int) -> int:
        return self.text.rfind("\n", 0, offset) + 1

    def line_end(self, offset: int) -> int:
        """Behind the newline that ends this line, or the end of the text."""
        return (self.text.find("\n", offset) + 1) or len(self.text)
