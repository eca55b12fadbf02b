"""The engine that makes the checks: one thread, one epoll, one heap of what is due.

It knows when to ask and what to wait for. What is asked is in ``lvsnat.health.checks``, what an
answer means is its caller's.
"""

from __future__ import annotations

import random as chance
import select
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from heapq import heapify, heappop, heappush
from itertools import count

from lvsnat.health.checks.check import IDLE, Check
from lvsnat.health.checks.preparing import prepare
from lvsnat.health.checks.words import SCARCE, bug_words, error_words
from lvsnat.health.limits import Limits, raised_limits
from lvsnat.health.pace import Lag, Pace
from lvsnat.health.values import Answer, Target
from lvsnat.spawn import Child
from lvsnat.system import Clock, SystemClock

BATCH = 32
"""Checks that are begun before the answers to the first of them are looked at."""
NAP = 0.008
"""Seconds that nobody notices: checks due within them are begun together, which spares waking up
for each."""
MOST_AT_ONCE = 8 * BATCH
"""Checks that are begun in one pass."""
SOON = 0.001
"""Seconds before which nothing is asked again."""
RETRY = 0.1
"""Seconds until what could not be begun, for want of descriptors, is tried again."""


class Engine:
    """Asks each target again and again, and tells ``answered`` each answer.

    ``answered`` returns the seconds from the start of that question to the start of the next one.
    A target whose answer takes longer than that is asked again at once, and never twice at a time.
    Nothing here is safe to call from another thread.
    """

    def __init__(
        self,
        answered: Callable[[Target, Answer], float],
        *,
        clock: Clock | None = None,
        random: Callable[[], float] = chance.random,
        limits: Limits | None = None,
    ) -> None:
        self._answered = answered
        self._clock = (clock or SystemClock()).monotonic
        self._random = random
        limits = limits or raised_limits()
        # Here, in _running and in _waiting: sockets first, then programs.
        self._most = (limits.sockets, limits.programs)
        self._epoll = select.epoll()
        self._checks: dict[Target, Check] = {}
        self._due: list[tuple[float, int, Check]] = []
        self._timers: list[tuple[float, int, Check | Callable[[], None]]] = []
        self._number = count()
        self._ready: dict[int, Check] = {}
        self._readers: dict[int, Callable[[], None]] = {}
        self._waiting: tuple[deque[Check], deque[Check]] = (deque(), deque())
        self._running = [0, 0]
        self._quick: list[Check] = []
        self._behind = False
        self._dying: list[Child] = []
        self._lag = Lag()

    @property
    def pace(self) -> Pace:
        """How it does, for the metrics."""
        return Pace(
            lag=self._lag.greatest(self._clock()),
            targets=len(self._checks),
            running=sum(self._running),
            waiting=sum(map(len, self._waiting)),
            programs=self._running[True],
        )

    def watch(self, targets: Iterable[Target]) -> None:
        """Ask these and no others. New ones are spread over one interval, the rest go on."""
        wanted = dict.fromkeys(targets)
        for target in [one for one in self._checks if one not in wanted]:
            self._forget(self._checks.pop(target))
        new = [target for target in wanted if target not in self._checks]
        now = self._clock()
        for place, target in enumerate(new):
            check = self._checks[target] = prepare(target)
            share = (place + self._random()) / len(new)
            self._schedule(check, now + target.check.interval * share)
        # In place: whoever goes through it calls ``answered``, which may call this.
        self._due[:] = [one for one in self._due if one[2].due == one[0]]
        heapify(self._due)

    def add_reader(self, descriptor: int, callback: Callable[[], None]) -> None:
        """Call back whenever this can be read, until ``remove_reader``."""
        self._epoll.register(descriptor, select.EPOLLIN)
        self._readers[descriptor] = callback

    def remove_reader(self, descriptor: int) -> None:
        """Call back no more; do it before the descriptor is closed."""
        if self._readers.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    def call_at(self, monotonic: float, callback: Callable[[], None]) -> None:
        """Call back once, at a time of the clock's ``monotonic``."""
        heappush(self._timers, (monotonic, next(self._number), callback))

    def step(self, timeout: float) -> None:
        """Wait for what comes first, ``timeout`` seconds at most, and do all that is to be done."""
        found = self._epoll.poll(self._patience(timeout))
        now = self._clock()
        for descriptor, _ in found:
            check = self._ready.get(descriptor)
            if check is not None:
                self._resume(check, now)
            elif (reader := self._readers.get(descriptor)) is not None:
                reader()
        self._ring(now)
        self._begin_due(now)

    def close(self) -> None:
        """Give up every question, end every program, and close what is open."""
        for check in self._checks.values():
            self._forget(check)
        self._checks.clear()
        self._readers.clear()
        self._epoll.close()
        for child in self._dying:
            child.leave()

    def _patience(self, timeout: float) -> float:
        now = self._clock()
        if self._behind:
            return 0.0
        if self._due:
            timeout = min(timeout, max(self._due[0][0] - now, NAP))
        timers = self._timers
        # Most questions are over long before their deadline; it is not worth waking up for.
        while timers and isinstance(one := timers[0][2], Check) and one.deadline != timers[0][0]:
            heappop(timers)
        if timers:
            timeout = min(timeout, timers[0][0] - now)
        if any(self._waiting):
            timeout = min(timeout, RETRY)
        return max(timeout, 0.0)

    def _schedule(self, check: Check, due: float) -> None:
        check.due = due
        heappush(self._due, (due, next(self._number), check))

    def _begin_due(self, now: float) -> None:
        """Begin what is due, a part of it where that is much: answers must not wait for it."""
        for waiting in self._waiting:
            self._begin_waiting(waiting, now)
        due, left = self._due, MOST_AT_ONCE
        if due and due[0][0] <= now:
            self._lag.note(now - due[0][0], now)
        while left and due and due[0][0] <= now:
            when, _, check = heappop(due)
            if check.due != when:
                continue
            waiting = self._waiting[check.program]
            if waiting or not self._begin(check, now):
                waiting.append(check)
            left -= 1
            if left % BATCH == 0:
                self._look()
                now = self._clock()
        self._look()
        self._behind = not left

    def _begin_waiting(self, waiting: deque[Check], now: float) -> None:
        """Begin those that have waited longest."""
        while waiting:
            check = waiting.popleft()
            if check.due == IDLE:
                continue
            late = now - check.due
            if not self._begin(check, now):
                waiting.appendleft(check)
                return
            self._lag.note(late, now)

    def _begin(self, check: Check, now: float) -> bool:
        """Ask; False if it has to wait until something else is over."""
        if self._running[check.program] >= self._most[check.program]:
            return False
        check.began = now
        try:
            answer = check.start(now)
        except OSError as error:
            if error.errno in SCARCE and now - check.due < check.target.check.timeout:
                check.stop()
                return False
            answer = Answer(ok=False, detail=error_words(error))
        except Exception as error:  # noqa: BLE001 - one check's bug must not end all the others
            answer = Answer(ok=False, detail=bug_words(error))
        check.running = True
        self._running[check.program] += 1
        if answer is not None:
            self._finish(check, answer, now)
        elif check.quick:
            self._quick.append(check)
        else:
            self._await(check)
        return True

    def _look(self) -> None:
        """Look at what was only just begun: a server nearby has answered by now."""
        if not self._quick:
            return
        now = self._clock()
        for check in self._quick:
            if check.running and not self._resume(check, now):
                check.quick = False
                self._await(check)
        self._quick.clear()

    def _await(self, check: Check) -> None:
        check.deadline = check.began + check.target.check.timeout
        heappush(self._timers, (check.deadline, next(self._number), check))
        self._ready[check.descriptor] = check
        try:
            self._epoll.register(check.descriptor, check.events)
        except OSError as error:
            self._finish(check, Answer(ok=False, detail=error_words(error)), check.began)

    def _resume(self, check: Check, now: float) -> bool:
        """Go on with a question; True once it is over."""
        before = check.events
        try:
            answer = check.resume(now)
        except OSError as error:
            answer = Answer(ok=False, detail=error_words(error), took=now - check.began)
        except Exception as error:  # noqa: BLE001 - one check's bug must not end all the others
            answer = Answer(ok=False, detail=bug_words(error))
        if answer is None:
            if check.events != before:
                self._epoll.modify(check.descriptor, check.events)
            return False
        self._finish(check, answer, now)
        return True

    def _ring(self, now: float) -> None:
        """Do what a time has come for."""
        timers = self._timers
        while timers and timers[0][0] <= now:
            when, _, what = heappop(timers)
            if not isinstance(what, Check):
                what()
            # The answer may be here, and it was the engine that had no time to look.
            elif what.deadline == when and not self._resume(what, now):
                self._finish(what, what.expired(now), now)

    def _finish(self, check: Check, answer: Answer, now: float) -> None:
        self._release(check)
        delay = check.target.check.interval
        try:
            delay = self._answered(check.target, answer)
        finally:
            if check.due != IDLE:
                self._schedule(check, max(check.began + delay, now + SOON))

    def _release(self, check: Check) -> None:
        """Close what a check has open. epoll forgets a descriptor that is closed."""
        if not check.running:
            return
        check.running = False
        check.deadline = IDLE
        self._ready.pop(check.descriptor, None)
        check.descriptor = -1
        check.stop()
        if (child := check.remains()) is None:
            self._running[check.program] -= 1
        else:
            self._dying.append(child)
            self.add_reader(child.pidfd, partial(self._bury, child))

    def _bury(self, child: Child) -> None:
        """Take note that a program, which was killed a while ago, has ended at last."""
        self.remove_reader(child.pidfd)
        child.reap()
        self._dying.remove(child)
        self._running[True] -= 1

    def _forget(self, check: Check) -> None:
        check.due = IDLE
        self._release(check)
