"""The operator's overrides as a file: which servers are held at weight 0, and until when."""

from __future__ import annotations

import json
from pathlib import Path

from lvsnat.director.rewrite import Rewrite
from lvsnat.errors import LvsnatError
from lvsnat.model.override import Override, Reason
from lvsnat.model.resource import Key, State, Weighted
from lvsnat.plan.overlay import Overrides
from lvsnat.system import read_file

VERSION = 1


def load(path: Path) -> Overrides:
    """Read the overrides; an absent file has none."""
    text = read_file(path)
    if text is None:
        return {}
    try:
        return parse(text)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LvsnatError(
            f"{path}: not a list of overrides that this version reads ({error})",
            f"move it away ('mv {path} {path}.broken'): every server then has the weight of the"
            " configuration at the next 'lvsnat apply'",
        ) from None


def rewrites(path: Path, overrides: Overrides, desired: State) -> list[Rewrite]:
    """What makes the file hold these, but for those of servers that nobody wishes for any more."""
    seats = {one.seat for one in desired.values() if isinstance(one, Weighted)}
    kept = {key: override for key, override in overrides.items() if key in seats}
    return [] if kept == load(path) else [Rewrite(path, read_file(path), render(kept))]


def parse(text: str) -> Overrides:
    data = json.loads(text)
    if data["version"] != VERSION:
        message = f"version {data['version']}"
        raise ValueError(message)
    return {
        Key(entry["kind"], entry["name"]): Override(Reason(entry["reason"]), entry["until"])
        for entry in data["overrides"]
    }


def render(overrides: Overrides) -> str:
    entries = [
        {"kind": key.kind, "name": key.name, "reason": override.reason, "until": override.until}
        for key, override in sorted(overrides.items())
    ]
    return json.dumps({"version": VERSION, "overrides": entries}, indent=1) + "\n"
