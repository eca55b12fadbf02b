"""The library's front door: read, plan, change and show a director.

Every change takes the same path: edit the wish, expand it, observe, plan, carry out.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from lvsnat.config.edit import ConfigDocument
from lvsnat.config.parse import parse_config
from lvsnat.config.problems import ConfigError
from lvsnat.director import ledgerfile, overridefile
from lvsnat.director.draft import Draft, difference
from lvsnat.director.paths import Paths
from lvsnat.director.ports import Adviser, TrafficBackend
from lvsnat.director.rewrite import Rewrite
from lvsnat.director.scope import Scope, View, scope
from lvsnat.director.status import status
from lvsnat.director.traffic import Traffic
from lvsnat.director.transaction import Transaction
from lvsnat.errors import UsageError
from lvsnat.host.placement import cuts_session
from lvsnat.host.resources import SYSCTL
from lvsnat.model.caution import Caution
from lvsnat.model.config import Config, Timeouts
from lvsnat.model.resource import Key, Resource, State, state_of
from lvsnat.model.status import DirectorStatus, ServerStats
from lvsnat.plan.backend import Backend
from lvsnat.plan.guard import Objection, objections
from lvsnat.plan.ledger import Ledger
from lvsnat.plan.overlay import Overrides, holding, overlay
from lvsnat.system import Clock, SystemClock, is_locked, read_file

Edit = Callable[[ConfigDocument], None]
Overriding = Callable[[Config, Overrides], Overrides]


@dataclass(frozen=True, slots=True)
class Options:
    """How a change is to be made."""

    adopt: bool = False
    """Take over what somebody else made, where the configuration asks for it."""
    wait: bool = True
    """Wait for another command that is at work."""
    waiting: Callable[[str], None] = lambda _: None
    """Told, before such a wait, which process it is for."""


@dataclass(frozen=True, slots=True)
class Text:
    """A configuration to be, and where it comes from."""

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What should be: the configuration, and what the operator laid over it."""

    config: Config
    overrides: Overrides


