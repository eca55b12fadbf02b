"""Values as short words. Plain strings: no colour and no Rich here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from difflib import SequenceMatcher
from typing import Final

from lvsnat.model.override import Override
from lvsnat.model.service import Persistence
from lvsnat.model.status import Drain, Sync

NOTHING: Final = "-"
"""What stands in a cell that has no value."""
NONE: Final = "none"
"""What resources say of a setting that is not set."""

ONE_WAY: Final = "packets in, none out; 'lvsnat doctor' says why"

_STEP = 1000
_SHORT = 100_000
_UNITS = ("k", "M", "G", "T", "P", "E")


def count(number: int, noun: str) -> str:
    """``1 service``, ``2 services``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def state(sync: Sync) -> str:
    """A state as one word, the same in tables and documents: ``in-sync``."""
    return sync.value.replace(" ", "-")


def override(value: Override) -> str:
    """``drained``, ``disabled until 2026-11-22T16:05:00+00:00``."""
    return value.reason if value.until is None else f"{value.reason} until {moment(value.until)}"


def drain(value: Drain) -> str:
    """How far a drain is: ``empty``, ``12 left``, ``12 left, about 1:30 min``."""
    if not value.left:
        return "empty"
    soon = "" if value.ends_in is None else f", about {span(value.ends_in)}"
    return f"{value.left} left{soon}"


def moment(seconds: float) -> str:
    """A moment of the wall clock, in this machine's time zone: ``2026-11-22T16:05:00+00:00``."""
    return datetime.fromtimestamp(seconds, UTC).astimezone().isoformat(timespec="seconds")


def span(seconds: float) -> str:
    """How long something takes: ``45 s``, ``4:05 min``, ``2:00:00 h``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{rest:02} h"
    return f"{minutes}:{rest:02} min" if minutes else f"{rest} s"


def exact(number: int | None) -> str:
    """Every digit; a dash for what nobody counts."""
    return NOTHING if number is None else str(number)


def in_bytes(number: int | None) -> str:
    """A number of bytes in three digits: ``0``, ``512 B``, ``1.2 MB``, ``34 GB``."""
    if number is None:
        return NOTHING
    if number < _STEP:
        return f"{number} B" if number else "0"
    return f"{_scaled(number)}B"


def in_short(number: int | None) -> str:
    """A number of things in five digits: ``99999``, then ``123 k``, ``1.2 M``."""
    if number is None:
        return NOTHING
    return str(number) if number < _SHORT else _scaled(number)


def _scaled(number: int) -> str:
    value: float = number
    for unit in _UNITS:
        value /= _STEP
        # 999.5 and more would be rounded to 1000.
        if value < _STEP - 0.5 or unit == _UNITS[-1]:
            digits = 1 if value < 9.95 else 0  # noqa: PLR2004 - 9.95 would be rounded to 10.0
            return f"{value:.{digits}f} {unit}"
    raise AssertionError


def persistence(value: Persistence | None) -> str:
    """What ``--persistent`` reads: ``300``, ``300/24``; a persistence engine stands behind it."""
    if value is None:
        return NOTHING
    prefix = "" if value.prefix is None else f"/{value.prefix}"
    engine = "" if value.engine is None else f" {value.engine}"
    return f"{value.timeout}{prefix}{engine}"


def settings(values: Mapping[str, str]) -> str:
    """The settings that are set: ``scheduler=wrr flags="sh-port, sh-fallback"``.

    Of a text, how long it is.
    """
    return " ".join(
        f"{key}=({count(len(value.splitlines()), 'line')})"
        if is_text(value)
        else f"{key}={_quoted(value)}"
        for key, value in values.items()
        if value != NONE
    )


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """The settings that differ: ``weight 1 → 3, upper none → 100``; of a text, how much."""
    return ", ".join(
        _difference(key, before.get(key, NONE), after.get(key, NONE))
        for key in dict.fromkeys((*after, *before))
        if before.get(key, NONE) != after.get(key, NONE)
    )


def is_text(value: str) -> bool:
    """Whether a setting is a text of several lines, and no word."""
    return "\n" in value


def _difference(key: str, before: str, after: str) -> str:
    if not (is_text(before) or is_text(after)):
        return f"{key} {before} → {after}"
    changed = text_changes(before, after)
    gone = sum(sign == "-" for sign, _ in changed)
    come = sum(sign == "+" for sign, _ in changed)
    return f"{key} {count(gone, 'line')} → {count(come, 'line')}"


def text_changes(before: str, after: str) -> list[tuple[str, str]]:
    """The lines that go (``-``) and come (``+``), each group under its section (a blank).

    A section begins with a line that is not indented. Comments are told where nothing else changes.
    """
    old, new = _told(before), _told(after)
    if old == new:
        old, new = before.splitlines(), after.splitlines()
    changes: list[tuple[str, str]] = []
    under = ""
    for what, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            continue
        section = next((line for line in reversed(new[:k]) if not line.startswith(" ")), "")
        if section not in ("", under):
            changes.append((" ", section))
        under = section
        changes += [("-", line) for line in old[i:j]]
        changes += [("+", line) for line in new[k:m]]
    return changes


def _told(text: str) -> list[str]:
    if text == NONE:
        return []
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value or not value else value
