"""What makes a plan unsafe, computed on the plan itself, before anything happens. No I/O here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from lvsnat.model.resource import Key, Resource, State, Weighted
from lvsnat.plan.change import Change, Delete, key_of, subject
from lvsnat.plan.planner import Plan

REMOVAL_SHARE = 3
"""More than one in this many removed at once is unsafe."""
REMOVAL_FLOOR = 10
"""With fewer resources than this, a third is an ordinary change."""


class Risk(StrEnum):
    """What is at stake."""

    EMPTIES = "empties"
    REMOVES_MANY = "removes many"
    CUTS_SESSION = "cuts session"
    CUTS_CONNECTIONS = "cuts connections"


@dataclass(frozen=True, slots=True)
class Objection:
    """One reason not to carry out a plan; ``--force`` overrules it."""

    risk: Risk
    message: str
    why: str


def objections(
    plan: Plan,
    observed: State,
    *,
    cuts_session: Callable[[Change], bool],
    active: Callable[[], Mapping[Key, int]],
) -> tuple[Objection, ...]:
    """Everything that speaks against a plan.

    ``cuts_session`` knows what carries the connection that the operator works through, ``active``
    how many connections each server holds; it is asked only where something is removed.
    """
    return (
        *_emptied(plan, observed),
        *_mass_removal(plan, observed),
        *_cut_session(plan, cuts_session),
        *_cut_connections(plan, observed, active),
    )


def _emptied(plan: Plan, observed: State) -> Iterator[Objection]:
    """Services that go on existing and lose their last server that takes connections."""
    changed = {key_of(change): change for change in plan.changes}
    after: dict[Key, Resource] = {
        key: resource for key, resource in observed.items() if key not in changed
    }
    after |= {
        key: subject(change) for key, change in changed.items() if not isinstance(change, Delete)
    }
    takers, takers_after = _takers(observed.values()), _takers(after.values())
    for owner in {subject(change).owner for change in plan.changes}:
        if owner in after and takers.get(owner) and not takers_after.get(owner):
            yield Objection(
                Risk.EMPTIES,
                f"{after[owner].describe()} is left without a server that takes connections",
                "new clients are refused until a server has a weight above 0",
            )


def _takers(resources: Iterable[Resource]) -> Mapping[Key, int]:
    count: dict[Key, int] = {}
    for resource in resources:
        if isinstance(resource, Weighted) and resource.weight > 0:
            count[resource.owner] = count.get(resource.owner, 0) + 1
    return count


def _mass_removal(plan: Plan, observed: State) -> Iterator[Objection]:
    strangers = {resource.key for resource in plan.unmanaged}
    ours = [r for r in observed.values() if not r.shared and r.key not in strangers]
    gone = sum(isinstance(change, Delete) for change in plan.changes)
    if len(ours) >= REMOVAL_FLOOR and gone * REMOVAL_SHARE > len(ours):
        yield Objection(
            Risk.REMOVES_MANY,
            f"{gone} of {len(ours)} services and servers would be removed",
            "more than a third at once is more often a wrong file than a wish",
        )


def _cut_session(plan: Plan, cuts_session: Callable[[Change], bool]) -> Iterator[Objection]:
    for change in plan.changes:
        if cuts_session(change):
            yield Objection(
                Risk.CUTS_SESSION,
                f"{subject(change).describe()} carries the ssh connection that this runs in",
                "the change cuts you off from this machine",
            )


def _cut_connections(
    plan: Plan, observed: State, active: Callable[[], Mapping[Key, int]]
) -> Iterator[Objection]:
    """Connections of servers that go; the next packet of each is answered with a reset.

    Those of a proxy go on without the server, but not without what brings their replies back: that
    goes with the last service.
    """
    gone = {
        key_of(change): change.resource for change in plan.changes if isinstance(change, Delete)
    }
    servers = [
        resource
        for resource in gone.values()
        if isinstance(resource, Weighted)
        and (resource.lives_by is None or resource.lives_by in gone)
    ]
    held = active() if servers else {}
    cut: dict[Key, int] = {}
    for server in servers:
        cut[server.owner] = cut.get(server.owner, 0) + held.get(server.key, 0)
    for owner, number in cut.items():
        if number:
            connections = "connection" if number == 1 else "connections"
            yield Objection(
                Risk.CUTS_CONNECTIONS,
                f"{number} active {connections} of {observed[owner].describe()} would be cut",
                "'lvsnat server drain' lets those of one server end first",
            )
