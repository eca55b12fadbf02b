"""The ledger as a file: what is ours, and what settings were before."""

from __future__ import annotations

import json
from pathlib import Path

from lvsnat.errors import LvsnatError
from lvsnat.model.resource import Key
from lvsnat.plan.ledger import Ledger
from lvsnat.system import StagedFile, read_file, write_file

VERSION = 1


def load(path: Path) -> Ledger:
    """Read the ledger; an absent file is an empty one."""
    text = read_file(path)
    if text is None:
        return Ledger()
    try:
        return parse(text)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LvsnatError(
            f"{path}: not a ledger that this version reads ({error})",
            f"move it away ('mv {path} {path}.broken') and run 'lvsnat apply --adopt': "
            "it takes over the services of the configuration",
        ) from None


def store(path: Path, ledger: Ledger) -> None:
    """Write the ledger so that it survives a power cut."""
    write_file(path, render(ledger))


def stage(path: Path, ledger: Ledger) -> StagedFile:
    """Write the ledger beside its place."""
    return StagedFile(path, render(ledger))


def parse(text: str) -> Ledger:
    data = json.loads(text)
    if data["version"] != VERSION:
        message = f"version {data['version']}"
        raise ValueError(message)
    return Ledger(
        frozenset(Key(kind, name) for kind, names in data["owned"].items() for name in names),
        {
            Key(kind, name): value
            for kind, values in data["originals"].items()
            for name, value in values.items()
        },
    )


def render(ledger: Ledger) -> str:
    owned: dict[str, list[str]] = {}
    for kind, name in sorted(ledger.owned):
        owned.setdefault(kind, []).append(name)
    originals: dict[str, dict[str, str]] = {}
    for (kind, name), value in sorted(ledger.originals.items()):
        originals.setdefault(kind, {})[name] = value
    return json.dumps({"version": VERSION, "owned": owned, "originals": originals}, indent=1) + "\n"