class Director:
    """One load balancer: its configuration, its ledger and the places where resources live."""

    def __init__(
        self,
        paths: Paths,
        traffic: TrafficBackend,
        others: Sequence[Backend] = (),
        advisers: Sequence[Adviser] = (),
        *,
        ssh_connection: str = "",
        clock: Clock | None = None,
    ) -> None:
        """``ssh_connection`` is sshd's SSH_CONNECTION, if the operator came by ssh."""
        self.paths = paths
        self.clock = clock or SystemClock()
        self._traffic = traffic
        self._others = others
        self._advisers = advisers
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
        return self.transaction(Wish(self.config(), self.overrides()), Options())

    def status(self) -> DirectorStatus:
        """What should be, what is and what it carries."""
        wish, ledger = Wish(self.config(), self.overrides()), ledgerfile.load(self.paths.ledger)
        desired = self._desired(wish)
        found, stats = self._traffic.read()
        seen = state_of((*found, *self._observe(self._others, desired, ledger)))
        whole = status(wish.config, View(desired, seen, ledger), stats, wish.overrides)
        return replace(whole, table=self._traffic.table_state())

    def traffic(self) -> Traffic:
        """What it carries."""
        return Traffic(self.config(), self._traffic)

    @contextlib.contextmanager
    def applying(self, options: Options, given: Text | None = None) -> Iterator[Transaction]:
        """Prepare to make the world as the configuration says, or as a text that replaces it."""
        with self.paths.locked(wait=options.wait, waiting=options.waiting):
            overrides = holding(self.overrides(), self.clock.now())
            if given is None:
                yield self.transaction(Wish(self.config(), overrides), options)
            else:
                wish = Wish(parse_config(given.text, given.source), overrides)
                yield self.transaction(wish, options, files=self._replaced(given.text))

    @contextlib.contextmanager
    def editing(self, edit: Edit, options: Options) -> Iterator[Transaction]:
        """Prepare an edit of the configuration and exactly the changes that it causes."""
        with self.paths.locked(wait=options.wait, waiting=options.waiting):
            text = self._text()
            document = ConfigDocument.parse(text, str(self.paths.config))
            before = Wish(document.config, self.overrides())
            edit(document)
            after = Wish(_checked(document.text), before.overrides)
            files = [Rewrite(self.paths.config, text, document.text)]
            yield self.transaction(after, options, before=before, files=files)

    @contextlib.contextmanager
    def overriding(self, change: Overriding, options: Options) -> Iterator[Transaction]:
        """Prepare a change of the overrides and exactly the changes that it causes."""
        with self.paths.locked(wait=options.wait, waiting=options.waiting):
            before = Wish(self.config(), self.overrides())
            after = Wish(before.config, change(before.config, before.overrides))
            yield self.transaction(after, options, before=before)

    @contextlib.contextmanager
    def clearing(self, options: Options) -> Iterator[Transaction]:
        """Prepare to take away everything that is ours; configuration and overrides stay."""
        with self.paths.locked(wait=options.wait, waiting=options.waiting):
            yield self.transaction(Wish(Config(), {}), options, keep_overrides=True)

    @contextlib.contextmanager
    def drafting(self, edit: Edit, *, wait: bool = True) -> Iterator[Draft]:
        """Prepare an edit of the configuration alone; no backend is asked."""
        with self.paths.locked(wait=wait):
            text = self._text()
            document = ConfigDocument.parse(text, str(self.paths.config))
            before = state_of(self._traffic.expand(document.config))
            edit(document)
            after = state_of(self._traffic.expand(_checked(document.text)))
            edited = document.text != text
            yield Draft(difference(before, after), self.paths.config, document.text, edited)

    def table(self) -> tuple[Resource, ...]:
        """Every service and server that carries connections now, whoever made it."""
        return tuple(self._traffic.read()[0])

    def timeouts(self) -> Timeouts:
        """How long idle connections are kept now, whoever said so."""
        return self._traffic.timeouts()

    def warnings(self, config: Config | None = None) -> tuple[Caution, ...]:
        """What would stop the traffic of a configuration, or of the present one."""
        wish = self.config() if config is None else config
        return tuple(one for adviser in self._advisers for one in adviser.warnings(wish))

    def expand(self, config: Config) -> State:
        """Everything that the configuration asks for."""
        return state_of(
            resource for backend in self._backends for resource in backend.expand(config)
        )

    def held(self, server: Key) -> ServerStats | None:
        """What a server holds now; None if it is not there."""
        stats = self._traffic.read()[1].get(server)
        return stats if isinstance(stats, ServerStats) else None

    def setting(self, name: str) -> str | None:
        """A kernel setting as it is now; None if there is none."""
        key = Key(SYSCTL, name)
        seen = state_of(self._seen(self._others, [key])).get(key)
        return None if seen is None else seen.settings()["value"]

    def daemon_runs(self) -> bool:
        """Whether a daemon watches over this director now."""
        return is_locked(self.paths.daemon_lock)

    def transaction(
        self,
        wish: Wish,
        options: Options,
        *,
        before: Wish | None = None,
        files: Sequence[Rewrite] = (),
        keep_overrides: bool = False,
    ) -> Transaction:
        """Prepare to make the world as a wish says, under a lock that the caller holds.

        With ``before``, exactly what differs between the two wishes.
        """
        on_disk = ledgerfile.load(self.paths.ledger)
        view = self._view(wish, on_disk)
        old = None if before is None else self._desired(before)
        part = scope(view, old, adopt=options.adopt)
        overrides = [] if keep_overrides else self._overrides_file(wish, view.desired)
        return Transaction(
            part.plan,
            part.drift,
            self._objections(part, view),
            on_disk,
            part.ledger,
            self.paths.ledger,
            self._backends,
            (*files, *overrides),
            partial(self.warnings, wish.config),
        )

    def _text(self) -> str:
        return read_file(self.paths.config) or ""

    def _replaced(self, text: str) -> list[Rewrite]:
        """The configuration with another text; the old one is kept beside it."""
        old = read_file(self.paths.config)
        if old is None or old == text:
            return [] if old == text else [Rewrite(self.paths.config, None, text)]
        kept = self.paths.replaced_config
        return [Rewrite(kept, read_file(kept), old), Rewrite(self.paths.config, old, text)]

    def _desired(self, wish: Wish) -> State:
        return overlay(self.expand(wish.config), wish.overrides, self.clock.now())

    def _view(self, wish: Wish, ledger: Ledger) -> View:
        desired = self._desired(wish)
        return View(desired, state_of(self._observe(self._backends, desired, ledger)), ledger)

    def _observe(
        self, backends: Iterable[Backend], desired: State, ledger: Ledger
    ) -> Iterator[Resource]:
        return self._seen(backends, desired.keys() | ledger.owned | ledger.originals.keys())

    def _seen(self, backends: Iterable[Backend], keys: Collection[Key]) -> Iterator[Resource]:
        for backend in backends:
            yield from backend.observe(keys)

    def _objections(self, part: Scope, view: View) -> tuple[Objection, ...]:
        return objections(
            part.plan, view.observed, cuts_session=self._cuts_session, active=self._active
        )

    def _active(self) -> Mapping[Key, int]:
        stats = self._traffic.read()[1]
        return {key: one.active for key, one in stats.items() if isinstance(one, ServerStats)}

    def _overrides_file(self, wish: Wish, desired: State) -> list[Rewrite]:
        kept = {key: override for key, override in wish.overrides.items() if key in desired}
        if kept == self.overrides():
            return []
        path = self.paths.overrides
        return [Rewrite(path, read_file(path), overridefile.render(kept))]


def _checked(text: str) -> Config:
    """The configuration after an edit; what is wrong with it is the command's fault."""
    try:
        return parse_config(text, "the configuration after this change")
    except ConfigError as error:
        problems = error.problems
        raise UsageError(
            "\n".join(problem.message for problem in problems), problems[0].hint
        ) from None
