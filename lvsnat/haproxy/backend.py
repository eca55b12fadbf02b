"""HAProxy as a place where resources live: one file, one process, whole batches of changes."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import ClassVar, Final

from lvsnat.errors import LvsnatError
from lvsnat.haproxy import answers, complaints, mapping, preflight, sockets, stats, text
from lvsnat.haproxy.carryover import alike
from lvsnat.haproxy.deployment import Deployment, Target, description
from lvsnat.haproxy.outcome import (
    HaproxyResource,
    State,
    after,
    forgetting,
    observed_weights,
    places,
    side_places,
    tables,
    to_drain,
    to_wait_for,
    weight_commands,
    weights_alone,
    with_weights,
    without_twins,
)
from lvsnat.haproxy.process import (
    Daemon,
    Files,
    Instance,
    Supervisor,
    make_folder,
    processes_of,
    supervisor,
)
from lvsnat.haproxy.resources import (
    INSTANCE_KEY,
    INSTANCE_KIND,
    SERVER_KIND,
    SERVICE_KIND,
    HaproxyInstance,
    ProxiedServer,
    ProxiedService,
)
from lvsnat.model.config import Config
from lvsnat.model.connection import Connection
from lvsnat.model.endpoint import Endpoint
from lvsnat.model.resource import Key, Resource, state_of
from lvsnat.model.status import ServerStats, ServiceStats
from lvsnat.plan.apply import StepError
from lvsnat.plan.change import Change, Report, key_of
from lvsnat.system import Clock, StagedFile, SystemClock, read_file, uninterrupted

Stats = ServiceStats | ServerStats
_ARRIVAL_SECONDS: Final = 3.0
"""Longer than a handshake takes; what does not end by then is no client's."""
_ARRIVAL_PAUSE: Final = 0.05
_EMPTY: Final = HaproxyInstance((), current=False)
_MAXCONN = re.compile(r"^\s+maxconn (\d{1,9})$")


