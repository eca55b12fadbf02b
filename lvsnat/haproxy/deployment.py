"""A text put in force: written, read by HAProxy, and seen to be; or all as it was before."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from lvsnat.errors import LvsnatError
from lvsnat.haproxy import answers
from lvsnat.haproxy.answers import Processes, Worker
from lvsnat.haproxy.carryover import NOTHING, Place, held_down
from lvsnat.haproxy.outcome import not_up
from lvsnat.haproxy.preflight import unbindable
from lvsnat.haproxy.process import Files, Instance, Supervisor
from lvsnat.haproxy.runtime import HangsError
from lvsnat.haproxy.text import digest
from lvsnat.model.endpoint import Endpoint
from lvsnat.system import Clock, read_file, remove_file, write_file

LOAD_SECONDS: Final = 30.0
"""How long a new worker may take to read the file; thousands of services take a few seconds."""
_END_SECONDS: Final = 30.0
_DEAF_SECONDS: Final = 10.0
_PAUSE: Final = 0.05


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be in force."""

    text: str
    descriptors: int = 0
    """How many files the process may open."""
    new_places: Collection[Endpoint] = ()
    """Where it listens and did not before."""
    patience: Mapping[str, float] = field(default_factory=dict)
    """Services of which a server must be up, and how many seconds that is waited for."""
    checked_alike: Collection[Place] = ()
    """The servers that are still down if they are down now."""

    @property
    def description(self) -> str:
        """What the process says that has read the text."""
        return description(self.text)


def description(text: str) -> str:
    return f"lvsnat {digest(text)}"


@dataclass(frozen=True, slots=True)
class Before:
    """What was there."""

    text: str | None
    processes: Processes | None
    worker: Worker | None


class Outcome(StrEnum):
    """What came of having HAProxy read a file."""

    LOADED = "HAProxy runs the new configuration"
    REFUSED = "HAProxy did not take the new configuration"
    ENDED = "HAProxy ended"
    LATE = f"HAProxy did not take the new configuration within {LOAD_SECONDS:g} s"


