"""The daemon's second thread: keeps the kernel, the published health and the listeners up to date.

It alone uses the director, so nothing that takes time (a plan of thousands of services, a file, a
command that holds the lock) delays a check. What the checks come to is handed to it as values.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Final

from lvsnat.daemon.elsewhere import elsewhere
from lvsnat.daemon.logs import say
from lvsnat.daemon.meter import Meter
from lvsnat.daemon.programs import Programs
from lvsnat.daemon.publisher import Publisher
from lvsnat.daemon.source import Source
from lvsnat.daemon.systemd import Manager
from lvsnat.daemon.telling import say_changes, say_transitions, transition_message
from lvsnat.daemon.troubles import Troubles
from lvsnat.daemon.values import Mailbox, News, Order, Told
from lvsnat.daemon.writer import BusyError, Compared, PutOffError, Writer
from lvsnat.director.director import Director
from lvsnat.errors import LvsnatError
from lvsnat.health.outcome import ServiceHealth
from lvsnat.model.config import Config
from lvsnat.model.daemon import OnDrift, OnStop
from lvsnat.plan.overlay import holding
from lvsnat.plan.planner import Plan

LOOK: Final = 1.0
"""Seconds from one look at the files to the next."""
RETRY: Final = 0.05
"""Seconds until a lock that a command holds is tried again."""
BACK_OFF: Final = (0.2, 5.0)
"""Seconds until what failed is tried again: at first, and at most."""
SHARE: Final = 10
"""A comparison may take one part in so many of the time."""
LAST_TRY: Final = 0.5
"""Seconds in which the end may try to drain while a command holds the lock."""


@dataclass(slots=True)
class Due:
    """When what is done next; monotonic seconds. All at once in the beginning."""

    look: float = 0.0
    follow: float = inf
    """When what failed is tried again; infinite: nothing has."""
    compare: float = 0.0
    show: float = 0.0


class Keeper:
    """What the second thread does, turn by turn."""

    def __init__(
        self,
        director: Director,
        source: Source,
        mailbox: Mailbox,
        hand_over: Callable[[Order], None],
        *,
        manager: Manager,
        programs: Programs,
        meter: Meter,
    ) -> None:
        """``hand_over`` gives the thread of the checks something else to do."""
        self._director = director
        self._clock = director.clock
        self._source = source
        self._mailbox = mailbox
        self._hand_over = hand_over
        self._manager = manager
        self._programs = programs
        self._troubles = Troubles()
        self._publisher = Publisher(director.paths, self._clock, manager, self._troubles)
        self._meter = meter
        self._writer = Writer(director, source)
        self._due = Due()
        self._back_off = BACK_OFF[0]
        self._order: Order | None = None
        self._read_as: Config | None = None
        self._news: News | None = None
        self._elsewhere: tuple[ServiceHealth, ...] = ()
        self._drift, self._drifting = "", 0
        self._reloading = True
        self.busy_since: float | None = None
        """Monotonic seconds; None while it waits for something to do."""

    def order(self) -> Order:
        """What the checks are to be made for now."""
        overrides = holding(self._director.overrides(), self._clock.now())
        return Order(self._writer.config(), overrides)

    def begin(self, order: Order) -> None:
        """The checks are made for this now."""
        self._order, self._read_as = order, self._source.config
        with contextlib.suppress(LvsnatError), self._troubles.noting("metrics"):
            self._meter.configure(order.config.daemon)
            self._meter.reloaded(self._clock.now(), good=not self._source.problems)

    def turn(self) -> bool:
        """Wait for something to do, and do it; whether there is to be another turn."""
        self.busy_since = None
        told = self._mailbox.take(max(0.0, self._next_due() - self._clock.monotonic()))
        self.busy_since = self._clock.monotonic()
        return self.work(told)

    def work(self, told: Told) -> bool:
        """Do what was told and what is due; whether there is to be another turn."""
        self._hear(told)
        if told.stop:
            self._end()
            return False
        self._look(at_once=told.reload)
        if (news := self._news) is not None:
            self._publish(news, at_once=bool(told.transitions))
            self._follow(news)
            self._compare(news)
            self._show(news)
            self._say_ready(news)
        return True

    def _next_due(self) -> float:
        due = self._due
        if self._news is None:
            return due.look
        return min(due.look, due.follow, due.compare, due.show, self._publisher.due)

    def _hear(self, told: Told) -> None:
        if told.news is not None:
            if told.news.order is self._order is not (self._news and self._news.order):
                self._due.compare = 0.0
            self._news = told.news
        say_transitions(told.transitions)
        self._meter.changed(told.transitions)
        if self._order is not None and told.transitions:
            programs = self._order.config.daemon.notify
            self._programs.tell(programs, map(transition_message, told.transitions))

    def _look(self, *, at_once: bool) -> None:
        """Look at the files; what is in force there is handed over."""
        now = self._clock.monotonic()
        if at_once:
            self._reloading = True
            self._manager.reloading(now)
        elif now < self._due.look:
            return
        self._due.look = now + LOOK
        try:
            with self._troubles.noting("state"):
                read = self._source.look(now, at_once=at_once)
                order = self.order()
        except LvsnatError:
            return
        finally:
            self._troubles.note("configuration", *self._source.problems)
        if read:
            say("configuration", f"{self._director.paths.config} was read anew")
        if read or at_once or self._source.problems:
            self._meter.reloaded(self._clock.now(), good=not self._source.problems)
        if not self._is_same(order):
            self.begin(order)
            self._hand_over(order)

    def _is_same(self, order: Order) -> bool:
        old = self._order
        return (
            old is not None
            and self._read_as is self._source.config
            and old.config.phase is order.config.phase
            and old.overrides == order.overrides
        )

    def _say_ready(self, news: News) -> None:
        """A start or a reload has ended when the checks are made for what was read."""
        if self._reloading and news.order is self._order:
            self._reloading = False
            self._manager.ready()

    def _publish(self, news: News, *, at_once: bool) -> None:
        in_force = self._source.stands_in
        self._publisher.publish(news, self._elsewhere, in_force, at_once=at_once)

    def _follow(self, news: News) -> None:
        """Make what the checks say so."""
        now, overlay = self._clock.monotonic(), news.decision.overlay
        if overlay == self._writer.health:
            self._due.follow = inf
            return
        if now < self._due.follow < inf:
            return
        try:
            with self._troubles.noting("health"):
                changes = self._writer.follow(overlay)
        except BusyError:
            self._due.follow = now + RETRY
        except LvsnatError:
            self._meter.applied(self._clock.monotonic() - now, 0, failed=True)
            self._due.follow = now + self._back_off
            self._back_off = min(2 * self._back_off, BACK_OFF[1])
        else:
            self._meter.applied(self._clock.monotonic() - now, len(changes))
            self._due.follow, self._back_off = inf, BACK_OFF[0]
            say_changes("applied", changes)

    def _compare(self, news: News) -> None:
        """Compare all with all, in the interval of the configuration."""
        now, options = self._clock.monotonic(), news.order.config.daemon
        if now < self._due.compare:
            return
        if news.order is not self._order or self._due.follow < inf:
            # The news of that order, or the end of what is in the way, come soon.
            self._due.compare = now + RETRY
            return
        try:
            with self._troubles.noting("comparison"):
                found = self._writer.compare(repair=options.drift is OnDrift.REPAIR)
        except BusyError:
            self._due.compare = now + RETRY
            return
        except PutOffError as error:
            self._troubles.note("comparison", *error.args)
            self._due.compare = now + LOOK
            return
        except LvsnatError:
            self._meter.applied(self._clock.monotonic() - now, 0, failed=True)
            self._due.compare = now + options.interval
            return
        took = self._clock.monotonic() - now
        self._meter.applied(took, len(found.changes))
        self._due.compare = now + max(options.interval, SHARE * took)
        self._tell(found)

    def _tell(self, found: Compared) -> None:
        say_changes("repaired" if found.same else "applied", found.changes)
        drift, self._drifting = Plan(found.drift), len(found.drift)
        fingerprint = drift.fingerprint if drift else ""
        if fingerprint != self._drift:
            self._drift = fingerprint
            say_changes("drift", found.drift, logging.WARNING)
            if not drift:
                say("drift-over", "drift: there is none any more")
        names = ", ".join(one.describe() for one in found.conflicts)
        lines = [f"made by somebody else: {names} ('lvsnat apply --adopt' takes it over)"]
        self._troubles.note("in the way", *(lines if names else []))

    def _show(self, news: News) -> None:
        """Read what passes, for those who look on: the metrics, and who asks about HAProxy."""
        now, config = self._clock.monotonic(), news.order.config
        if now < self._due.show:
            return
        self._due.show = now + config.daemon.interval
        if not self._meter.on and not config.phase.proxy:
            self._elsewhere = ()
            return
        try:
            with self._troubles.noting("status"):
                status = self._director.status(news.decision)
        except LvsnatError:
            return
        at = self._clock.now()
        self._elsewhere = elsewhere(status, at)
        self._meter.show(
            status,
            news.decision.services,
            at=at,
            drift=self._drifting,
            problems=len(self._troubles.lines),
            pace=news.pace,
        )
        took = self._clock.monotonic() - now
        self._due.show = now + max(config.daemon.interval, SHARE * took)

    def _end(self) -> None:
        """Leave all as it is, or drain it."""
        news = self._news
        if news is not None:
            self._publish(news, at_once=True)
            if news.order.config.daemon.on_stop is OnStop.DRAIN:
                self._drain()
        self._programs.end(LAST_TRY)

    def _drain(self) -> None:
        until = self._clock.monotonic() + LAST_TRY
        while True:
            try:
                changes = self._writer.drain()
            except BusyError:
                if self._clock.monotonic() < until:
                    self._clock.sleep(RETRY)
                    continue
                say("trouble", "on_stop: not drained: a command is at work", logging.ERROR)
            except LvsnatError as error:
                say("trouble", f"on_stop: not drained: {error.message}", logging.ERROR)
            else:
                say_changes("drained", changes)
            return
