"""What tests of the daemon share."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon.stand import Stand

from lvsnat.daemon.logs import LOGGER


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    """A daemon that has made its first turn."""
    made = Stand(tmp_path)
    made.turn()
    return made


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What is logged."""
    before = LOGGER.propagate
    LOGGER.propagate = True
    with caplog.at_level(logging.DEBUG, LOGGER.name):
        yield caplog
    LOGGER.propagate = before
