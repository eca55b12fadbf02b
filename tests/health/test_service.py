"""What becomes of the servers of one service: the policies, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from healthy import BAD, GOOD, MAINTENANCE, NOW

from lvsnat.health.decide import (
    Concern,
    Decider,
    Decision,
    Memory,
    ServiceHealth,
    Transition,
    transitions,
)
from lvsnat.health.values import Answer
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Endpoint, parse_listener
from lvsnat.model.health import CheckType, HealthCheck
from lvsnat.model.override import Override, Reason
from lvsnat.model.policy import HealthPolicy, OnFail
from lvsnat.model.resource import Key
from lvsnat.model.service import RealServer, Scheduler, SchedulerFlag, VirtualService
from lvsnat.model.status import HealthState

CHECK = HealthCheck(rise=1, fall=1)
SORRY = Endpoint.parse("10.1.0.99:80")


def place(number: int) -> Endpoint:
    return Endpoint.parse(f"10.1.0.{number}:80")


def web(number: int = 4, weight: int = 1, **policy: object) -> VirtualService:
    return VirtualService(
        "web",
        parse_listener("tcp/10.0.0.1:80"),
        servers=tuple(RealServer(place(at), weight) for at in range(1, number + 1)),
        check=CHECK,
        policy=HealthPolicy(**policy),  # type: ignore[arg-type]
    )


@dataclass
class Watch:
    """A daemon in small: one service, one clock."""

    service: VirtualService

    def __post_init__(self) -> None:
        self.now = NOW
        self.decider = Decider(Config(services=(self.service,)), {}, Memory())
        self.decision: Decision = self.decider.decide(self.now)
        self.say(GOOD)

    @property
    def health(self) -> ServiceHealth:
        return self.decision.services[0]

    def say(self, answer: Answer, *numbers: int, later: float = 1) -> Sequence[Transition]:
        """All checks of some servers, or of all, have the same answer."""
        self.now += later
        for target in self.decider.tracks:
            if not numbers or target.address in {place(number).address for number in numbers}:
                self.decider.answered(target, answer, self.now, 0.5)
        return self.look()

    def look(self, later: float = 0) -> Sequence[Transition]:
        before, self.now = self.decision, self.now + later
        self.decision = self.decider.decide(self.now)
        return transitions(before, self.decision)

    def hold(self, number: int, until: float | None = None) -> None:
        seat = Key("server", f"{self.service.listen} {place(number)}")
        override = Override(Reason.DISABLED, until)
        self.decider.reconfigure(Config(services=(self.service,)), {seat: override})
        self.look()

    def lost(self) -> bool:
        return self.health.lost

    def state(self) -> HealthState:
        return self.health.servers[0].state

    @property
    def weights(self) -> list[int | None]:
        return [one.weight for one in self.health.servers]

    @property
    def laid(self) -> dict[str, int | None]:
        """What the overlay says, by the servers' last number."""
        return {
            seat.name.rpartition(".")[2].removesuffix(":80"): weight
            for seat, weight in self.decision.overlay.weights.items()
        }


def test_a_server_that_fails_gets_no_new_connections_and_comes_back() -> None:
    watch = Watch(web(weight=7))

    (gone,) = watch.say(BAD, 2)

    assert watch.laid == {"2": 0}
    assert gone == Transition(
        Concern.SERVER, "web", place(2), "up", "down", "connection refused", watch.now
    )
    (back,) = watch.say(GOOD, 2)
    assert watch.laid == {}
    assert (back.before, back.after) == ("down", "up")


@pytest.mark.parametrize(
    ("service", "weight"),
    [
        (web(), 0),
        (web(on_fail=OnFail.REMOVE), None),
        (replace(web(), listen=parse_listener("udp/10.0.0.1:80")), None),
        (replace(web(on_fail=OnFail.DRAIN), listen=parse_listener("udp/10.0.0.1:80")), 0),
        (replace(web(), listen=parse_listener("fwmark/7")), 0),
        (replace(web(), scheduler=Scheduler.SH), None),
        (
            replace(web(), scheduler=Scheduler.SH, flags=frozenset({SchedulerFlag.SH_FALLBACK})),
            0,
        ),
        (replace(web(), scheduler=Scheduler.DH), None),
        (replace(web(), scheduler=Scheduler.MH), None),
        (replace(web(), scheduler=Scheduler.MH, flags=frozenset({SchedulerFlag.MH_FALLBACK})), 0),
    ],
)
def test_how_a_failed_server_is_taken_out(service: VirtualService, weight: int | None) -> None:
    watch = Watch(service)

    watch.say(BAD, 1)

    assert watch.laid == {"1": weight}


