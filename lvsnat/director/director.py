"""The library's front door: read, plan, change and show a director.

Every change takes the same path: edit the wish, expand it, observe, plan, carry out.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from lvsnat.config.edit import ConfigDocument
from lvsnat.config.parse import parse_config
from lvsnat.config.problems import ConfigError
from lvsnat.director import ledgerfile, overridefile
from lvsnat.director.draft import Draft, difference
from lvsnat.director.paths import Paths
from lvsnat.director.status import Stats, status
from lvsnat.director.transaction import Transaction
from lvsnat.errors import UsageError
from lvsnat.host.placement import cuts_session
from lvsnat.model.config import Config
from lvsnat.model.resource import Key, Resource, State, state_of
from lvsnat.model.status import DirectorStatus
from lvsnat.plan.backend import Backend
from lvsnat.plan.change import Change, Create, key_of, subject
from lvsnat.plan.guard import objections
from lvsnat.plan.ledger import Ledger
from lvsnat.plan.overlay import Overrides, overlay
from lvsnat.plan.planner import Plan, caused_by, plan
from lvsnat.system import locked, now, read_file

Edit = Callable[[ConfigDocument], None]
Overriding = Callable[[Config, Overrides], Overrides]


@dataclass(frozen=True, slots=True)
class Options:
    """How a change is to be made."""

    adopt: bool = False
    """Take over what somebody else made, where the configuration asks for it."""
    wait: bool = True
    """Wait for another command that is at work."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What should be: the configuration, and what the operator laid over it."""

    config: Config
    overrides: Overrides


@dataclass(frozen=True, slots=True)
class View:
    """The two states, and what is ours, at one moment."""

    desired: State
    observed: State
    ledger: Ledger

    def plan(self) -> Plan:
        return plan(self.desired, self.observed, self.ledger)


class TrafficBackend(Backend, Protocol):
    """The backend that carries connections, and counts them."""

    def read(self) -> tuple[Iterable[Resource], Stats]:
        """What exists and what it has carried, from one reading."""
        ...


