"""The undo journal as a file: what each change found, and how far it got.

It is written before the first call and after each one, so that whatever ends the program leaves
behind how everything was. A step that is ``begun`` may have been made or not: the world tells.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from ipaddress import IPv4Address, ip_address, ip_network
from pathlib import Path
from typing import Any, Final

from lvsnat.aws.calls import both
from lvsnat.aws.resources import (
    AwsResource,
    ElasticAddress,
    ElasticMapping,
    GroupRule,
    SecondaryAddress,
    SourceDestCheck,
    TableRoute,
    UndoTag,
)
from lvsnat.aws.target import Target
from lvsnat.errors import LvsnatError
from lvsnat.plan.change import Change, Create, Delete, Update
from lvsnat.system import read_file, remove_file, write_file

VERSION: Final = 1
_KINDS: Final[Mapping[str, Callable[..., AwsResource]]] = {
    one.__name__: one
    for one in (
        SourceDestCheck,
        SecondaryAddress,
        GroupRule,
        ElasticAddress,
        ElasticMapping,
        UndoTag,
        TableRoute,
    )
}


class Stand(StrEnum):
    """How far a step got."""

    PLANNED = "planned"
    BEGUN = "begun"
    """Its call was about to be made, and nothing is known of the answer."""
    MADE = "made"
    UNDONE = "undone"
    KEPT = "kept"
    """An Elastic IP that was allocated: released, the address would be lost for good."""


@dataclass(frozen=True, slots=True)
class Step:
    """One change, and how far it got."""

    change: Change
    stand: Stand = Stand.PLANNED

    @property
    def before(self) -> AwsResource | None:
        return both(self.change)[0]

    @property
    def after(self) -> AwsResource | None:
        return both(self.change)[1]


@dataclass(frozen=True, slots=True)
class Where:
    """The VPC that a journal is about, and how it is reached."""

    region: str
    vpc: str
    interface: str
    """The director's."""
    endpoint: str | None = None
    """None: where AWS has the API for the region."""


@dataclass
class Journal:
    """The steps of one apply, kept in a file."""

    path: Path
    began: float
    """Seconds since the epoch."""
    where: Where
    steps: list[Step] = field(default_factory=list)
    allocations: dict[str, str] = field(default_factory=dict)
    """Of each VIP, the Elastic IP that was allocated for it."""

    @classmethod
    def begin(cls, folder: Path, began: float, where: Where, changes: Iterable[Change]) -> Journal:
        """Write a new journal. Raises LvsnatError where that cannot be."""
        path = _free_path(folder, began)
        journal = cls(path, began, where, [Step(change) for change in changes])
        journal.save()
        return journal

    @classmethod
    def of_made(
        cls, folder: Path, began: float, where: Where, changes: Iterable[Change]
    ) -> Journal:
        """A journal of changes that were made without one here; it is written when it is used."""
        steps = [Step(change, Stand.MADE) for change in changes]
        return cls(_free_path(folder, began), began, where, steps)

    @property
    def id(self) -> str:
        return self.path.stem

    @property
    def open(self) -> tuple[int, ...]:
        """The places of the steps that may have been made and were not undone."""
        return tuple(
            place
            for place, step in enumerate(self.steps)
            if step.stand in (Stand.BEGUN, Stand.MADE)
        )

    def mark(self, place: int, stand: Stand, change: Change | None = None) -> None:
        """Note how far a step got, on the disk."""
        step = self.steps[place]
        self.steps[place] = replace(step, stand=stand, change=change or step.change)
        self.save()

    def save(self) -> None:
        write_file(self.path, render(self), mode=0o600)

    def close(self) -> None:
        """Forget it: nothing of it is left to undo."""
        remove_file(self.path)


def _free_path(folder: Path, began: float) -> Path:
    day = datetime.fromtimestamp(began, UTC).strftime("%Y%m%dT%H%M%SZ")
    path, number = folder / f"{day}.json", 1
    while path.exists():
        number += 1
        path = folder / f"{day}-{number}.json"
    return path


def unfinished(folder: Path) -> list[Journal]:
    """Every journal that has something to undo, the latest first. Raises LvsnatError."""
    paths = sorted(folder.glob("*.json"), reverse=True)
    found = [load(path) for path in paths]
    found.sort(key=lambda one: (one.began, one.id), reverse=True)
    return [one for one in found if one.open]


def load(path: Path) -> Journal:
    """Read a journal. Raises LvsnatError where it cannot be read."""
    try:
        return parse(path, read_file(path) or "")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LvsnatError(
            f"{path}: not a journal that this version reads ({error!r})",
            f"look into it for what is to be put back, and move it away: 'mv {path} {path}.broken'",
        ) from None


def parse(path: Path, text: str) -> Journal:
    """Read the text of a journal."""
    data = json.loads(text)
    if data["version"] != VERSION:
        message = f"version {data['version']}"
        raise ValueError(message)
    where = data["where"]
    return Journal(
        path,
        float(data["began"]),
        Where(where["region"], where["vpc"], where["interface"], where["endpoint"]),
        [Step(_change(one), Stand(one["stand"])) for one in data["steps"]],
        dict(data["allocations"]),
    )


def render(journal: Journal) -> str:
    where = journal.where
    data = {
        "version": VERSION,
        "began": journal.began,
        "where": {
            "region": where.region,
            "vpc": where.vpc,
            "interface": where.interface,
            "endpoint": where.endpoint,
        },
        "steps": [
            {
                "stand": str(step.stand),
                "before": _written(step.before),
                "after": _written(step.after),
            }
            for step in journal.steps
        ],
        "allocations": journal.allocations,
    }
    return json.dumps(data, indent=1) + "\n"


def _change(data: dict[str, Any]) -> Change:
    before, after = _resource(data["before"]), _resource(data["after"])
    if before is not None and after is not None:
        return Update(before, after)
    if after is not None:
        return Create(after)
    if before is not None:
        return Delete(before)
    raise ValueError("a step that changes nothing")


def _written(resource: AwsResource | None) -> dict[str, Any] | None:
    if resource is None:
        return None
    values = {one.name: getattr(resource, one.name) for one in fields(resource)}
    plain = {
        name: value if isinstance(value, int | None) else str(value)
        for name, value in values.items()
    }
    return {"is": type(resource).__name__, **plain}


_READERS: Final[Mapping[str, Callable[[str], object]]] = {
    "address": ip_address,
    "vip": IPv4Address,
    "private": IPv4Address,
    "public": IPv4Address,
    "network": ip_network,
    "destination": ip_network,
    "target": Target,
}


def _resource(data: dict[str, Any] | None) -> AwsResource | None:
    if data is None:
        return None
    kind = _KINDS[data["is"]]
    values = {
        name: _READERS[name](value) if name in _READERS and value is not None else value
        for name, value in data.items()
        if name != "is"
    }
    return kind(**values)
