"""Words of the command line to values of the model, beyond what the model reads itself."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from lvsnat.errors import UsageError
from lvsnat.model.endpoint import Endpoint
from lvsnat.model.rules import MAX_THRESHOLD
from lvsnat.model.service import MAX_WEIGHT, Persistence, RealServer, SchedulerFlag

NONE = "none"
"""Takes a setting away."""

MAX_DIGITS = 10

E = TypeVar("E", bound=StrEnum)


def parse_persistence(text: str) -> Persistence | None:
    """Read ``300``, ``300/24`` or ``none``."""
    if text == NONE:
        return None
    timeout, slash, prefix = text.partition("/")
    if not _is_number(timeout) or (slash and not _is_number(prefix)):
        raise UsageError(
            f"{text!r} is not a persistence",
            "write seconds, 300, or seconds and the length of the clients' networks, 300/24",
        )
    return Persistence(int(timeout), int(prefix) if slash else None)


def parse_flags(text: str) -> frozenset[SchedulerFlag]:
    """Read ``sh-port``, ``sh-fallback,sh-port`` or ``none``."""
    if text == NONE:
        return frozenset()
    return frozenset(map(one_of(SchedulerFlag, "a flag of a scheduler"), text.split(",")))


def parse_server(text: str) -> RealServer:
    """Read ``192.168.2.55:80`` or, with a weight, ``192.168.2.55:80=3``."""
    address, equals, weight = text.partition("=")
    endpoint = Endpoint.parse(address)
    return RealServer(endpoint, parse_weight(weight)) if equals else RealServer(endpoint)


def parse_weight(text: str) -> int:
    """Read a weight."""
    if not _is_number(text) or int(text) > MAX_WEIGHT:
        raise UsageError(
            f"{text!r} is not a weight",
            f"a weight is a number from 0 to {MAX_WEIGHT}; 0 takes no new connections",
        )
    return int(text)


def parse_limit(text: str) -> int:
    """Read a number of connections."""
    if not _is_number(text) or int(text) > MAX_THRESHOLD:
        raise UsageError(
            f"{text!r} is not a number of connections",
            f"it is a number from 0 to {MAX_THRESHOLD}; 0 sets no limit",
        )
    return int(text)


def one_of(words: type[E], noun: str) -> Callable[[str], E]:
    """Make a reader of one of the words of an enumeration."""

    def read(text: str) -> E:
        try:
            return words(text)
        except ValueError:
            raise UsageError(f"{text!r} is not {noun}", f"known: {', '.join(words)}") from None

    return read


def _is_number(text: str) -> bool:
    # Python refuses to read thousands of digits, and nothing here needs more than these.
    return text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
