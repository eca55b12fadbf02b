r"""The lines of haproxy.cfg to words, by HAProxy's own rules of quoting (its manual, 2.2).

    option httpchk HEAD / HTTP/1.1\r\nHost:\ www     # escapes, comments
    acl big path_beg "/a b" '/c "d"'                    weak and strong quotes

Environment variables are not read: the file is imported on another day than it runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lvsnat.errors import UsageError

_ESCAPED = {"r": "\r", "n": "\n", "t": "\t"}
_LITERAL = " \\#'\"$"
_HEX_DIGITS = 2


@dataclass(frozen=True, slots=True)
class Line:
    """One line that says something."""

    number: int
    """The first line is 1."""
    text: str
    words: tuple[str, ...]
    """At least one."""
    error: UsageError | None = None
    """Why the line has no words but its keyword: a quote that never ends."""

    @property
    def keyword(self) -> str:
        return self.words[0]

    @property
    def arguments(self) -> tuple[str, ...]:
        return self.words[1:]


def lines_of(text: str) -> Iterator[Line]:
    """Every line but empty ones and comments."""
    for number, line in enumerate(text.split("\n"), 1):
        shown = line.strip()
        try:
            words = tuple(split(line))
        except UsageError as error:
            yield Line(number, shown, (shown.split()[0],), error)
            continue
        if words:
            yield Line(number, shown, words)


def split(line: str) -> list[str]:
    """The words of a line. Raises UsageError for a quote without its partner, or a variable."""
    return _Splitter(line).words()


class _Splitter:
    """Goes through a line once."""

    def __init__(self, line: str) -> None:
        self._rest = iter(line)
        self._quote = ""
        self._word: list[str] | None = None
        self._words: list[str] = []

    def words(self) -> list[str]:
        for character in self._rest:
            if character == "#" and not self._quote:
                break
            self._take(character)
        if self._quote:
            raise UsageError(f"a quote {self._quote} begins and does not end", "close it")
        self._end()
        return self._words

    def _take(self, character: str) -> None:
        if character == self._quote:
            self._quote = ""
        elif character in "\"'" and not self._quote:
            self._quote = character
            self._add("")
        elif character == "\\" and self._quote != "'":
            self._add(self._escape())
        elif character == "$" and self._quote == '"':
            raise UsageError(
                "an environment variable is not read by an import", "write its value instead"
            )
        elif character.isspace() and not self._quote:
            self._end()
        else:
            self._add(character)

    def _escape(self) -> str:
        following = next(self._rest, "")
        if following in _ESCAPED:
            return _ESCAPED[following]
        if following == "x":
            digits = "".join(next(self._rest, "") for _ in range(_HEX_DIGITS))
            try:
                return chr(int(digits, 16))
            except ValueError:
                raise UsageError(
                    f"\\x{digits} is not a character", "write \\x and two digits"
                ) from None
        return following if following and following in _LITERAL else "\\" + following

    def _add(self, text: str) -> None:
        if self._word is None:
            self._word = []
        self._word.append(text)

    def _end(self) -> None:
        if self._word is not None:
            self._words.append("".join(self._word))
        self._word = None
