"""How much may be under way at once."""

from __future__ import annotations

import resource
from dataclasses import dataclass

RESERVE = 128
"""Descriptors that are not for checks: files, netlink, the metrics, programs' pipes."""
MOST_SOCKETS = 32768
MOST_PROGRAMS = 32
"""Programs are dear: more at once would only slow each other."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Checks that run at the same time; the others wait their turn."""

    sockets: int = MOST_SOCKETS
    programs: int = MOST_PROGRAMS


def raised_limits() -> Limits:
    """Raise this process's number of open files to what it may have (getrlimit(2))."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    files = MOST_SOCKETS + RESERVE if hard == resource.RLIM_INFINITY else hard
    return Limits(sockets=max(1, min(MOST_SOCKETS, files - RESERVE - 4 * MOST_PROGRAMS)))
