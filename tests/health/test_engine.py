"""When the engine asks, how much at once, and what it gives up: with real sockets on loopback."""

from __future__ import annotations

import os
import resource
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from answering import SECONDS, check_of, closed_port, hanging, serving, target_at

from lvsnat.health.engine import Engine
from lvsnat.health.limits import Limits
from lvsnat.health.values import Answer, Target
from lvsnat.model.health import CheckType


class Asked:
    """An engine and what it has answered."""

    def __init__(self, interval: float = 0.05, limits: Limits | None = None) -> None:
        self.answers: list[tuple[Target, Answer]] = []
        self.interval = interval
        self.engine = Engine(self.answered, limits=limits)

    def answered(self, target: Target, answer: Answer) -> float:
        self.answers.append((target, answer))
        return self.interval

    def until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS
        while not true():
            assert time.monotonic() < deadline, f"{len(self.answers)} answers: {self.answers[-1:]}"
            self.engine.step(0.05)

    def run(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.engine.step(left)


@contextmanager
def asked(interval: float = 0.05, limits: Limits | None = None) -> Iterator[Asked]:
    one = Asked(interval, limits)
    try:
        yield one
    finally:
        one.engine.close()


def steps(engine: Engine, over: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not over() and time.monotonic() < deadline:
        engine.step(0.1)


def accepting() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0), backlog=1024)


def port_of(listening: socket.socket) -> int:
    return int(listening.getsockname()[1])


def test_a_target_is_asked_again_and_again() -> None:
    with accepting() as server, asked() as one:
        one.engine.watch([target_at(port_of(server), check_of())])

        one.until(lambda: len(one.answers) >= 3)

    assert all(answer.ok for _, answer in one.answers)


def test_the_next_question_begins_an_interval_after_the_last_one_began() -> None:
    with accepting() as server, asked(interval=0.2) as one:
        one.engine.watch([target_at(port_of(server), check_of())])

        one.run(1.1)

    assert 4 <= len(one.answers) <= 6


def test_new_targets_are_spread_over_one_interval() -> None:
    times: list[float] = []
    with accepting() as server, asked(interval=100) as one:
        began = time.monotonic()
        one.engine.watch(
            target_at(port_of(server), check_of(interval=0.5, host=str(n))) for n in range(50)
        )
        while len(one.answers) < 50 and time.monotonic() < began + SECONDS:
            before = len(one.answers)
            one.engine.step(0.01)
            times += [time.monotonic() - began] * (len(one.answers) - before)

    assert len(times) == 50
    assert times[12] > 0.05
    assert times[40] < 0.49
    assert max(Counter(int(at * 10) for at in times).values()) <= 20


def test_a_target_that_is_watched_no_longer_is_asked_no_longer() -> None:
    with accepting() as server, asked() as one:
        kept, dropped = (target_at(port_of(server), check_of(host=name)) for name in ("a", "b"))
        one.engine.watch([kept, dropped])
        one.until(lambda: {target for target, _ in one.answers} == {kept, dropped})
        one.engine.watch([kept])
        one.answers.clear()

        one.until(lambda: len(one.answers) >= 4)

        assert {target for target, _ in one.answers} == {kept}
        assert one.engine.pace.targets == 1


def test_a_target_dropped_while_it_is_asked_gives_no_answer_and_leaves_nothing_open() -> None:
    with serving(hanging) as port, asked() as one:
        one.engine.watch([target_at(port, check_of(CheckType.HTTP, timeout=0.3))])
        one.until(lambda: one.engine.pace.running == 1)

        one.engine.watch([])
        one.run(0.5)

        assert one.answers == []
        assert one.engine.pace.running == 0


def test_a_target_may_be_dropped_by_its_own_answer() -> None:
    with accepting() as server:
        targets = [target_at(port_of(server), check_of(host=str(n))) for n in range(40)]
        seen = []

        def answered(target: Target, answer: Answer) -> float:
            seen.append((target, answer))
            engine.watch([])
            return 0.01

        engine = Engine(answered)
        engine.watch(targets)
        deadline = time.monotonic() + 0.3
        while time.monotonic() < deadline:
            engine.step(0.05)
        engine.close()

    assert len(seen) == 1


def test_a_target_is_asked_on_after_its_answer_could_not_be_taken() -> None:
    taken = []

    def answered(target: Target, answer: Answer) -> float:
        taken.append((target, answer))
        if len(taken) == 1:
            raise ValueError("not now")
        return 0.01

    with accepting() as server:
        engine = Engine(answered)
        engine.watch([target_at(port_of(server), check_of())])
        with pytest.raises(ValueError, match="not now"):
            steps(engine, lambda: False)
        steps(engine, lambda: len(taken) >= 3)
        engine.close()

    assert len(taken) >= 3


