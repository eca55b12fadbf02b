"""The first thread: answers become decisions, which are handed over; signals, the watchdog."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterable

import pytest
from daemon.stand import FIRST, SECOND, web

from lvsnat.daemon.loop import Loop
from lvsnat.daemon.systemd import Manager
from lvsnat.daemon.values import TOGETHER, Mailbox, Order
from lvsnat.director.wish import read
from lvsnat.health.decide import Decider
from lvsnat.health.engine import Engine
from lvsnat.health.outcome import Memory
from lvsnat.health.pace import Pace
from lvsnat.health.values import Answer, Target
from lvsnat.system import SystemClock
from lvsnat.testing import FakeClock

REFUSED, CONNECTED = Answer(ok=False, detail="connection refused"), Answer(ok=True, detail="ok")


class FakeEngine:
    """Asks nobody: answers and times come by hand."""

    def __init__(self, answered: Callable[[Target, Answer], float]) -> None:
        self.answered = answered
        self.targets: list[Target] = []
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.readers: dict[int, Callable[[], None]] = {}
        self.closed = False

    @property
    def pace(self) -> Pace:
        return Pace(lag=0.0, targets=len(self.targets), running=0, waiting=0, programs=0)

    def watch(self, targets: Iterable[Target]) -> None:
        self.targets = list(targets)

    def add_reader(self, descriptor: int, callback: Callable[[], None]) -> None:
        self.readers[descriptor] = callback

    def remove_reader(self, descriptor: int) -> None:
        del self.readers[descriptor]

    def call_at(self, monotonic: float, callback: Callable[[], None]) -> None:
        self.timers.append((monotonic, callback))

    def step(self, timeout: float) -> None:
        del timeout
        for callback in self.readers.values():
            callback()

    def close(self) -> None:
        self.closed = True


def order(text: str | None = None) -> Order:
    return Order(read(web() if text is None else text, "lvsnat.toml"), {})


class Box:
    """A loop that is stepped by hand."""

    def __init__(self, manager: Manager | None = None) -> None:
        self.clock = FakeClock()
        self.mailbox = Mailbox()
        self.order = order()
        self.engines: list[FakeEngine] = []
        self.loop = Loop(
            self.order,
            Decider(self.order.config, {}, Memory()),
            self.mailbox,
            clock=self.clock,
            manager=manager or Manager(),
            engine=self._engine,
        )

    def _engine(self, answered: Callable[[Target, Answer], float]) -> FakeEngine:
        self.engines.append(FakeEngine(answered))
        return self.engines[0]

    @property
    def engine(self) -> FakeEngine:
        return self.engines[0]

    def run(self, do: Callable[[], None]) -> None:
        """Do something while it runs, and stop it."""
        original = self.engine.step

        def step(timeout: float) -> None:
            do()
            self.loop.stop()
            original(timeout)

        self.engine.step = step  # type: ignore[method-assign]  # what happens in the first step
        self.loop.run()
        self.loop.close()

    def ring(self, later: float) -> None:
        """Let time pass, and do what comes due."""
        self.clock.sleep(later)
        due = [one for one in self.engine.timers if one[0] <= self.clock.monotonic()]
        self.engine.timers = [one for one in self.engine.timers if one not in due]
        for _, callback in due:
            callback()

    def answers(self, server: str, answer: Answer, times: int = 3) -> None:
        for target in self.engine.targets:
            if f"{target.address}:{target.port}" == server:
                for _ in range(times):
                    self.engine.answered(target, answer)


@pytest.fixture
def box() -> Box:
    return Box()


def test_it_asks_what_the_configuration_says_and_hands_over_at_once(box: Box) -> None:
    box.run(lambda: None)

    assert {f"{one.address}:{one.port}" for one in box.engine.targets} == {FIRST, SECOND}
    news = box.mailbox.take(0).news
    assert news is not None
    assert news.order is box.order


def test_servers_that_die_together_are_one_piece_of_news(box: Box) -> None:
    def die() -> None:
        box.mailbox.take(0)
        box.answers(FIRST, REFUSED)
        box.answers(SECOND, REFUSED)
        assert box.mailbox.take(0).news is None
        box.ring(TOGETHER)

    box.run(die)

    told = box.mailbox.take(0)
    assert told.news is not None
    assert set(told.news.decision.overlay.weights.values()) == {0}
    assert [one.after for one in told.transitions if one.server is not None] == ["down", "down"]


def test_answers_that_change_nothing_are_handed_over_now_and_then(box: Box) -> None:
    def go_on() -> None:
        box.answers(FIRST, CONNECTED)
        box.ring(TOGETHER)
        before = box.mailbox.take(0).news
        box.answers(FIRST, CONNECTED)
        box.ring(TOGETHER)
        assert box.mailbox.take(0).news is None
        box.ring(6)
        after = box.mailbox.take(0).news
        assert before is not None
        assert after is not None
        assert after.decision is before.decision

    box.run(go_on)


def test_another_order_is_taken_with_what_is_known(box: Box) -> None:
    another = order(web(weight=9))

    def reload() -> None:
        box.answers(FIRST, REFUSED)
        box.ring(TOGETHER)
        box.mailbox.take(0)
        box.loop.hand_over(another)

    box.run(reload)

    news = box.mailbox.take(0).news
    assert news is not None
    assert news.order is another
    assert set(news.decision.overlay.weights.values()) == {0}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_is_the_programs_again_after_that(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    clock = SystemClock()
    made = order()

    def engine(answered: Callable[[Target, Answer], float]) -> Engine:
        asking = Engine(answered, clock=clock)
        asking.call_at(0.0, lambda: signal.raise_signal(number))
        return asking

    loop = Loop(
        made,
        Decider(made.config, {}, Memory()),
        Mailbox(),
        clock=clock,
        manager=Manager(),
        engine=engine,
    )

    loop.run()
    loop.close()

    assert signal.getsignal(number) is before


def test_a_signal_that_comes_as_soon_as_it_is_heeded_is_not_lost(box: Box) -> None:
    came: list[int] = []

    def at_each_call(*_: object) -> None:
        if not came and callable(signal.getsignal(signal.SIGTERM)):
            came.append(signal.SIGTERM)
            signal.raise_signal(signal.SIGTERM)

    sys.setprofile(at_each_call)
    try:
        # Its one step ends it, or finds nothing to hear.
        box.loop.run()
    finally:
        sys.setprofile(None)
    box.loop.close()

    assert came


def test_sighup_asks_for_a_look_at_the_configuration(box: Box) -> None:
    box.run(lambda: signal.raise_signal(signal.SIGHUP))

    assert box.mailbox.take(0).reload


class Heard(Manager):
    """Counts how often it was said that nothing hangs."""

    def __init__(self) -> None:
        super().__init__(None, 60.0)
        self.times = 0

    def alive(self) -> None:
        self.times += 1


def test_the_watchdog_is_told_until_the_other_thread_hangs() -> None:
    heard = Heard()
    box = Box(heard)
    hanging = False

    def go_on() -> None:
        nonlocal hanging
        box.ring(20)
        box.ring(20)
        assert heard.times == 3
        hanging = True
        box.ring(20)
        assert heard.times == 3

    original = box.engine.step

    def step(timeout: float) -> None:
        go_on()
        box.loop.stop()
        original(timeout)

    box.engine.step = step  # type: ignore[method-assign]  # what happens in the first step
    box.loop.run(lambda: hanging)
    box.loop.close()


def test_a_closed_loop_asks_no_more(box: Box) -> None:
    box.loop.close()

    assert box.engine.closed