class Director:
    """One load balancer: its configuration, its ledger and the places where resources live."""

    def __init__(
        self,
        paths: Paths,
        traffic: TrafficBackend,
        others: Sequence[Backend] = (),
        *,
        ssh_connection: str = "",
    ) -> None:
        """``ssh_connection`` is sshd's SSH_CONNECTION, if the operator came by ssh."""
        self.paths = paths
        self._traffic = traffic
        self._others = others
        self._backends: tuple[Backend, ...] = (*others, traffic)
        self._cuts_session = partial(cuts_session, ssh_connection=ssh_connection)

    def config(self) -> Config:
        """The configuration; without a file, an empty one."""
        return parse_config(self._text(), str(self.paths.config))

    def overrides(self) -> Overrides:
        """The servers that the operator holds at weight 0, expired ones included."""
        return overridefile.load(self.paths.overrides)

    def view(self) -> View:
        """What should be and what is."""
        return self._view(Wish(self.config(), self.overrides()), ledgerfile.load(self.paths.ledger))

    def planned(self) -> Transaction:
        """What apply would do, read without the lock: only for showing."""
        return self._transaction(Wish(self.config(), self.overrides()), Options())

    def status(self) -> DirectorStatus:
        """What should be, what is and what it carries."""
        wish, ledger = Wish(self.config(), self.overrides()), ledgerfile.load(self.paths.ledger)
        desired = self._desired(wish)
        found, stats = self._traffic.read()
        seen = state_of((*found, *self._observe(self._others, desired, ledger)))
        return status(wish.config, desired, seen, ledger, stats)

    @contextlib.contextmanager
    def applying(self, options: Options) -> Iterator[Transaction]:
        """Prepare to make the world as the configuration says."""
        with locked(self.paths.lock, wait=options.wait):
            wish = Wish(self.config(), self.overrides())
            yield self._transaction(wish, options)

    @contextlib.contextmanager
    def editing(self, edit: Edit, options: Options) -> Iterator[Transaction]:
        """Prepare an edit of the configuration and exactly the changes that it causes."""
        with locked(self.paths.lock, wait=options.wait):
            before = Wish(self.config(), self.overrides())
            document = ConfigDocument.parse(self._text())
            edit(document)
            after = Wish(_checked(document.text), before.overrides)
            files = [(self.paths.config, document.text)]
            yield self._transaction(after, options, before=before, files=files)

    @contextlib.contextmanager
    def drafting(self, edit: Edit, *, wait: bool = True) -> Iterator[Draft]:
        """Prepare an edit of the configuration alone; no backend is asked."""
        with locked(self.paths.lock, wait=wait):
            text = self._text()
            document = ConfigDocument.parse(text, str(self.paths.config))
            before = state_of(self._traffic.expand(document.config))
            edit(document)
            after = state_of(self._traffic.expand(_checked(document.text)))
            edited = document.text != text
            yield Draft(difference(before, after), self.paths.config, document.text, edited)

    @contextlib.contextmanager
    def overriding(self, change: Overriding, options: Options) -> Iterator[Transaction]:
        """Prepare a change of the overrides and exactly the changes that it causes."""
        with locked(self.paths.lock, wait=options.wait):
            before = Wish(self.config(), self.overrides())
            after = Wish(before.config, change(before.config, before.overrides))
            yield self._transaction(after, options, before=before)

    def table(self) -> tuple[Resource, ...]:
        """Every service and server that carries connections now, whoever made it."""
        return tuple(self._traffic.read()[0])

    def expand(self, config: Config) -> State:
        """Everything that the configuration asks for."""
        return state_of(
            resource for backend in self._backends for resource in backend.expand(config)
        )

    def _text(self) -> str:
        return read_file(self.paths.config) or ""

    def _desired(self, wish: Wish) -> State:
        return overlay(self.expand(wish.config), wish.overrides, now())

    def _view(self, wish: Wish, ledger: Ledger) -> View:
        desired = self._desired(wish)
        return View(desired, state_of(self._observe(self._backends, desired, ledger)), ledger)

    def _observe(
        self, backends: Iterable[Backend], desired: State, ledger: Ledger
    ) -> Iterator[Resource]:
        keys = desired.keys() | ledger.owned | ledger.originals.keys()
        for backend in backends:
            yield from backend.observe(keys)

    def _transaction(
        self,
        wish: Wish,
        options: Options,
        *,
        before: Wish | None = None,
        files: Sequence[tuple[Path, str]] = (),
    ) -> Transaction:
        on_disk = ledgerfile.load(self.paths.ledger)
        view = self._view(wish, on_disk)
        whole, ledger = view.plan(), on_disk.pruned(view.desired, view.observed)
        if options.adopt and whole.conflicts:
            ledger = ledger.adopting(resource.key for resource in whole.conflicts)
            whole = plan(view.desired, view.observed, ledger)
        mine, drift = whole, Plan()
        if before is not None:
            touched = _with_parents(caused_by(self._desired(before), view.desired), whole)
            mine, drift = whole.only(touched), whole.without(touched)
        return Transaction(
            mine,
            drift,
            objections(mine, view.observed, cuts_session=self._cuts_session),
            on_disk,
            ledger,
            self.paths.ledger,
            self._backends,
            (*files, *self._overrides_file(wish, view.desired)),
        )

    def _overrides_file(self, wish: Wish, desired: State) -> list[tuple[Path, str]]:
        kept = {key: override for key, override in wish.overrides.items() if key in desired}
        if kept == self.overrides():
            return []
        return [(self.paths.overrides, overridefile.render(kept))]


def _with_parents(touched: set[Key], whole: Plan) -> set[Key]:
    """Add what a touched resource needs: the parent that is gone, with the parent's children."""
    created = {key_of(change) for change in whole.changes if isinstance(change, Create)}
    parents = {_owner(change) for change in whole.changes if key_of(change) in touched} & created
    return touched | {key_of(change) for change in whole.changes if _owner(change) in parents}


def _owner(change: Change) -> Key:
    return subject(change).owner


def _checked(text: str) -> Config:
    """The configuration after an edit; what is wrong with it is the command's fault."""
    try:
        return parse_config(text, "the configuration after this change")
    except ConfigError as error:
        problems = error.problems
        raise UsageError(
            "\n".join(problem.message for problem in problems), problems[0].hint
        ) from None