class HaproxyBackend:
    """Our own HAProxy. Nothing is read or started before it is asked for."""

    kinds: ClassVar[frozenset[str]] = frozenset({INSTANCE_KIND, SERVICE_KIND, SERVER_KIND})

    def __init__(
        self,
        files: Files,
        clock: Clock | None = None,
        supervise: Callable[[Files], Supervisor] = supervisor,
    ) -> None:
        self._files = files
        self._supervise = supervise
        self._clock = clock or SystemClock()
        self._instance = Instance(files)
        self._deployment = Deployment(files, self._clock, supervise)
        self._accepted: str | None = None
        """The text that HAProxy has read and found right."""
        self._aside: State = {}
        """What gave way to a service of the same name, until it is removed, or that one is."""

    def expand(self, config: Config) -> Iterator[HaproxyResource]:
        """What a configuration asks of HAProxy. Reads nothing."""
        return mapping.expand(config, self._files.run)

    def observe(self, keys: Collection[Key]) -> list[HaproxyResource]:  # noqa: ARG002
        """What runs: the file, with the weights in force; nothing where no process serves.

        Raises LvsnatError if a process is there and does not answer within seconds.
        """
        worker = self._instance.worker()
        if worker is None:
            return []
        written = read_file(self._files.config) or ""
        found = text.read(written)
        if not found or found[0].key != INSTANCE_KEY:
            found.insert(0, _EMPTY)
        if worker.description != description(written):
            found = [_outdated(resource) for resource in found]
        return with_weights(found, observed_weights(self._server_states()))

    def read(self) -> tuple[list[HaproxyResource], dict[Key, Stats]]:
        """What exists and what it has carried."""
        found = self.observe(())
        if not found:
            return [], {}
        rows = answers.table(self._instance.runtime.ask("show stat"))
        return [*found], stats.carried(found, rows, self._tied(found))

    def sessions(self) -> Iterator[Connection]:
        """Every connection with its server, of processes that end softly too."""
        written = read_file(self._files.config) or read_file(self._files.replaced) or ""
        known = stats.frontends(text.read(written))
        for said in self._instance.ask_workers("show sess"):
            yield from stats.connections(answers.sessions(said), known)

    waiting = staticmethod(sockets.waiting)

    def zero(self) -> None:
        """Set every counter of every service to zero."""
        self._instance.runtime.tell(["clear counters all"])

    def held(self, places: Collection[Endpoint]) -> int:
        """How many connections clients have to these addresses and ports, half open ones too."""
        return sum(sockets.held(places).values())

    def ending(self) -> int:
        """How many connections the processes have that were told to end when they have none."""
        return self._instance.ending()

    def end_now(self) -> None:
        """End these processes at once, with their connections; none there is fine."""
        self._instance.end_leftovers(self._supervise(self._files))

    def prepare(self, changes: Sequence[Change]) -> None:
        """Raise LvsnatError if HAProxy would not serve what the changes make."""
        self._aside = {}
        if not changes or weights_alone(changes) is not None:
            return
        before = self._state()
        wanted = after(before, changes)
        if not wanted:
            return
        preflight.check_program()
        preflight.check_reach(self._files.config.parent, self._files.run)
        # A master that hangs is found now, not half-way.
        if self._instance.processes() is None:
            self._check_start(wanted)
        new = places(wanted).keys() - places(before).keys()
        if new:
            preflight.check_ports(new, _side_ports(wanted), processes_of(self._files))
        self._check_text(wanted)

    def apply(self, changes: Sequence[Change], done: Report) -> None:
        """Carry out all the changes at once, or none; see ``Backend.apply``."""
        if not changes:
            return
        # Half of it would be a process that nobody knows of.
        with uninterrupted():
            try:
                self._carry_out(changes)
            except LvsnatError as error:
                raise StepError(_first(changes), error.message, error.hint, changes) from error
            for change in changes:
                done(change)

    def _carry_out(self, changes: Sequence[Change]) -> None:
        before = self._state()
        whole = after({**before, **self._aside}, changes)
        wanted, aside = without_twins(whole, changes, self._aside)
        servers = weights_alone(changes)
        if not wanted:
            self._let_arrive(places(before))
            self._deployment.end()
        elif servers is None or not self._reweigh(servers, before, wanted):
            self._serve(before, wanted)
        self._aside = aside

    def _let_arrive(self, places: Collection[Endpoint]) -> None:
        """Wait for connections that clients are making just now: closed listeners reset them."""
        deadline = self._clock.monotonic() + _ARRIVAL_SECONDS
        while sockets.arriving(places) and self._clock.monotonic() < deadline:
            self._clock.sleep(_ARRIVAL_PAUSE)

    def _reweigh(self, servers: Sequence[ProxiedServer], before: State, wanted: State) -> bool:
        """Give servers their weights without a reload; False where that takes one."""
        if not _is_current(before):
            return False
        states = self._server_states()
        try:
            self._instance.runtime.tell(weight_commands(servers, wanted, states))
        except LvsnatError:
            # Schedulers that hash to a fixed map take weights from the file alone.
            return False
        self._deployment.write(text.render(wanted.values()))
        drained = {server.key for server in servers if server.weight == 0}
        self._instance.runtime.tell(forgetting(wanted, drained, states))
        return True

    def _serve(self, before: State, wanted: State) -> None:
        """Have HAProxy read the file again, or start it."""
        if wanted != before or not _is_current(before):
            self._check_text(wanted)
            self._drain(before, wanted)
            self._deployment.serve(self._target(before, wanted))

    def _drain(self, before: State, wanted: State) -> None:
        """Have servers whose weight becomes 0 take nothing from now on, and their clients untied.

        Not by the next process, which gets the tables with numbers of servers that may be others'.
        """
        if drained := to_drain(before, wanted):
            states = self._server_states()
            # Schedulers that hash to a fixed map take weights from the file alone.
            with contextlib.suppress(LvsnatError):
                self._instance.runtime.tell(weight_commands(drained, before, states))
            keys = {server.key for server in drained}
            self._instance.runtime.tell(forgetting(before, keys, states))

    def _target(self, before: State, wanted: State) -> Target:
        fresh = INSTANCE_KEY not in before
        return Target(
            text.render(wanted.values()),
            _descriptors(wanted),
            places(wanted).keys() - places(before).keys(),
            to_wait_for(wanted) if fresh else {},
            alike(before, wanted) if _is_current(before) else (),
        )

    def _state(self) -> dict[Key, Resource]:
        return state_of(self.observe(()))

    def _server_states(self) -> list[answers.ServerState]:
        return answers.servers(self._instance.runtime.ask("show servers state"))

    def _tied(self, found: Iterable[Resource]) -> dict[tuple[str, int], int]:
        """How many clients the services' stick tables tie to their servers."""
        return {
            place: count
            for backend in tables(found)
            for place, count in stats.tied_clients(
                backend, self._instance.runtime.ask(f"show table {backend}")
            ).items()
        }

    def _check_start(self, wanted: State) -> None:
        """Refuse what can be seen to keep a new process from starting."""
        if isinstance(self._supervise(self._files), Daemon):
            preflight.check_start(_descriptors(wanted))

    def _check_text(self, wanted: State) -> None:
        """Refuse a text that HAProxy refuses."""
        rendered = text.render(wanted.values())
        if rendered == self._accepted:
            return
        make_folder(self._files.config.parent)
        staged = StagedFile(self._files.config, rendered)
        try:
            said = preflight.check_text(staged.path, as_user=preflight.may_become_user())
        finally:
            staged.discard()
        if said.returncode != 0:
            raise complaints.explain(said.stderr, rendered, wanted)
        self._accepted = rendered


def _outdated(resource: HaproxyResource) -> HaproxyResource:
    return replace(resource, current=False) if isinstance(resource, HaproxyInstance) else resource


def _is_current(state: State) -> bool:
    instance = state.get(INSTANCE_KEY)
    return isinstance(instance, HaproxyInstance) and instance.current


def _descriptors(state: State) -> int:
    instance = state.get(INSTANCE_KEY)
    lines = instance.lines if isinstance(instance, HaproxyInstance) else ()
    maxconn = next((int(n) for line in lines for n in _MAXCONN.findall(line)), 0)
    return preflight.descriptors(maxconn, len(places(state)), len(state))


def _side_ports(state: State) -> set[int]:
    """The ports that no service listens on by its own name."""
    return {
        place.port
        for service in state.values()
        if isinstance(service, ProxiedService)
        for place in side_places(service)
    }


def _first(changes: Sequence[Change]) -> Change:
    """The change that a failure of all is told under: the process itself, if it is among them."""
    return next((change for change in changes if key_of(change) == INSTANCE_KEY), changes[0])
