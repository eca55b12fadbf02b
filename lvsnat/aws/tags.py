"""What the undo tags of a VPC say was there before, for whoever has no journal. Pure.

Only routes are noted in tags. A route that leads to somebody else's interface may be another
director's, whose notes are none of ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final

from lvsnat.aws.network import RouteTable
from lvsnat.aws.picture import Picture
from lvsnat.aws.resources import NOTHING, TableRoute, UndoTag
from lvsnat.aws.seen import UNDO_TAG, route_of
from lvsnat.aws.target import Target, TargetKind
from lvsnat.plan.change import Change, Create, Update


@dataclass(frozen=True, slots=True)
class Noted:
    """One note, as the changes that it is about: they are there, and may be put back."""

    changes: tuple[Change, ...] = ()
    alone: str = ""
    """Why nothing is done about it."""


_UNREADABLE: Final = "is not what lvsnat writes"


def noted(picture: Picture, directors: Sequence[str]) -> Iterator[Noted]:
    """Every note of a VPC.

    ``directors``: the interfaces whose routes are ours to put back, this machine's first.
    """
    for table in picture.tables:
        for key, value in table.tags:
            if key.startswith(UNDO_TAG):
                yield _read(table, key, value, directors)


def _read(table: RouteTable, key: str, value: str, directors: Sequence[str]) -> Noted:
    try:
        network = ip_network(key.removeprefix(UNDO_TAG))
    except ValueError:
        return Noted(alone=f"{table.id}: the tag {key} {_UNREADABLE}")
    before = Target(value)
    if value != NOTHING and before.kind is TargetKind.UNKNOWN:
        return Noted(alone=f"{table.id}: the tag {key} = {value} {_UNREADABLE}")
    tag = UndoTag(table.id, network, value)
    now = route_of(table, network)
    then = None if value == NOTHING else TableRoute(table.id, network, before)
    if now == then:
        # The tag was written, and the route was not changed, or was put back already.
        return Noted((Create(tag),))
    target = None if now is None else now.target
    if target is not None and target.kind is TargetKind.INTERFACE and target.id not in directors:
        return Noted(
            alone=f"{table.id} {network} leads to {target}, which is not this director: left alone"
            " (name that one with --eni, or as the other one with --peer-eni)"
        )
    ours = target if target is not None and target.id in directors else Target(directors[0])
    made = TableRoute(table.id, network, ours)
    return Noted((Create(tag), Create(made) if then is None else Update(then, made)))
