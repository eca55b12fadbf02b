from __future__ import annotations

from collections.abc import Iterable

import pytest

from lvsnat.haproxy import schedulers
from lvsnat.model.endpoint import Endpoint, parse_listener
from lvsnat.model.service import RealServer, Scheduler, SchedulerFlag, VirtualService


def server(host: int, weight: int, upper: int = 0) -> RealServer:
    return RealServer(Endpoint.parse(f"192.168.2.{host}:80"), weight, upper)


def service(
    scheduler: Scheduler, *servers: RealServer, flags: Iterable[SchedulerFlag] = ()
) -> VirtualService:
    listen = parse_listener("tcp/192.168.1.50:80")
    return VirtualService("web", listen, scheduler, frozenset(flags), servers=servers)


def weights(*asked: int, scheduler: Scheduler = Scheduler.WRR) -> list[int]:
    servers = [server(host, weight) for host, weight in enumerate(asked, start=1)]
    return list(schedulers.weights(service(scheduler, *servers)).values())


@pytest.mark.parametrize("scheduler", Scheduler)
def test_every_scheduler_has_an_answer(scheduler: Scheduler) -> None:
    assert schedulers.balance_lines(service(scheduler))[0].startswith("balance ")


@pytest.mark.parametrize("scheduler", [Scheduler.RR, Scheduler.LC, Scheduler.DH])
def test_a_scheduler_that_knows_no_weights_gives_equal_ones(scheduler: Scheduler) -> None:
    assert weights(5, 1, 0, scheduler=scheduler) == [1, 1, 0]


def test_weights_that_haproxy_can_take_are_taken_as_they_are() -> None:
    assert weights(256, 3, 0) == [256, 3, 0]


def test_larger_weights_are_scaled_together_and_none_becomes_0() -> None:
    assert weights(512, 256, 1, 0) == [256, 128, 1, 0]


def test_a_hash_of_the_clients_port_takes_it_from_the_frontend() -> None:
    hashed = service(Scheduler.MH, flags={SchedulerFlag.MH_PORT})

    assert schedulers.balance_lines(hashed) == (
        "balance hash src,concat(:,sess.sp)",
        "hash-type consistent",
    )
    assert schedulers.listening_lines(hashed) == (
        "tcp-request connection set-var(sess.sp) src_port",
    )


def test_failover_keeps_all_but_the_heaviest_server_in_reserve() -> None:
    light, heavy, medium = server(1, 1), server(2, 9), server(3, 5)
    failover = service(Scheduler.FO, light, heavy, medium)

    words = [schedulers.server_words(failover, one) for one in failover.servers]

    assert words == [("id", "3", "backup"), ("id", "1"), ("id", "2", "backup")]


def test_overflow_fills_each_server_up_to_its_weight() -> None:
    overflow = service(Scheduler.OVF, server(1, 10), server(2, 30, upper=20), server(3, 0))

    words = [schedulers.server_words(overflow, one) for one in overflow.servers]

    assert words == [
        ("maxconn", "10", "id", "2"),
        ("maxconn", "20", "id", "1"),
        ("id", "3"),
    ]


def test_an_upper_threshold_is_a_limit_on_connections() -> None:
    one = server(1, 1, upper=100)

    assert schedulers.server_words(service(Scheduler.WLC, one), one) == ("maxconn", "100")
