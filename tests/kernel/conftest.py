"""What tests on the running kernel share: a network namespace of their own."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

CLONE_NEWNET = 0x40000000
"""From linux/sched.h; os.unshare is in Python 3.12 and later."""
HERE = Path("/proc/thread-self/ns/net")


def enter(call: str, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, call)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")


@pytest.fixture
def fresh_netns() -> Iterator[None]:
    """Be in a new, empty network namespace while a test runs, and so is every program it starts."""
    if os.geteuid() != 0:
        pytest.skip("needs root to make a network namespace: run it with scripts/lab or sudo")
    home = os.open(HERE, os.O_RDONLY | os.O_CLOEXEC)
    try:
        enter("unshare", CLONE_NEWNET)
        yield
    finally:
        enter("setns", home, CLONE_NEWNET)
        os.close(home)
