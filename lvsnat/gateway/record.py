"""What lvsnat has set on this server and what was there before, kept in a file.

All of it lives in the running kernel and ends with it: after another boot only what was wished for
is told, as what may have been.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self

from lvsnat.errors import LvsnatError
from lvsnat.gateway.resources import value_of
from lvsnat.gateway.wish import GatewayWish, ReplyPort
from lvsnat.model.endpoint import Family
from lvsnat.model.resource import Key, Resource, State
from lvsnat.plan.change import Change, Delete, key_of, subject
from lvsnat.plan.ledger import Ledger
from lvsnat.system import boot_id, read_file

VERSION = 1
Wishes = Mapping[Family, GatewayWish]


@dataclass(frozen=True, slots=True)
class Trial:
    """A way back that nobody has kept yet."""

    began: float
    """Seconds since the epoch."""
    before: Wishes
    """What to go back to."""


@dataclass(frozen=True, slots=True)
class Record:
    """What is ours on this server."""

    wishes: Wishes = field(default_factory=dict)
    made: Mapping[Key, tuple[str, ...]] = field(default_factory=dict)
    """What lvsnat set, and to what: to one of two values, where it was killed in between."""
    originals: Mapping[Key, str] = field(default_factory=dict)
    trial: Trial | None = None
    earlier: Wishes = field(default_factory=dict)
    """The wishes of an earlier boot."""

    def __bool__(self) -> bool:
        return bool(self.wishes or self.made or self.originals or self.trial)

    @property
    def ledger(self) -> Ledger:
        """The same as the plan asks for it."""
        return Ledger(frozenset(self.made.keys() - self.originals.keys()), dict(self.originals))

    def is_ours(self, resource: Resource) -> bool:
        """Whether something is still as lvsnat left it."""
        return value_of(resource) in self.made.get(resource.key, ())

    def intending(self, wishes: Wishes, changes: Iterable[Change], trial: Trial | None) -> Self:
        """This record as it must be on the disk before the changes begin."""
        changes = tuple(changes)
        ledger = self.ledger.intending(changes)
        made = dict(self.made)
        for change in changes:
            key = key_of(change)
            if not isinstance(change, Delete) and ledger.owns(key):
                made[key] = tuple(dict.fromkeys((*made.get(key, ()), value_of(subject(change)))))
        return replace(self, wishes=wishes, made=made, originals=ledger.originals, trial=trial)

    def after(self, changes: Iterable[Change], desired: State) -> Self:
        """This record once the changes are made: of what is not wished for, nothing is ours."""
        ledger = self.ledger.after(changes)
        made = {key: (value_of(resource),) for key, resource in desired.items() if ledger.owns(key)}
        kept = {key: value for key, value in ledger.originals.items() if key in made}
        return replace(self, made=made, originals=kept)


def load(path: Path) -> Record:
    """Read the record; an absent file is an empty one. Raises LvsnatError."""
    text = read_file(path)
    if text is None:
        return Record()
    try:
        return parse(text)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LvsnatError(
            f"{path}: not a state that this version reads ({error!r})",
            f"look into it for what is to be put back, and move it away: 'mv {path} {path}.broken'",
        ) from None


def parse(text: str, boot: str | None = None) -> Record:
    """Read the text of a record, in this boot or another one."""
    data = json.loads(text)
    if data["version"] != VERSION:
        message = f"version {data['version']}"
        raise ValueError(message)
    wishes = _wishes(data["wishes"])
    now, then = boot or boot_id(), data.get("boot")
    if now and then and now != then:
        return Record(earlier=wishes)
    trial = data["trial"]
    return Record(
        wishes,
        {Key(one["kind"], one["name"]): tuple(one["values"]) for one in data["made"]},
        {Key(one["kind"], one["name"]): str(one["value"]) for one in data["originals"]},
        None if trial is None else Trial(float(trial["began"]), _wishes(trial["before"])),
    )


def render(record: Record, boot: str | None = None) -> str:
    trial = record.trial
    data = {
        "version": VERSION,
        "boot": boot or boot_id(),
        "wishes": [_written(wish) for wish in record.wishes.values()],
        "made": [
            {"kind": key.kind, "name": key.name, "values": list(values)}
            for key, values in record.made.items()
        ],
        "originals": [
            {"kind": key.kind, "name": key.name, "value": value}
            for key, value in record.originals.items()
        ],
        "trial": None
        if trial is None
        else {"began": trial.began, "before": [_written(one) for one in trial.before.values()]},
    }
    return json.dumps(data, indent=1) + "\n"


def _written(wish: GatewayWish) -> dict[str, Any]:
    return {
        "via": str(wish.via),
        "interface": wish.interface,
        "sources": [str(one) for one in wish.sources],
        "reply_ports": [str(one) for one in wish.reply_ports],
        "local_clients": wish.local_clients,
        "table": wish.table,
        "priority": wish.priority,
    }


def _wishes(entries: Iterable[dict[str, Any]]) -> Wishes:
    found = [
        GatewayWish(
            ip_address(one["via"]),
            one["interface"],
            tuple(map(ip_address, one["sources"])),
            tuple(map(ReplyPort.parse, one["reply_ports"])),
            bool(one["local_clients"]),
            int(one["table"]),
            int(one["priority"]),
        )
        for one in entries
    ]
    return {wish.family: wish for wish in found}
