"""The daemon's first thread: checks, and what their answers come to. No file, no netlink.

It hands decisions to the second thread as values, and takes from it what to check.
"""

from __future__ import annotations

import random as chance
import signal
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, Protocol

from lvsnat.daemon.systemd import Manager
from lvsnat.daemon.values import TOGETHER, Mailbox, News, Order
from lvsnat.health.decide import Decider, transitions
from lvsnat.health.outcome import Decision
from lvsnat.health.pace import Pace
from lvsnat.health.values import Answer, Target
from lvsnat.system import Clock

REFRESH: Final = 5.0
"""Seconds after which the last answers are handed over although they changed nothing."""
STEP: Final = 60.0
"""Seconds that the loop sleeps at most."""
SIGNALS: Final = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
_CHUNK: Final = 4096


class Asking(Protocol):
    """The engine, as far as it is needed here."""

    @property
    def pace(self) -> Pace: ...
    def watch(self, targets: Iterable[Target]) -> None: ...
    def add_reader(self, descriptor: int, callback: Callable[[], None]) -> None: ...
    def remove_reader(self, descriptor: int) -> None: ...
    def call_at(self, monotonic: float, callback: Callable[[], None]) -> None: ...
    def step(self, timeout: float) -> None: ...
    def close(self) -> None: ...


class Loop:
    """Asks, decides, hands over."""

    def __init__(
        self,
        order: Order,
        decider: Decider,
        mailbox: Mailbox,
        *,
        clock: Clock,
        manager: Manager,
        engine: Callable[[Callable[[Target, Answer], float]], Asking],
        random: Callable[[], float] = chance.random,
        checked: Callable[[Target, Answer], None] = lambda *_: None,
    ) -> None:
        """``engine`` makes one that tells its answers; ``checked`` is told them, too."""
        self._order = order
        self._decider = decider
        self._mailbox = mailbox
        self._clock = clock
        self._manager = manager
        self._random = random
        self._checked = checked
        self._engine = engine(self._answered)
        self._decision: Decision | None = None
        self._planned = False
        self._wake_at: float | None = None
        self._ended = False
        self._posted: deque[Callable[[], None]] = deque()
        self._hears, self._rings = socket.socketpair()
        for end in (self._hears, self._rings):
            end.setblocking(False)  # noqa: FBT003 - the standard library's own

    def hand_over(self, order: Order) -> None:
        """Check for something else from now on. For any thread."""
        self._post(lambda: self._take(order))

    def stop(self) -> None:
        """End ``run``. For any thread."""
        self._post(self._stop)

    def run(self, hangs: Callable[[], bool] = lambda: False) -> None:
        """Go on until somebody says stop, by ``stop`` or a signal.

        ``hangs``: whether the other thread does; then systemd is told nothing more.
        """
        engine = self._engine
        engine.add_reader(self._hears.fileno(), self._hear)
        engine.watch(self._decider.tracks)
        self._decide()
        self._every(REFRESH, self._refresh)
        if self._manager.watchdog:
            self._every(self._manager.watchdog / 3, lambda: self._say_alive(hangs))
        with self._heeding_signals():
            while not self._ended:
                engine.step(STEP)
        engine.remove_reader(self._hears.fileno())

    def close(self) -> None:
        """Give up every question."""
        self._engine.close()
        self._hears.close()
        self._rings.close()

    def _answered(self, target: Target, answer: Answer) -> float:
        self._checked(target, answer)
        again = self._decider.answered(target, answer, self._clock.now(), self._random())
        if self._decider.dirty and not self._planned:
            self._planned = True
            self._engine.call_at(self._clock.monotonic() + TOGETHER, self._decide)
        return again

    def _decide(self) -> None:
        self._planned = False
        before, now = self._decision, self._clock.now()
        after = self._decision = self._decider.decide(now)
        told = () if before is None else tuple(transitions(before, after))
        self._mailbox.put(self._news(after), told)
        if after.wake is not None and (self._wake_at is None or after.wake < self._wake_at):
            self._wake_at = after.wake
            self._engine.call_at(self._clock.monotonic() + max(0.0, after.wake - now), self._woken)

    def _woken(self) -> None:
        self._wake_at = None
        self._decide()

    def _refresh(self) -> None:
        if self._decision is not None:
            self._mailbox.put(self._news(self._decision))

    def _news(self, decision: Decision) -> News:
        return News(self._order, decision, self._decider.tracks, self._engine.pace)

    def _take(self, order: Order) -> None:
        self._order = order
        self._decider.reconfigure(order.config, order.overrides)
        self._engine.watch(self._decider.tracks)
        self._decide()

    def _every(self, seconds: float, do: Callable[[], object]) -> None:
        def again() -> None:
            do()
            self._engine.call_at(self._clock.monotonic() + seconds, again)

        again()

    def _say_alive(self, hangs: Callable[[], bool]) -> None:
        if not hangs():
            self._manager.alive()

    def _stop(self) -> None:
        self._ended = True

    def _post(self, do: Callable[[], None]) -> None:
        self._posted.append(do)
        self._ring(0)

    def _ring(self, number: int) -> None:
        # Full: it has not heard the last ones yet, and will then do this as well.
        with suppress(BlockingIOError):
            self._rings.send(bytes([number]))

    def _hear(self) -> None:
        numbers = self._hears.recv(_CHUNK)
        while self._posted:
            self._posted.popleft()()
        if signal.SIGHUP in numbers:
            self._mailbox.reload()
        if {signal.SIGINT, signal.SIGTERM} & set(numbers):
            self._ended = True

    @contextmanager
    def _heeding_signals(self) -> Iterator[None]:
        """Have signals ring: each writes its number, and nothing happens in the midst of a check.

        A KeyboardInterrupt anywhere would leave a half-made change; so there is none.
        """
        # First what rings: a signal whose handler does nothing would be lost without it.
        before = signal.set_wakeup_fd(self._rings.fileno(), warn_on_full_buffer=False)
        handlers = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            for number, handler in handlers.items():
                signal.signal(number, handler)
