"""Values to the text of TOML."""

from __future__ import annotations

from collections.abc import Iterable

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f"} | {
    "\r": "\\r"
}


def inline(values: dict[str, str]) -> str:
    return "{ " + ", ".join(f"{key} = {value}" for key, value in values.items()) + " }"


def string(text: str) -> str:
    """Write a basic string."""
    return '"' + "".join(_ESCAPES.get(c) or _printable(c) for c in text) + '"'


def text(value: object) -> str:
    return string(str(value))


def strings(values: Iterable[object]) -> str:
    return f"[{', '.join(string(str(value)) for value in values)}]"


def span(seconds: float) -> str:
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    return string(f"{whole * 1000 + milliseconds}ms" if milliseconds else f"{whole}s")


def boolean(value: bool) -> str:  # noqa: FBT001 - it is what is written
    return "true" if value else "false"


def _printable(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x20 or code == 0x7F else character  # noqa: PLR2004 - ASCII