def test_maintenance_drains_even_where_failures_remove() -> None:
    watch = Watch(web(on_fail=OnFail.REMOVE))

    watch.say(MAINTENANCE, 1)

    assert watch.laid == {"1": 0}
    assert watch.state() is HealthState.MAINTENANCE


def test_all_checks_of_a_server_must_succeed_and_maintenance_goes_before_failure() -> None:
    other = HealthCheck(CheckType.FILE, file="/run/maintenance", rise=1, fall=1)
    watch = Watch(replace(web(), more_checks=(other,)))
    first, second = (
        next(t for t in watch.decider.tracks if t.check == one) for one in (CHECK, other)
    )

    watch.decider.answered(first, BAD, watch.now, 0.5)
    watch.look()
    assert watch.state() is HealthState.DOWN
    watch.decider.answered(second, MAINTENANCE, watch.now, 0.5)
    watch.look()
    assert watch.state() is HealthState.MAINTENANCE
    watch.decider.answered(second, GOOD, watch.now, 0.5)
    watch.look()
    assert watch.state() is HealthState.DOWN
    watch.decider.answered(first, GOOD, watch.now, 0.5)
    watch.look()
    assert watch.state() is HealthState.UP


@pytest.mark.parametrize(
    ("weight", "share", "asked"), [(10, 50, 5), (1, 50, 1), (10, 0, 0), (3, 1, 1), (10, 150, 15)]
)
def test_an_agent_asks_for_a_share_of_the_weight(weight: int, share: int, asked: int) -> None:
    watch = Watch(web(weight=weight))

    watch.say(Answer(ok=True, detail="", share=share), 1)

    assert watch.weights == [asked, weight, weight, weight]
    assert watch.health.up == (3 if share == 0 else 4)


def test_an_override_wins_over_health() -> None:
    watch = Watch(web(on_fail=OnFail.REMOVE))
    watch.hold(1)

    watch.say(BAD, 1, 2)

    assert watch.laid == {"2": None}, "the operator's is not for health to take out"
    assert watch.weights == [0, None, 1, 1]


def test_an_override_ends_at_its_time_without_any_answer() -> None:
    watch = Watch(web())
    watch.hold(1, until=NOW + 100)

    assert watch.decision.wake == NOW + 100
    assert watch.weights == [0, 1, 1, 1]
    watch.now = NOW + 100
    watch.look()
    assert not watch.decision.wake
    assert watch.weights == [1, 1, 1, 1]


def test_the_sorry_server_answers_while_the_quorum_is_lost() -> None:
    watch = Watch(replace(web(quorum=2), sorry=SORRY))

    watch.say(BAD, 1, 2)
    assert not watch.lost()
    told = watch.say(BAD, 3)

    assert watch.lost()
    assert watch.health.sorry == SORRY
    assert {seat.name for seat in watch.decision.overlay.standby} == {
        "tcp/10.0.0.1:80 10.1.0.99:80"
    }
    assert watch.weights == [0, 0, 0, 0], "one that is up alone would be overrun"
    assert [one.concern for one in told] == [Concern.SERVER, Concern.QUORUM, Concern.SORRY]
    told = watch.say(GOOD, 1)
    assert watch.weights == [1, 0, 0, 1]
    assert not watch.decision.overlay.standby
    assert [one.after for one in told] == ["up", "kept", "off"]


def test_without_a_sorry_server_the_last_ones_go_on_alone() -> None:
    watch = Watch(web(quorum=3))

    watch.say(BAD, 1, 2)

    assert watch.lost()
    assert watch.weights == [0, 0, 1, 1]


def test_hysteresis_is_keepaliveds() -> None:
    watch = Watch(web(8, quorum=4, hysteresis=2))

    watch.say(BAD, 1, 2, 3, 4, 5, 6)
    assert not watch.lost()
    watch.say(BAD, 7)
    assert watch.lost()
    watch.say(GOOD, 1, 2, 3, 4)
    assert watch.lost()
    watch.say(GOOD, 5)
    assert not watch.lost()


def test_a_quorum_never_asks_for_more_than_all_servers() -> None:
    watch = Watch(replace(web(2, quorum=5, hysteresis=3), sorry=SORRY))

    watch.say(BAD, 1, 2)
    assert watch.lost()
    watch.say(GOOD)
    assert not watch.lost()


