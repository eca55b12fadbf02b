"""What EC2 has dropped at the interfaces of this instance, by its driver's counters. Never writes.

The driver of the Elastic Network Adapter counts what an instance of its type may not have:
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-network-performance-ena.html
pyroute2 is imported when the first question is asked.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Final

ENDING: Final = "_allowance_exceeded"


def exceeded() -> dict[str, int]:
    """By interface and counter: ``eth0 conntrack_allowance_exceeded``. Empty for other drivers."""
    return {name: count for name, count in counters() if name.endswith(ENDING)}


def counters() -> Iterator[tuple[str, int]]:
    """Every counter of every driver that has some."""
    from pyroute2.ethtool.ioctl import EthtoolError, IoctlEthtool

    for _, interface in socket.if_nameindex():
        with (
            contextlib.closing(IoctlEthtool(interface)) as driver,
            contextlib.suppress(EthtoolError, OSError),
        ):
            for name, count in driver.get_statistics():
                yield f"{interface} {name}", int(count)
