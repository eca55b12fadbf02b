"""A command line over a director whose kernel is a fake."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.commandline import CommandLine

from lvsnat.testing import FakeBackend


@pytest.fixture
def lvsnat(tmp_path: Path) -> CommandLine:
    """A director without any service."""
    return CommandLine(tmp_path, FakeBackend())


@pytest.fixture
def web(lvsnat: CommandLine) -> CommandLine:
    """A director with one service and two servers, in sync."""
    lvsnat.ok(
        "service", "add", "web", "tcp/192.168.1.50:80", "--scheduler", "wrr",
        "--server", "192.168.2.55:80=3", "--server", "192.168.2.56:80",
    )  # fmt: skip
    lvsnat.changes.clear()
    return lvsnat
