"""Words of the command line to values of the model, beyond what the model reads itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from ipaddress import ip_network
from typing import NamedTuple, TypeVar

from lvsnat.errors import UsageError
from lvsnat.model.config import IPNetwork
from lvsnat.model.connection import STATES
from lvsnat.model.endpoint import Endpoint, IPAddress, parse_address
from lvsnat.model.health import HealthCheck
from lvsnat.model.policy import OnFail
from lvsnat.model.policy_rules import MAX_QUORUM
from lvsnat.model.rules import MAX_THRESHOLD
from lvsnat.model.service import MAX_WEIGHT, Persistence, RealServer, SchedulerFlag

NONE = "none"
"""Takes a setting away."""

MAX_DIGITS = 10
MIN_SECONDS = 0.1
MAX_SECONDS = 86_400
MAX_DURATION = 366 * 86_400
"""A year: clocks and calendars end somewhere, and what is to last longer has no end."""
_UNITS = {"s": 1, "m": 60, "h": 3600}

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


def parse_checks(texts: Sequence[str]) -> tuple[HealthCheck, ...]:
    """Read ``tcp``, ``http:/health``, ``agent:8080``, ... one by one, or ``none``."""
    if list(texts) == [NONE]:
        return ()
    return tuple(map(HealthCheck.parse, texts))


def parse_on_fail(text: str) -> OnFail | None:
    """Read ``drain``, ``remove`` or ``none``."""
    return None if text == NONE else one_of(OnFail, "what becomes of a failed server")(text)


def parse_percent(text: str) -> int:
    """Read ``50`` or ``50%``."""
    number = text.removesuffix("%")
    if not _is_number(number) or not 1 <= int(number) <= 100:  # noqa: PLR2004 - per cent
        raise UsageError(
            f"{text!r} is not a share of the servers",
            "write 50% for half of them; 100% is no limit",
        )
    return int(number)


def parse_servers(text: str) -> int:
    """Read a number of servers."""
    if not _is_number(text) or int(text) > MAX_QUORUM:
        raise UsageError(
            f"{text!r} is not a number of servers", f"it is a number from 0 to {MAX_QUORUM}"
        )
    return int(text)


def parse_sorry(text: str) -> Endpoint | None:
    """Read ``192.168.2.99:80`` or ``none``."""
    return None if text == NONE else Endpoint.parse(text)


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


def parse_duration(text: str) -> int:
    """Read ``90``, ``90s``, ``5m`` or ``2h``: seconds."""
    number, unit = (text, "s") if _is_number(text) else (text[:-1], text[-1:])
    if not _is_number(number) or unit not in _UNITS:
        raise UsageError(f"{text!r} is not a duration", "write 90s, 5m or 2h")
    seconds = int(number) * _UNITS[unit]
    if seconds > MAX_DURATION:
        raise UsageError(f"{text!r} is too long", f"write at most {MAX_DURATION // 3600}h, a year")
    return seconds


def parse_limit(text: str) -> int:
    """Read a number of connections."""
    if not _is_number(text) or int(text) > MAX_THRESHOLD:
        raise UsageError(
            f"{text!r} is not a number of connections",
            f"it is a number from 0 to {MAX_THRESHOLD}; 0 sets no limit",
        )
    return int(text)


class Place(NamedTuple):
    """Where a server is, as far as somebody said so."""

    address: IPAddress
    port: int | None


def parse_place(text: str) -> Place:
    """Read an address, or an address and a port."""
    if text.count(":") == 1 or "]:" in text:
        endpoint = Endpoint.parse(text)
        return Place(endpoint.address, endpoint.port)
    return Place(parse_address(text), None)


def parse_network(text: str) -> IPNetwork:
    """Read a network, or a single address; bits behind the prefix do no harm."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise UsageError(
            f"{text!r} is not a network", "write 203.0.113.0/24, 2001:db8::/48 or one address"
        ) from None


def parse_state(text: str) -> str:
    """Read a state of a connection, in capitals or not."""
    if text.upper() not in STATES:
        raise UsageError(f"{text!r} is not a state", f"known: {', '.join(STATES)}")
    return text.upper()


def parse_seconds(text: str) -> float:
    """Read how long to wait: ``2``, ``0.5``."""
    whole, dot, part = text.partition(".")
    numbers = _is_number(whole) and (not dot or _is_number(part))
    if not numbers or not MIN_SECONDS <= float(text) <= MAX_SECONDS:
        raise UsageError(
            f"{text!r} is not a number of seconds",
            f"it is a number from {MIN_SECONDS} to {MAX_SECONDS}",
        )
    return float(text)


def parse_positive(text: str) -> int:
    """Read a number from 1 on."""
    if not _is_number(text) or int(text) == 0:
        raise UsageError(f"{text!r} is not a number of lines", "it is a number from 1 on")
    return int(text)


def parse_table(text: str) -> int:
    """Read the number of a routing table, or of a routing rule's priority."""
    if not _is_number(text):
        raise UsageError(f"{text!r} is not a number", "write a number from 1 on")
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
