"""What tests of every kind share."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes is the machine's affair: it runs several parts of the suite at once.
# Examples are the same in each run, so that what fails can be seen to be mended;
# `pytest --hypothesis-profile=search` looks for others.
settings.register_profile(
    "lvsnat", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "search", settings.get_profile("lvsnat"), derandomize=False, max_examples=1000
)
settings.load_profile("lvsnat")


@pytest.fixture
def nothing_ignored() -> Iterator[None]:
    """Let signals do what they do in a terminal, also where the tests run in the background.

    nohup(1) and a script's `&` start what they start with some ignored, and lvsnat honours that.
    """
    ends = (signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_DFL) for number in ends}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
