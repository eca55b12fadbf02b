"""Take what nobody else should see out of texts: passwords, keys, tokens, account ids. Pure.

By its form, and by its value where that is known. Rather too much than too little: whoever reads a
text without some word asks for it. Addresses stay, because the answer is in them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Any, Final

REMOVED: Final = "<removed>"
ACCOUNT: Final = "<account>"
KEY: Final = "<private key>"
SHORTEST: Final = 6
"""What is shorter and known to be secret is taken out by its form alone: it may be in any word."""
Plain = Any
"""What JSON has: an object, a list, a text, a number, a truth or nothing."""

_NAMES: Final = (
    r"passw(?:or)?d|passphrase|secret|token|api[-_]?key|access[-_]?key|private[-_]?key"
    r"|fastopen[-_]key|credentials?|auth[-_]pass|psk|external[-_]?id"
)
_VALUE: Final = (
    rf"(?:{REMOVED}"
    r'|"""(?s:.*?)(?:"""|\Z)'
    r"|'''(?s:.*?)(?:'''|\Z)"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r'|\\"(?:(?!\\").)*\\"'  # a text in a text
    r"|(?:\\.|[^\s\"'\\])(?:\\.|\S)*"  # a word, with spaces that are escaped
    r"|.+)"  # a quote that nobody has closed
)
_SECRET_NAME: Final = re.compile(rf"(?:{_NAMES}|^send$|^profile$|^auth$)", re.IGNORECASE)

_Replacement = str | Callable[[re.Match[str]], str]
_RULES: Final[tuple[tuple[re.Pattern[str], _Replacement], ...]] = (
    (
        re.compile(
            r"-----BEGIN [^-\n]*PRIVATE KEY(?: BLOCK)?-----.*?"
            r"(?:-----END [^-\n]*PRIVATE KEY(?: BLOCK)?-----|\Z)",
            re.DOTALL,
        ),
        KEY,
    ),
    # The lines of a userlist of HAProxy, and others that say who may come in.
    (
        re.compile(r"^([ \t]*userlist[ \t]+)\S+.*\n((?:[ \t]+\S.*\n?|[ \t]*\n)*)", re.MULTILINE),
        rf"\g<1>{REMOVED}\n",
    ),
    (re.compile(r"\b(stats\s+auth\s+)\S+"), rf"\g<1>{REMOVED}"),
    # To the end of the line, or of the text between quotes that it stands in.
    (
        re.compile(
            r"\b((?:proxy-)?authorization|set-cookie|cookie(?=\\?[\"']?\s*:))"
            r"(\\?[\"']?(?:\\?\s*[:=,]\\?\s*|\\?\s+)\\?[\"']?)[^\"'\n]+",
            re.IGNORECASE,
        ),
        rf"\g<1>\g<2>{REMOVED}",
    ),
    (
        re.compile(
            r"\b(bearer|basic|digest|negotiate)((?:\\?\s)+)[A-Za-z0-9+/._~=-]{8,}", re.IGNORECASE
        ),
        rf"\g<1>\g<2>{REMOVED}",
    ),
    (
        re.compile(
            rf"((?:{_NAMES})[\w.-]{{0,64}})(\\?[\"']?(?:\\?\s*[:=,]\\?\s*|\\?[ \t]+)){_VALUE}",
            re.IGNORECASE,
        ),
        rf"\g<1>\g<2>{REMOVED}",
    ),
    (
        re.compile(rf"\b((?:profile|send|pass)[\"']?\s*[=:]\s*){_VALUE}"),
        rf"\g<1>{REMOVED}",
    ),
    # The arguments of a check's program.
    (
        re.compile(r"\b(command\s*=\s*\[\s*(?:\"[^\"\n]*\"|'[^'\n]*'))[^\]]+"),
        rf"\g<1>, {REMOVED}",
    ),
    (re.compile(r"(://)[^\s@\"']+@"), rf"\g<1>{REMOVED}@"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), REMOVED),
    # What AWS calls unique identifiers: of keys, roles, users.
    (re.compile(r"\bA(?:KIA|SIA|IDA|ROA|GPA|NPA|NVA|IPA|BIA|CCA|PKA|SCA)[A-Z0-9]{6,}"), REMOVED),
    (re.compile(r"(?<![\w+/])[A-Za-z0-9+/]{100,}={0,2}"), REMOVED),
    (re.compile(r"(?<!\bbytes )(?<!\bpackets )(?<![\w.])\d{12}(?![\w.])"), ACCOUNT),
)


@dataclass(frozen=True, slots=True)
class Redactor:
    """Takes secrets out; those that are known by their value, too."""

    known: frozenset[str] = frozenset()

    @classmethod
    def of(cls, environment: Mapping[str, str], known: Iterable[str] = ()) -> Redactor:
        """Know what the environment calls a secret, and some more values."""
        secret = {value for name, value in environment.items() if _SECRET_NAME.search(name)}
        return cls(frozenset(one for one in {*secret, *known} if len(one) >= SHORTEST))

    def text(self, text: str) -> str:
        """The text without what is secret."""
        for value in sorted(self.known, key=len, reverse=True):
            text = text.replace(value, REMOVED)
        for pattern, replacement in _RULES:
            text = pattern.sub(replacement, text)
        return text

    def plain(self, value: object) -> Plain:
        """A value of any kind as JSON has them, without what is secret by its name or its form."""
        match value:
            case None | bool() | int() | float():
                found: Plain = value
            case Enum():
                found = self.plain(value.value)
            case Mapping():
                found = {self.text(str(key)): self._named(str(key), value[key]) for key in value}
            case set() | frozenset():
                found = sorted((self.plain(one) for one in value), key=str)
            case list() | tuple():
                found = [self.plain(one) for one in value]
            case _ if is_dataclass(value):
                named = {one.name: getattr(value, one.name) for one in fields(value)}
                found = self.plain(named)
            case _:
                found = self.text(str(value))
        return found

    def _named(self, name: str, value: object) -> Plain:
        if _SECRET_NAME.search(name) and value not in (None, True, False, "", (), []):
            return REMOVED
        if name == "command" and isinstance(value, list | tuple):
            return [self.plain(one) for one in value[:1]] + [REMOVED for _ in value[1:]]
        return self.plain(value)
