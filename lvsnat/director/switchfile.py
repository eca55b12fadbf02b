"""The journal of a switch: the phase in force, and how long the present wait may last.

All of it is about the running kernel, so the file names the boot that it is about. In plain lvs-nat
there is none.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from lvsnat.errors import LvsnatError
from lvsnat.model.phase import Phase
from lvsnat.system import boot_id, read_file

VERSION = 1


@dataclass(frozen=True, slots=True)
class Journal:
    """What a switch, cut off at any moment, must know to go on."""

    phase: Phase
    origin: Phase | None = None
    """The phase before, while the step from there to ``phase`` is being made."""
    deadline: float | None = None
    """Seconds since the epoch: so long are the connections of the old side waited for."""
    limit: float | None = None
    """How many seconds each wait may last, as the command said that switches."""


def load(path: Path) -> Journal | None:
    """Read the journal; None where no switch was made, or in another boot."""
    text = read_file(path)
    if text is None:
        return None
    try:
        return parse(text)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LvsnatError(
            f"{path}: not the journal of a switch that this version reads ({error})",
            f"'mv {path} {path}.broken', then 'lvsnat apply' makes this host as the mode of the"
            " configuration wants it; connections of the other mode may be cut",
        ) from None


def parse(text: str, boot: str | None = None) -> Journal | None:
    """Read the text of a journal, in this boot or another one."""
    data = json.loads(text)
    if data["version"] != VERSION:
        message = f"version {data['version']}"
        raise ValueError(message)
    origin = data["origin"]
    journal = Journal(
        Phase(data["phase"]),
        None if origin is None else Phase(origin),
        _seconds(data["deadline"]),
        _seconds(data["limit"]),
    )
    now, then = boot or boot_id(), data["boot"]
    return journal if now == then or not (now and then) else None


def render(journal: Journal, boot: str | None = None) -> str:
    fields = {
        "boot": boot or boot_id(),
        "phase": journal.phase,
        "origin": journal.origin,
        "deadline": journal.deadline,
        "limit": journal.limit,
    }
    return json.dumps({"version": VERSION, **fields}, indent=1) + "\n"


def _seconds(value: object) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float):
        raise TypeError("a moment that is no number")
    return float(value)
