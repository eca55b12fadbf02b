"""The three things that can be done to a resource.

Consumers ``match`` on them, so that mypy finds a forgotten arm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lvsnat.model.resource import Key, Resource


@dataclass(frozen=True, slots=True)
class Create:
    """Bring a resource into being."""

    resource: Resource


@dataclass(frozen=True, slots=True)
class Update:
    """Edit a resource in place."""

    before: Resource
    after: Resource


@dataclass(frozen=True, slots=True)
class Delete:
    """Take a resource away."""

    resource: Resource


Change = Create | Update | Delete
Report = Callable[[Change], None]
"""Told of each change that the system has confirmed."""


def subject(change: Change) -> Resource:
    """The resource that a change is about: as it will be, or as it was if it goes."""
    match change:
        case Create(resource) | Delete(resource):
            return resource
        case Update(after=after):
            return after


def key_of(change: Change) -> Key:
    return subject(change).key


def inverse(change: Change) -> Change:
    """What undoes a change that was carried out."""
    match change:
        case Create(resource):
            return Delete(resource)
        case Update(before, after):
            return Update(after, before)
        case Delete(resource):
            return Create(resource)