class Deployment:
    """Brings our HAProxy from one text to another."""

    def __init__(
        self, files: Files, clock: Clock, supervise: Callable[[Files], Supervisor]
    ) -> None:
        self._files = files
        self._clock = clock
        self._supervise = supervise
        self._instance = Instance(files)

    def serve(self, target: Target) -> None:
        """Have a text served: by a reload, or by a start where nothing runs.

        Raises LvsnatError when all is again as it was.
        """
        # A master that does not answer would not reload: it is found before anything moves.
        worker = self._instance.worker()
        if worker is not None:
            # A master that begins anew just now, at somebody's reload, is deaf for a moment.
            self._await(lambda: self._instance.processes() is not None, _DEAF_SECONDS)
        before = Before(read_file(self._files.config), self._instance.processes(), worker)
        supervisor = self._supervise(self._files)
        self.write(target.text)
        try:
            self._carry_over(target, worker)
            self._load(target, before, supervisor)
            self._await_servers(target.patience)
        except BaseException:
            self._take_back(before, supervisor)
            raise
        finally:
            # A start, or a reload by another hand, must not read what was true once.
            write_file(self._files.server_states, NOTHING)

    def write(self, text: str) -> None:
        """Put a text into the file; what was there is kept beside it."""
        old = read_file(self._files.config)
        if old is not None:
            write_file(self._files.replaced, old)
        write_file(self._files.config, text)

    def end(self) -> None:
        """Take nothing new from now on. Connections go on, and nobody waits for them."""
        supervisor = self._supervise(self._files)
        if (seen := self._instance.processes()) is not None:
            supervisor.signal(seen.master, signal.SIGUSR1)
            # Who comes next must find these ports free.
            self._await(lambda: self._instance.worker() is None, _END_SECONDS)
        old = read_file(self._files.config)
        if old is not None:
            write_file(self._files.replaced, old)
            remove_file(self._files.config)
        remove_file(self._files.server_states)

    def _carry_over(self, target: Target, worker: Worker | None) -> None:
        """Leave to the next process which servers are down."""
        known = NOTHING
        if worker is not None:
            said = self._instance.runtime.ask("show servers state")
            known = held_down(said, target.checked_alike)
        write_file(self._files.server_states, known)

    def _load(self, target: Target, before: Before, supervisor: Supervisor) -> None:
        """Have the text read by the process that is there, else by a new one."""
        if before.processes is None or not self._reload(before.processes, target, before):
            supervisor.start(target.descriptors)
            self._insist(self._await_load(target, before, supervisor), target)

    def _reload(self, seen: Processes, target: Target, before: Before) -> bool:
        """Have the master read the file; False if it has ended instead, as it was to."""
        supervisor = self._supervise(self._files)
        if before.worker is None:
            self._stop_listening(seen, supervisor)
        supervisor.signal(seen.master, signal.SIGUSR2)
        outcome = self._await_load(target, before, supervisor)
        if outcome is Outcome.ENDED and before.worker is None:
            return False
        self._insist(outcome, target)
        return True

    def _insist(self, outcome: Outcome, target: Target) -> None:
        """Raise LvsnatError unless the text is in force."""
        if outcome is not Outcome.LOADED:
            obstacles = list(unbindable(target.new_places))
            raise LvsnatError(
                "; ".join(obstacles) or str(outcome),
                "'journalctl -t haproxy' may have what it said",
            )

    def _stop_listening(self, seen: Processes, supervisor: Supervisor) -> None:
        """Have all workers end softly: what they listen on is then made anew.

        One may serve on and its socket be lost: a reload alone would not bring the socket back.
        """
        supervisor.signal(seen.master, signal.SIGUSR1)
        self._await(self._instance.all_stopping, _END_SECONDS)

    def _await_load(self, target: Target, before: Before, supervisor: Supervisor) -> Outcome:
        """Wait until a new worker has read the text, or is known not to."""
        old = None if before.worker is None else before.worker.pid
        reloads = -1 if before.processes is None else before.processes.reloads
        deadline, gone = self._clock.monotonic() + LOAD_SECONDS, 0
        while self._clock.monotonic() < deadline:
            seen = None
            # A master that begins anew may be slow to answer.
            with contextlib.suppress(LvsnatError):
                worker, seen = self._instance.worker(), self._instance.processes()
                loaded = worker and worker.pid != old and worker.description == target.description
                # Once all is read the master begins anew, and is deaf until then.
                if loaded and seen:
                    return Outcome.LOADED
                if seen and seen.failed and seen.reloads > reloads:
                    return Outcome.REFUSED
            # A master that begins anew is nobody for a moment: no process of ours in /proc.
            gone = gone + 1 if seen is None and supervisor.died() else 0
            if gone > 1:
                return Outcome.ENDED
            self._clock.sleep(_PAUSE)
        return Outcome.LATE

    def _await_servers(self, patience: Mapping[str, float]) -> None:
        """Raise LvsnatError unless each of these services has a server that passed a check."""
        waiting = set(patience)

        def all_up() -> bool:
            rows = answers.table(self._instance.runtime.ask("show stat"))
            waiting.intersection_update(not_up(rows, waiting))
            return not waiting

        if waiting and not self._await(all_up, max(patience.values())):
            names = ", ".join(sorted(waiting))
            raise LvsnatError(
                f"no server of {names} passes HAProxy's check",
                "look at the servers and at what 'check' asks of them; nothing was changed",
            )

    def _take_back(self, before: Before, supervisor: Supervisor) -> None:
        """Bring back the file and the process of before, as far as that goes."""
        if before.text is None:
            remove_file(self._files.config)
        else:
            write_file(self._files.config, before.text)
        with contextlib.suppress(LvsnatError):
            seen = self._instance.processes()
            if seen is not None:
                self._go_back(before, seen, supervisor)
            if before.processes is None:
                # Its start failed: systemd would go on trying.
                supervisor.give_up()

    def _go_back(self, before: Before, seen: Processes, supervisor: Supervisor) -> None:
        """Have a process that is there do what it did before."""
        if before.worker is not None and before.text is not None:
            # Also where the old worker still serves: the master forgets its failure.
            supervisor.signal(seen.master, signal.SIGUSR2)
            now = Before(before.text, seen, self._instance.worker())
            self._await_load(Target(before.text), now, supervisor)
        elif before.processes is not None:
            supervisor.signal(seen.master, signal.SIGUSR1)
        else:
            supervisor.signal(seen.master, signal.SIGTERM)
            self._await(lambda: self._instance.processes() is None, _END_SECONDS)

    def _await(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait for a condition; whether it came. One who does not answer is asked again."""
        deadline = self._clock.monotonic() + seconds
        while True:
            with contextlib.suppress(HangsError):
                if condition():
                    return True
            if self._clock.monotonic() > deadline:
                return False
            self._clock.sleep(_PAUSE)
