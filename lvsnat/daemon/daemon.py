"""The daemon from its start to its end: its lock, its two threads, and what it goes on from."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TextIO

from lvsnat.daemon.keeper import Keeper
from lvsnat.daemon.logs import LOGGER, Lines, read_by_journal, say
from lvsnat.daemon.loop import Loop
from lvsnat.daemon.meter import Meter
from lvsnat.daemon.programs import Programs
from lvsnat.daemon.source import Source
from lvsnat.daemon.systemd import Manager
from lvsnat.daemon.values import Mailbox, Order
from lvsnat.director.director import Director
from lvsnat.director.paths import Paths
from lvsnat.director.wish import read
from lvsnat.errors import LvsnatError, RefusedError
from lvsnat.health import published
from lvsnat.health.decide import Decider
from lvsnat.health.engine import Engine
from lvsnat.health.published import Published
from lvsnat.health.values import Answer, Target
from lvsnat.model.config import Config
from lvsnat.model.daemon import LogFormat
from lvsnat.system import locked, read_file

HANGS: Final = 120.0
"""Seconds after which one turn of the second thread is taken for hung."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How somebody wants the daemon to run."""

    log: LogFormat | None = None
    """None: as the configuration says."""
    verbose: bool = False


def run(
    director: Director,
    manner: Manner,
    *,
    environment: MutableMapping[str, str],
    stream: TextIO,
) -> None:
    """Watch over a director until a signal ends it.

    Raises RefusedError where another daemon does, ConfigError for a broken configuration, and
    LvsnatError where this host has no IPVS or does not let us: all before anything is checked.
    """
    manager = Manager.from_environment(environment)
    with _alone(director.paths), _logging(manner, environment, stream) as lines:
        source = Source(director.paths.config, read)
        source.begin()
        form = _form(lines, manner)
        form(source.config)
        daemon = _Daemon(director, source, manager, form)
        with contextlib.closing(daemon):
            daemon.run()


class _Daemon:
    def __init__(
        self,
        director: Director,
        source: Source,
        manager: Manager,
        form: Callable[[Config], None],
    ) -> None:
        self._form = form
        self._director = director
        self._source = source
        self._manager = manager
        self._mailbox = Mailbox()
        meter = Meter()
        self._keeper = Keeper(
            director,
            source,
            self._mailbox,
            self._hand_over,
            manager=manager,
            programs=Programs(),
            meter=meter,
        )
        order = self._keeper.order()
        known = remembered(director.paths)
        decider = Decider(order.config, known.tracks, known.memory, order.overrides)
        self._keeper.begin(order)
        self._loop = Loop(
            order,
            decider,
            self._mailbox,
            clock=director.clock,
            manager=manager,
            engine=lambda answered: Engine(answered, clock=director.clock),
            checked=_noting_answers(meter) if LOGGER.isEnabledFor(logging.DEBUG) else meter.checked,
        )

    def run(self) -> None:
        # Netlink sockets belong to the thread that opened them: only one ever touches the director.
        with ThreadPoolExecutor(1, "keeper") as second:
            second.submit(self._director.view).result()
            working = second.submit(self._keep)
            working.add_done_callback(lambda _: self._loop.stop())
            say("started", f"watching over {self._director.paths.config}", pid=os.getpid())
            try:
                self._loop.run(self._hangs)
            finally:
                self._manager.stopping()
                self._mailbox.stop()
            # Also what it failed with, if it did.
            working.result()
            say("stopped", "stopped: the kernel goes on serving")

    def close(self) -> None:
        self._loop.close()

    def _hand_over(self, order: Order) -> None:
        self._form(order.config)
        self._loop.hand_over(order)

    def _keep(self) -> None:
        while self._keeper.turn():
            pass

    def _hangs(self) -> bool:
        since = self._keeper.busy_since
        return since is not None and self._director.clock.monotonic() - since > HANGS


def _noting_answers(meter: Meter) -> Callable[[Target, Answer], None]:
    """What is told every answer, for one who wants to read them all."""

    def noting(target: Target, answer: Answer) -> None:
        meter.checked(target, answer)
        what = f"{target.address} port {target.port} {target.check.question}: {answer.detail}"
        say("answer", what, logging.DEBUG, ok=answer.ok, took=round(answer.took, 6))

    return noting


def remembered(paths: Paths) -> Published:
    """What the daemon before this one knew; nothing where it cannot be read."""
    text = read_file(paths.health)
    if text is None:
        return Published(0.0)
    try:
        return published.parse(text)
    except ValueError as error:
        say(
            "forgotten",
            f"{paths.health}: not a health that this version reads ({error}): every check begins"
            " anew",
            logging.WARNING,
        )
        return Published(0.0)


@contextlib.contextmanager
def _alone(paths: Paths) -> Iterator[None]:
    """Be the one daemon of this director."""

    def refusal(holder: str) -> LvsnatError:
        return RefusedError(
            f"another daemon watches over this director ({holder})",
            "'lvsnat health' shows what it knows, 'systemctl restart lvsnat-daemon' starts it anew",
        )

    with locked(paths.daemon_lock, wait=False, refusal=refusal):
        yield


@contextlib.contextmanager
def _logging(manner: Manner, environment: Mapping[str, str], stream: TextIO) -> Iterator[Lines]:
    """Have the log written while the daemon runs."""
    form = manner.log or LogFormat.TEXT
    lines = Lines(stream, form, journal=read_by_journal(environment, stream))
    LOGGER.addHandler(lines)
    LOGGER.setLevel(logging.DEBUG if manner.verbose else logging.INFO)
    before, LOGGER.propagate = LOGGER.propagate, False
    try:
        yield lines
    finally:
        LOGGER.propagate = before
        LOGGER.removeHandler(lines)


def _form(lines: Lines, manner: Manner) -> Callable[[Config], None]:
    """What sets the form of the log as a configuration says, unless the command line does."""

    def configure(config: Config) -> None:
        lines.form = manner.log or config.daemon.log

    return configure
