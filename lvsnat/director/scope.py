"""Which part of the whole difference a command is about, and what it takes over. No I/O here."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from lvsnat.model.resource import Key, State
from lvsnat.plan.change import Change, Create, key_of, subject
from lvsnat.plan.ledger import Ledger
from lvsnat.plan.planner import Plan, caused_by, plan


@dataclass(frozen=True, slots=True)
class View:
    """The two states, and what is ours, at one moment."""

    desired: State
    observed: State
    ledger: Ledger

    def plan(self) -> Plan:
        return plan(self.desired, self.observed, self.ledger)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a command carries out, and under which ledger."""

    plan: Plan
    drift: Plan
    """What differs besides, and is left alone."""
    ledger: Ledger
    """With what is taken over now, and without what is neither wished for nor there."""


def scope(
    view: View,
    before: State | None,
    *,
    adopt: bool,
    only: Collection[Key] | None = None,
) -> Scope:
    """The part that turns ``before``, another desired state, into this one; None means all.

    ``only``: instead, what is about these keys and what belongs to them. What is taken over is
    taken over whole: a service with its servers, whoever made those.
    """
    whole, ledger = view.plan(), view.ledger.pruned(view.desired, view.observed)
    touched = None if before is None else _touched(before, view.desired, whole)
    if only is not None:
        touched = {key_of(c) for c in whole.changes if {key_of(c), _owner(c)} & set(only)}
    if adopt:
        adopted = {
            resource.key
            for resource in whole.conflicts
            if touched is None or resource.key in touched
        }
        ledger = ledger.adopting(adopted)
        whole = plan(view.desired, view.observed, ledger)
        if touched is not None:
            touched |= {key_of(change) for change in whole.changes if _owner(change) in adopted}
    if touched is None:
        return Scope(whole, Plan(), ledger)
    touched = _with_parents(touched, whole)
    return Scope(whole.only(touched), whole.without(touched), ledger)


def _touched(before: State, after: State, whole: Plan) -> set[Key]:
    """The keys that differ, and the services of somebody else that stand in their way."""
    touched = caused_by(before, after)
    strangers = {resource.key for resource in whole.conflicts}
    return touched | (strangers & set(_owners(touched, before, after)))


def _owners(keys: set[Key], *states: State) -> Iterator[Key]:
    for state in states:
        yield from (state[key].owner for key in keys if key in state)


def _with_parents(touched: set[Key], whole: Plan) -> set[Key]:
    """Add what a touched resource needs: the parent that is gone, with the parent's children."""
    created = {key_of(change) for change in whole.changes if isinstance(change, Create)}
    parents = {_owner(change) for change in whole.changes if key_of(change) in touched} & created
    return touched | {key_of(change) for change in whole.changes if _owner(change) in parents}


def _owner(change: Change) -> Key:
    return subject(change).owner
