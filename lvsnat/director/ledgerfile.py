"""The ledger as a file: what is ours, and what settings were before.

All of it lives in the running kernel and ends with it. So the file names the boot that it is about;
after another one nothing is ours, and what settings were before is to be seen anew.
"""

from __future__ import annotations

import json
from pathlib import Path

from lvsnat.errors import LvsnatError
from lvsnat.model.resource import Key
from lvsnat.plan.ledger import Ledger
from lvsnat.system import boot_id, read_file

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


def parse(text: str, boot: str | None = None) -> Ledger:
    """Read the text of a ledger, in this boot or another one.

    A text that names no boot is of an earlier lvsnat and counts as of this one.
    """
    data = json.loads(text)
    if data["version"] != VERSION:
        message = f"version {data['version']}"
        raise ValueError(message)
    ledger = Ledger(
        frozenset(Key(kind, name) for kind, names in data["owned"].items() for name in names),
        {
            Key(kind, name): value
            for kind, values in data["originals"].items()
            for name, value in values.items()
        },
    )
    now, then = boot or boot_id(), data.get("boot")
    return ledger if now == then or not (now and then) else Ledger()


def render(ledger: Ledger, boot: str | None = None) -> str:
    owned: dict[str, list[str]] = {}
    for kind, name in sorted(ledger.owned):
        owned.setdefault(kind, []).append(name)
    originals: dict[str, dict[str, str]] = {}
    for (kind, name), value in sorted(ledger.originals.items()):
        originals.setdefault(kind, {})[name] = value
    entries = {"owned": owned, "originals": originals}
    return json.dumps({"version": VERSION, "boot": boot or boot_id(), **entries}, indent=1) + "\n"
