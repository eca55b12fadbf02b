"""How late checks are, and how many there may be at once."""

from __future__ import annotations

import resource

from lvsnat.health.limits import MOST_SOCKETS, raised_limits
from lvsnat.health.pace import WINDOW, Lag


def test_the_greatest_lateness_of_the_last_while_is_told() -> None:
    lag = Lag()

    lag.note(0.3, 100.0)
    lag.note(0.1, 101.0)

    assert lag.greatest(101.0) == 0.3


def test_lateness_is_forgotten_after_two_windows() -> None:
    lag = Lag()
    lag.note(0.3, 100.0)

    lag.note(0.1, 100.0 + WINDOW)
    after_one = lag.greatest(100.0 + WINDOW)
    lag.note(0.1, 100.0 + 2 * WINDOW)

    assert after_one == 0.3
    assert lag.greatest(100.0 + 2 * WINDOW) == 0.1


def test_an_engine_that_stopped_is_not_late_for_ever() -> None:
    lag = Lag()
    lag.note(0.3, 100.0)

    assert lag.greatest(100.0 + 2 * WINDOW) == 0.0


def test_the_number_of_open_files_is_raised_to_what_is_allowed() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
    try:
        limits = raised_limits()
        now = resource.getrlimit(resource.RLIMIT_NOFILE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert now == (hard, hard)
    assert 1 <= limits.sockets <= MOST_SOCKETS
