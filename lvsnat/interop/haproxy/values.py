"""Words of haproxy.cfg to values: times, numbers, addresses. UsageError for what makes no sense."""

from __future__ import annotations

import math

from lvsnat.errors import UsageError
from lvsnat.model.endpoint import Endpoint, IPAddress, parse_address, parse_port

MAX_DIGITS = 10
KEEPS_PORT = "+0"
"""A server's port: the one that the client asked for."""

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_FAMILY_PREFIXES = ("ipv4@", "ipv6@", "tcp@", "tcp4@", "tcp6@")


def seconds(text: str) -> float:
    """A time: ``2500`` are milliseconds, ``30s`` seconds, ``1d`` a day."""
    digits = text.rstrip("usmhd")
    unit = _UNITS.get(text[len(digits) :] or "ms")
    if unit is None or not _is_number(digits):
        raise UsageError(f"{text!r} is not a time", "write 30s, 5m, or a number of milliseconds")
    return round(int(digits) * unit, 6)


def whole_seconds(text: str) -> int:
    """A time in whole seconds, rounded up: lvsnat has no shorter ones for connections."""
    return math.ceil(seconds(text))


def number(text: str, noun: str) -> int:
    if not _is_number(text):
        raise UsageError(f"{text!r} is not {noun}", "write a number in digits")
    return int(text)


def server_endpoint(text: str, default_port: int) -> Endpoint:
    """A real server's address; without a port it has the given one.

    HAProxy takes a name as well; lvsnat takes none, for a name can stand for another machine
    tomorrow.
    """
    host, port = host_and_port(without_prefix(text))
    if port == KEEPS_PORT:
        return Endpoint(address(host), 0)
    if port.startswith(("+", "-")):
        raise UsageError(
            f"the port {port} of {text!r} is counted from the client's",
            "lvsnat has one port, or the client's own: write the port, or leave it out",
        )
    return Endpoint(address(host), parse_port(port) if port else default_port)


def address(text: str) -> IPAddress:
    if "$" in text:
        raise UsageError(
            "an environment variable is not read by an import", "write its value instead"
        )
    return parse_address(text)


def without_prefix(text: str) -> str:
    """``ipv4@192.168.1.50:80`` without what says the family that the address shows anyway."""
    for prefix in _FAMILY_PREFIXES:
        if text.startswith(prefix):
            return text[len(prefix) :]
    return text


def host_and_port(text: str) -> tuple[str, str]:
    """What stands before and behind the last colon, as HAProxy cuts it; the port may be empty."""
    if text.startswith("["):
        host, bracket, rest = text.partition("]")
        return host + bracket, rest.removeprefix(":")
    host, colon, port = text.rpartition(":")
    return (host, port) if colon else (text, "")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