def test_a_question_that_takes_longer_than_its_interval_is_asked_once_at_a_time() -> None:
    with serving(hanging) as port, asked(interval=0.05) as one:
        one.engine.watch([target_at(port, check_of(CheckType.HTTP, timeout=0.3))])

        one.run(1.0)

    assert 2 <= len(one.answers) <= 4


def test_servers_that_hang_do_not_hold_up_the_others() -> None:
    with serving(hanging) as slow, accepting() as server, asked(interval=0.1) as one:
        hung = [
            target_at(slow, check_of(CheckType.HTTP, timeout=5, host=f"h{n}")) for n in range(20)
        ]
        good = target_at(port_of(server), check_of())
        one.engine.watch([*hung, good])

        one.run(1.0)

    assert len(one.answers) >= 7
    assert {target for target, _ in one.answers} == {good}


def test_an_engine_that_had_no_time_to_look_does_not_blame_the_server() -> None:
    with accepting() as server, asked() as one:
        check = check_of(timeout=0.05)
        one.engine.watch([target_at(port_of(server), check)])
        one.engine.call_at(0, lambda: time.sleep(0.5))

        one.until(lambda: len(one.answers) >= 1)

    assert one.answers[0][1].ok


def test_what_is_beyond_the_limit_waits_for_its_turn_and_is_late() -> None:
    with serving(hanging) as port, asked(interval=0.1, limits=Limits(sockets=2)) as one:
        check = check_of(CheckType.HTTP, timeout=0.2)
        targets = [
            target_at(port, check_of(CheckType.HTTP, timeout=0.2, host=f"h{n}")) for n in range(6)
        ]
        one.engine.watch(targets)
        assert check.timeout == 0.2

        most = 0
        deadline = time.monotonic() + 1.5
        while time.monotonic() < deadline:
            one.engine.step(0.05)
            most = max(most, one.engine.pace.running)

        assert most == 2
        counts = Counter(target for target, _ in one.answers)
        assert counts.keys() == set(targets)
        assert max(counts.values()) - min(counts.values()) <= 1
        assert one.engine.pace.waiting
        assert one.engine.pace.lag > 0.1


def test_a_director_without_descriptors_says_so_and_goes_on_when_it_has_some() -> None:
    with accepting() as server, asked(interval=0.05) as one:
        one.engine.watch([target_at(port_of(server), check_of(timeout=0.2))])
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        lowest = os.dup(0)
        os.close(lowest)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
        try:
            one.until(lambda: len(one.answers) >= 1)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert not one.answers[0][1].ok
        assert "no file descriptors left" in one.answers[0][1].detail

        one.until(lambda: one.answers[-1][1].ok)


def test_nothing_stays_open() -> None:
    def opened() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = opened()
    with accepting() as server, asked() as one:
        for kind in (CheckType.TCP, CheckType.HTTP, CheckType.PING, CheckType.GRPC, CheckType.UDP):
            for port in (port_of(server), closed_port()):
                one.engine.watch([target_at(port, check_of(kind, timeout=0.05))])
                one.answers.clear()
                one.until(lambda: len(one.answers) >= 2)

    assert opened() == before


def test_readers_and_times_are_called_back() -> None:
    reading, writing = os.pipe()
    called: list[str] = []
    with asked() as one:
        one.engine.add_reader(reading, lambda: called.append(os.read(reading, 10).decode()))
        one.engine.call_at(time.monotonic() + 0.05, lambda: called.append("time"))
        os.write(writing, b"read")

        one.until(lambda: len(called) == 2)
        one.engine.remove_reader(reading)
        os.write(writing, b"more")
        one.run(0.1)
    os.close(reading)
    os.close(writing)

    assert called == ["read", "time"]


def test_a_step_returns_when_its_time_is_over() -> None:
    with asked() as one:
        began = time.monotonic()

        one.engine.step(0.05)

        assert time.monotonic() - began < 5


def test_a_bug_in_one_check_is_an_answer() -> None:
    with asked() as one:
        # Not a type of record: the rules of a configuration let none such pass.
        one.engine.watch(
            [
                target_at(
                    closed_port(), check_of(CheckType.DNS, name="example.com", record="NONSENSE")
                )
            ]
        )

        one.until(lambda: len(one.answers) >= 1)

    assert "the check itself failed" in one.answers[0][1].detail


@pytest.mark.parametrize("count", [2000])
def test_many_targets_keep_their_pace(count: int) -> None:
    with serving_all() as port, asked(interval=2) as one:
        one.engine.watch(
            target_at(port, check_of(interval=2.0, host=str(number))) for number in range(count)
        )

        one.run(4.0)

        assert len(one.answers) > count * 1.5
        assert all(answer.ok for _, answer in one.answers)
        assert one.engine.pace.lag < 1


@contextmanager
def serving_all() -> Iterator[int]:
    with serving(lambda connection: connection.close()) as port:
        yield port