def test_the_sorry_server_answers_where_an_operator_drains_all() -> None:
    watch = Watch(replace(web(1), sorry=SORRY, check=None))

    watch.hold(1)

    assert watch.health.sorry == SORRY


def test_too_many_failures_at_once_mean_that_the_check_is_wrong() -> None:
    watch = Watch(web(max_down=50))

    watch.say(BAD, 1)
    watch.say(BAD, 2)
    assert watch.laid == {"1": 0, "2": 0}
    (down, fail_open) = watch.say(BAD, 3)
    assert watch.laid == {"1": 0, "2": 0}
    assert watch.health.servers[2].kept
    assert (down.concern, fail_open.concern) == (Concern.SERVER, Concern.FAIL_OPEN)
    watch.say(BAD, 4)
    assert watch.laid == {"1": 0, "2": 0}
    assert watch.health.up == 2, "those that are kept count for the quorum"


def test_one_that_flaps_while_too_many_fail_moves_no_other() -> None:
    watch = Watch(web(max_down=50))
    for number in (1, 2, 3, 4):
        watch.say(BAD, number)
    watch.say(GOOD, 1)
    settled = watch.laid

    for _ in range(5):
        watch.say(BAD, 1)
        assert watch.laid == settled
        watch.say(GOOD, 1)
        assert watch.laid == settled
    assert settled == {"2": 0, "3": 0}


def test_a_server_that_came_back_gains_its_weight_in_ten_steps() -> None:
    watch = Watch(web(weight=20, warmup=10))
    watch.say(BAD, 1)
    watch.say(GOOD, 1)

    seen = [watch.weights[0]]
    while watch.decision.wake is not None:
        watch.now = watch.decision.wake
        watch.look()
        seen.append(watch.weights[0])

    assert seen == [1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20]
    assert watch.weights == [20, 20, 20, 20]
    assert watch.laid == {}


def test_small_weights_are_multiplied_while_one_of_them_grows() -> None:
    watch = Watch(web(2, weight=1, warmup=10))
    watch.say(BAD, 1)
    assert watch.weights == [0, 1]
    watch.say(GOOD, 1)
    assert watch.weights == [1, 10]
    watch.look(later=5)
    assert watch.weights == [5, 10]
    watch.look(later=5)
    assert watch.laid == {}


@pytest.mark.parametrize("scheduler", [Scheduler.RR, Scheduler.LC, Scheduler.DH])
def test_where_weights_mean_nothing_there_is_no_warmup(scheduler: Scheduler) -> None:
    watch = Watch(replace(web(weight=20, warmup=10), scheduler=scheduler))
    watch.say(BAD, 1)

    watch.say(GOOD, 1)

    assert watch.laid == {}


def test_weights_that_are_ranks_are_not_multiplied() -> None:
    watch = Watch(replace(web(2, weight=2, warmup=10), scheduler=Scheduler.FO))
    watch.say(BAD, 1)

    watch.say(GOOD, 1)

    assert watch.weights == [1, 2]


def test_one_that_was_never_taken_out_does_not_warm_up() -> None:
    watch = Watch(web(weight=20, warmup=10, max_down=1))
    watch.say(BAD, 1)

    watch.say(GOOD, 1)

    assert watch.laid == {}


def test_a_failure_in_the_midst_of_a_warmup_begins_it_anew() -> None:
    watch = Watch(web(weight=20, warmup=10))
    watch.say(BAD, 1)
    watch.say(GOOD, 1)
    watch.look(later=8)
    assert watch.weights[0] == 16
    watch.say(BAD, 1)

    watch.say(GOOD, 1)

    assert watch.weights[0] == 1


def test_a_service_that_nothing_happened_to_is_the_same_object() -> None:
    other = replace(web(), name="other", listen=parse_listener("tcp/10.0.0.2:80"))
    other = replace(other, servers=(RealServer(place(9)),))
    decider = Decider(Config(services=(web(), other)), {}, Memory())
    before = decider.decide(NOW)
    target = next(iter(decider.tracks))

    decider.answered(target, BAD, NOW, 0.5)
    after = decider.decide(NOW)

    assert after.services[1] is before.services[1]
    assert after.services[0] is not before.services[0]
    decider.answered(target, BAD, NOW, 0.5)
    assert not decider.dirty
    assert decider.decide(NOW + 1) is after
