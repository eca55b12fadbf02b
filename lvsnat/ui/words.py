"""Values as short words. Plain strings: no colour and no Rich here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from lvsnat.model.override import Override
from lvsnat.model.service import Persistence
from lvsnat.model.status import Sync

NOTHING: Final = "-"
"""What stands in a cell that has no value."""
NONE: Final = "none"
"""What resources say of a setting that is not set."""

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


def in_bytes(number: int) -> str:
    """A number of bytes in three digits: ``0``, ``512 B``, ``1.2 MB``, ``34 GB``."""
    if number < _STEP:
        return f"{number} B" if number else "0"
    return f"{_scaled(number)}B"


def in_short(number: int) -> str:
    """A number of things in five digits: ``99999``, then ``123 k``, ``1.2 M``."""
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
    """The settings that are set: ``scheduler=wrr flags="sh-port, sh-fallback"``."""
    return " ".join(f"{key}={_quoted(value)}" for key, value in values.items() if value != NONE)


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """The settings that differ: ``weight 1 → 3, upper none → 100``."""
    return ", ".join(
        f"{key} {before.get(key, NONE)} → {after.get(key, NONE)}"
        for key in dict.fromkeys((*after, *before))
        if before.get(key, NONE) != after.get(key, NONE)
    )


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value or not value else value
