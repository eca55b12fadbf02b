"""The library's front door: read, plan, change and show a director.

Every change takes the same path: edit the wish, expand it, observe, plan, carry out.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from lvsnat.config.edit import ConfigDocument
from lvsnat.director import ledgerfile, oldside, overridefile, phases
from lvsnat.director.carriers import Carriers, CarriersAtWork
from lvsnat.director.cautions import cautions
from lvsnat.director.checked import with_health
from lvsnat.director.draft import Draft, difference
from lvsnat.director.healthfile import HealthFile
from lvsnat.director.paths import Paths
from lvsnat.director.ports import Adviser, ProxyBackend, TrafficBackend
from lvsnat.director.rewrite import Rewrite, replacing
from lvsnat.director.scope import Scope, View, scope
from lvsnat.director.status import status
from lvsnat.director.traffic import Traffic
from lvsnat.director.transaction import Transaction
from lvsnat.director.wish import Edit, Options, Overriding, Text, Wish, checked, read
from lvsnat.health.outcome import Decision
from lvsnat.host.placement import cuts_session
from lvsnat.host.resources import SYSCTL
from lvsnat.model.caution import Caution
from lvsnat.model.config import Config, Timeouts
from lvsnat.model.phase import Phase
from lvsnat.model.resource import Key, Resource, State, state_of
from lvsnat.model.status import DirectorStatus, ServerStats
from lvsnat.model.switch import OldSide
from lvsnat.plan.backend import Backend
from lvsnat.plan.guard import Objection, objections
from lvsnat.plan.ledger import Ledger
from lvsnat.plan.overlay import Overrides, holding, overlay
from lvsnat.system import Clock, SystemClock, is_locked, read_file

if TYPE_CHECKING:
    from lvsnat.doctor.ask import Ask
    from lvsnat.doctor.read import Survey
    from lvsnat.health.published import Published

__all__ = ["Director", "Edit", "Options", "Overriding", "Text", "Wish"]


class Director:
    """One load balancer: its configuration, its ledger and the places where resources live."""

    def __init__(
        self,
        paths: Paths,
        traffic: TrafficBackend,
        others: Sequence[Backend] = (),
        advisers: Sequence[Adviser] = (),
        *,
        proxy: ProxyBackend | None = None,
        ssh_connection: str = "",
        clock: Clock | None = None,
        survey: Survey | None = None,
        ask: Ask | None = None,
    ) -> None:
        """``ssh_connection`` is sshd's SSH_CONNECTION, if the operator came by ssh.

        ``survey`` reads this host for the doctor, ``ask`` its routing for one packet; None:
        nothing is known of the host.
        """
        self.paths = paths
        self.clock = clock or SystemClock()
        self.survey = survey
        self.ask = ask
        self._traffic = traffic
        self._carriers = Carriers(traffic, proxy)
        self._health = HealthFile(paths.health)
        self._others = others
        self._advisers = advisers
        self._backends: tuple[Backend, ...] = (*others, *self._carriers.backends)
        self._cuts_session = partial(cuts_session, ssh_connection=ssh_connection)

    def config(self) -> Config:
        """The configuration, in the phase that is in force; without a file, an empty one."""
        return self.parsed(self.text(), str(self.paths.config))

    def parsed(self, text: str, source: str) -> Config:
        """Another text of a configuration, in the phase that is in force."""
        return phases.in_force(self.paths, read(text, source))

    def locked(self, options: Options) -> contextlib.AbstractContextManager[None]:
        """Hold the lock that all commands share."""
        return self.paths.locked(wait=options.wait, waiting=options.waiting)

    def overrides(self) -> Overrides:
        """The servers that the operator holds at weight 0, expired ones included."""
        return overridefile.load(self.paths.overrides)

    def view(self) -> View:
        """What should be and what is."""
        return self._view(Wish(self.config(), self.overrides()), ledgerfile.load(self.paths.ledger))

    def planned(self) -> Transaction:
        """What apply would do, read without the lock: only for showing."""
        wish = Wish(self.config(), self.overrides())
        return self.transaction(wish.at(Phase.of(wish.config.mode)), Options())

    def status(self, health: Decision | None = None) -> DirectorStatus:
        """What should be, what is and what it carries; ``health`` as a daemon hands it in."""
        wish, ledger = Wish(self.config(), self.overrides()), ledgerfile.load(self.paths.ledger)
        decision = health or self.health(wish)
        wish = replace(wish, health=decision.overlay)
        desired = self._desired(wish)
        carriers = self._at_work(wish.config, ledger)
        found, stats = carriers.read()
        seen = state_of((*found, *self._observe(self._others, desired, ledger)))
        whole = status(wish.config, View(desired, seen, ledger), stats, wish.overrides)
        whole = with_health(whole, decision, self.clock.now())
        return replace(
            whole,
            table=carriers.table_state(),
            ending=carriers.ending(),
            daemon=self.daemon_runs(),
        )

    def traffic(self) -> Traffic:
        """What it carries."""
        config = self.config()
        return self._at_work(config, ledgerfile.load(self.paths.ledger)).traffic(config)

    @contextlib.contextmanager
    def applying(self, options: Options, given: Text | None = None) -> Iterator[Transaction]:
        """Prepare to make the world as the configuration says, or as a text that replaces it."""
        with self.locked(options):
            overrides = holding(self.overrides(), self.clock.now())
            if given is None:
                yield self.transaction(Wish(self.config(), overrides), options)
            else:
                wish = Wish(self.parsed(given.text, given.source), overrides)
                yield self.transaction(wish, options, files=self.replaced(given.text))

    @contextlib.contextmanager
    def editing(self, edit: Edit, options: Options) -> Iterator[Transaction]:
        """Prepare an edit of the configuration and exactly the changes that it causes."""
        with self.locked(options):
            text = self.text()
            document = ConfigDocument.parse(text, str(self.paths.config))
            before = Wish(phases.in_force(self.paths, document.config), self.overrides())
            edit(document)
            config = phases.in_force(self.paths, checked(document.text))
            after = Wish(config, before.overrides)
            files = [Rewrite(self.paths.config, text, document.text)]
            yield self.transaction(after, options, before=before, files=files)

    @contextlib.contextmanager
    def overriding(self, change: Overriding, options: Options) -> Iterator[Transaction]:
        """Prepare a change of the overrides and exactly the changes that it causes."""
        with self.locked(options):
            before = Wish(self.config(), self.overrides())
            after = Wish(before.config, change(before.config, before.overrides))
            yield self.transaction(after, options, before=before)

    @contextlib.contextmanager
    def clearing(self, options: Options) -> Iterator[Transaction]:
        """Prepare to take away everything that is ours; configuration and overrides stay."""
        with self.locked(options):
            yield self.transaction(Wish(Config(), {}), options, keep_overrides=True)

    @contextlib.contextmanager
    def drafting(self, edit: Edit, *, wait: bool = True) -> Iterator[Draft]:
        """Prepare an edit of the configuration alone; no backend is asked."""
        with self.paths.locked(wait=wait):
            text = self.text()
            document = ConfigDocument.parse(text, str(self.paths.config))
            before = self._carried(document.config)
            edit(document)
            after = self._carried(checked(document.text))
            edited = document.text != text
            yield Draft(difference(before, after), self.paths.config, document.text, edited)

    def table(self) -> tuple[Resource, ...]:
        """Every service and server of IPVS, whoever made it."""
        return tuple(self._traffic.read()[0])

    def timeouts(self) -> Timeouts:
        """How long idle connections are kept now, whoever said so."""
        return self._traffic.timeouts()

    def warnings(self, config: Config | None = None) -> tuple[Caution, ...]:
        """What would stop the traffic of a configuration, or of the present one, or has no effect.

        Of HAProxy also what it does not do exactly as IPVS does.
        """
        wish = config or self.config()
        return tuple(cautions(wish, self._advisers, watched=self.daemon_runs()))

    def expand(self, config: Config) -> State:
        """Everything that the configuration asks for."""
        return state_of(
            resource for backend in self._backends for resource in backend.expand(config)
        )

    def held(self, server: Key) -> ServerStats | None:
        """What a server (its ``seat``) holds now with all who carry; None if it is not there."""
        config = self.config()
        return self._at_work(config, ledgerfile.load(self.paths.ledger)).held(server, config)

    def left(self, side: OldSide) -> int:
        """How many connections the old side of a switch still holds."""
        config = self.config()
        carriers = self._at_work(config, ledgerfile.load(self.paths.ledger))
        return oldside.count(side, config, carriers)

    def end_proxy(self) -> None:
        """End the HAProxy that ends softly, with the connections that it still has."""
        self._carriers.end_proxy()

    def setting(self, name: str) -> str | None:
        """A kernel setting as it is now; None if there is none."""
        key = Key(SYSCTL, name)
        seen = state_of(self._seen(self._others, [key])).get(key)
        return None if seen is None else seen.settings()["value"]

    def health(self, wish: Wish) -> Decision:
        """What follows from the published health; the daemon may not know of the wish yet."""
        return self._health.decision(wish, self.clock.now())

    def published(self) -> Published | None:
        """What the daemon has published; None where it has not, or where it cannot be read."""
        return self._health.load()

    def health_problem(self) -> str | None:
        """Why what lies there as published health was passed over."""
        return self._health.problem()

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
        only: Collection[Key] | None = None,
    ) -> Transaction:
        """Prepare to make the world as a wish says, under a lock that the caller holds.

        With ``before``, exactly what differs between the two wishes; or all that differs, where a
        step of a switch was cut off and nobody knows how much of it was made. With ``only``, what
        differs of these keys.
        """
        on_disk = ledgerfile.load(self.paths.ledger)
        view, journal = self._view(wish, on_disk), phases.noted(self.paths, wish.config.phase)
        old = None if before is None or journal.unfinished else self._desired(before)
        some = None if journal.unfinished else only
        part = scope(view, old, adopt=options.adopt, only=some)
        noted = overridefile.rewrites(self.paths.overrides, wish.overrides, view.desired)
        return Transaction(
            part.plan,
            part.drift,
            self._objections(part, view, wish),
            on_disk,
            part.ledger,
            self.paths.ledger,
            self._backends,
            (*files, *(() if keep_overrides else noted), *journal.after),
            partial(self.warnings, wish.config),
            journal.ahead,
        )

    def text(self) -> str:
        """The configuration as it is written; without a file, nothing."""
        return read_file(self.paths.config) or ""

    def replaced(self, text: str) -> list[Rewrite]:
        """The configuration with another text; the old one is kept beside it."""
        return replacing(self.paths.config, text, self.paths.replaced_config)

    def _carried(self, config: Config) -> State:
        carried = self._carriers.expand(phases.in_force(self.paths, config))
        return overlay(state_of(carried), {}, self.clock.now())

    def _desired(self, wish: Wish) -> State:
        health = self.health(wish).overlay if wish.health is None else wish.health
        return overlay(self.expand(wish.config), wish.overrides, self.clock.now(), health)

    def _view(self, wish: Wish, ledger: Ledger) -> View:
        desired = self._desired(wish)
        backends = (*self._others, *self._at_work(wish.config, ledger))
        return View(desired, state_of(self._observe(backends, desired, ledger)), ledger)

    def _at_work(self, config: Config, ledger: Ledger) -> CarriersAtWork:
        return self._carriers.at_work(config, ledger.owned)

    def _observe(
        self, backends: Iterable[Backend], desired: State, ledger: Ledger
    ) -> Iterator[Resource]:
        return self._seen(backends, desired.keys() | ledger.owned | ledger.originals.keys())

    def _seen(self, backends: Iterable[Backend], keys: Collection[Key]) -> Iterator[Resource]:
        for backend in backends:
            yield from backend.observe(keys)

    def _objections(self, part: Scope, view: View, wish: Wish) -> tuple[Objection, ...]:
        active = self._at_work(wish.config, view.ledger).active
        return objections(part.plan, view.observed, cuts_session=self._cuts_session, active=active)
