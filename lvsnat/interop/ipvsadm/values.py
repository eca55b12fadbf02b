"""Values of ipvsadm's options to values of the model.

UsageError is raised for what makes no sense, RefusedError for what lvsnat does not do.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import TypeVar

from lvsnat.errors import RefusedError, UsageError
from lvsnat.ipvs.resources import SCHEDULER_FLAG_BITS, ServiceFlag
from lvsnat.model.config import Timeouts
from lvsnat.model.endpoint import (
    MAX_MARK,
    AddressListener,
    Endpoint,
    Family,
    IPAddress,
    KernelListener,
    MarkListener,
    Protocol,
    parse_port,
)
from lvsnat.model.service import (
    DEFAULT_PERSISTENCE_SECONDS,
    DEFAULT_SCHEDULER,
    Persistence,
    PersistenceEngine,
    Scheduler,
    SchedulerFlag,
)

Ports = Callable[[str, str], int | None]
"""The port of a service that /etc/services knows: ``("http", "tcp")`` is 80."""
Given = Mapping[str, str]

MAX_DIGITS = 10
MIN_SIGNED_MARK = -(2**31)

_FLAG_BITS = {
    "flag-1": int(ServiceFlag.SCHEDULER_1),
    "flag-2": int(ServiceFlag.SCHEDULER_2),
    "flag-3": int(ServiceFlag.SCHEDULER_3),
}
_PROTOCOLS = {
    "tcp-service": Protocol.TCP,
    "udp-service": Protocol.UDP,
    "sctp-service": Protocol.SCTP,
}
_NAMES_HINT = "names are not resolved: save the rules with 'ipvsadm -Sn'"

E = TypeVar("E", bound=StrEnum)


def listener(given: Given, ports: Ports) -> KernelListener:
    """The service that a line is about."""
    named = [name for name in (*_PROTOCOLS, "fwmark-service") if name in given]
    if len(named) != 1:
        what = "names no service" if not named else "names several services"
        raise UsageError(
            f"the line {what}", "say one: -t, -u or --sctp-service ADDRESS:PORT, or -f MARK"
        )
    value = given[named[0]]
    if named[0] == "fwmark-service":
        return MarkListener(mark(value), Family.IPV6 if "ipv6" in given else Family.IPV4)
    if "ipv6" in given:
        raise UsageError("-6 goes with -f alone", "an address shows its family: leave -6 out")
    protocol = _PROTOCOLS[named[0]]
    host, port = _split(value)
    return AddressListener(
        protocol, Endpoint(address(host), _port(port or "0", (protocol,), ports))
    )


def mark(text: str) -> int:
    """A firewall mark. ipvsadm writes those of 2**31 and more as negative numbers."""
    negative = text.startswith("-")
    digits = text.removeprefix("-")
    value = number(digits, "a firewall mark")
    if negative:
        value = 2**32 - value if value <= -MIN_SIGNED_MARK else 0
    if not 1 <= value <= MAX_MARK:
        raise UsageError(
            f"{text!r} is not a firewall mark", f"a mark is a number from 1 to {MAX_MARK}"
        )
    return value


def server_endpoint(text: str, listen: KernelListener, ports: Ports) -> Endpoint:
    """A real server's address; without a port it has that of its service."""
    host, port = _split(text)
    if port is not None:
        protocols: tuple[str, ...] = ("tcp", "udp")
        if isinstance(listen, AddressListener):
            protocols = (listen.protocol,)
        return Endpoint(address(host), _port(port, protocols, ports))
    return Endpoint(
        address(host), listen.endpoint.port if isinstance(listen, AddressListener) else 0
    )


def address(text: str) -> IPAddress:
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        return IPv6Address(bare) if ":" in bare else IPv4Address(bare)
    except AddressValueError:
        raise UsageError(f"{text!r} is not an IP address", _NAMES_HINT) from None


def _split(text: str) -> tuple[str, str | None]:
    """Address and port, as ``10.0.0.1:80``, ``[2001:db8::1]:80`` or the address alone."""
    if text.startswith("["):
        host, bracket, rest = text.partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise UsageError(f"{text!r} is not an address and a port", "write [2001:db8::1]:80")
        return host + bracket, rest[1:] if rest else None
    if text.count(":") == 1:
        host, _, port = text.partition(":")
        return host, port
    return text, None


def _port(text: str, protocols: Iterable[str], ports: Ports) -> int:
    if text[:1].isdigit():
        return parse_port(text)
    for protocol in protocols:
        port = ports(text, protocol)
        if port is not None:
            return port
    raise UsageError(
        f"{text!r} is not a port, and /etc/services has no service of that name",
        "save the rules with 'ipvsadm -Sn', which writes numbers",
    )


def scheduler(given: Given) -> Scheduler:
    return _word(given.get("scheduler", DEFAULT_SCHEDULER), Scheduler, "a scheduler")


def flags(given: Given, chosen: Scheduler) -> frozenset[SchedulerFlag]:
    """The flags of a scheduler, named or numbered."""
    named = {bit: flag for flag, bit in SCHEDULER_FLAG_BITS.items() if flag.scheduler is chosen}
    found = set()
    for word in filter(None, given.get("sched-flags", "").split(",")):
        bit = _FLAG_BITS.get(word)
        flag = _word(word, SchedulerFlag, "a flag") if bit is None else named.get(bit)
        if flag is None:
            raise RefusedError(
                f"{word} means nothing to the scheduler {chosen}",
                "lvsnat knows the flags of sh and mh: leave it out",
            )
        found.add(flag)
    return frozenset(found)


def persistence(given: Given, listen: KernelListener) -> Persistence | None:
    """Persistence; a netmask without it has no effect, and neither has it here."""
    engine = given.get("pe")
    prefix = None if "netmask" not in given else _prefix(given["netmask"], listen.family)
    if "persistent" not in given:
        if engine is None:
            return None
        raise UsageError("--pe needs persistence", "add -p, with the seconds or without")
    seconds = given["persistent"]
    return Persistence(
        number(seconds, "a timeout") if seconds else DEFAULT_PERSISTENCE_SECONDS,
        None if prefix == listen.family.bits else prefix,
        None if engine is None else _word(engine, PersistenceEngine, "a persistence engine"),
    )


def _prefix(text: str, family: Family) -> int:
    """The length of a netmask: IPv4 has it as 255.255.255.0, IPv6 as 64."""
    if family is Family.IPV6:
        return number(text, "a prefix length")
    try:
        bits = int(IPv4Address(text))
    except AddressValueError:
        raise UsageError(
            f"{text!r} is not an IPv4 netmask",
            "write it as 255.255.255.0: ipvsadm takes a bare 24 for 0.0.0.24",
        ) from None
    ones = bits.bit_count()
    if bits != (2**ones - 1) << (32 - ones):
        raise RefusedError(
            f"the netmask {text} has holes", "lvsnat groups clients by a prefix: 255.255.255.0"
        )
    return ones


def timeouts(words: tuple[str, ...]) -> Timeouts:
    """The three numbers of ``--set``, of which a 0 leaves one as it is."""
    if len(words) != 3:  # noqa: PLR2004 - tcp, tcpfin, udp
        raise UsageError("--set takes three timeouts", "write --set TCP TCPFIN UDP, in seconds")
    return Timeouts(*(number(word, "a timeout") or None for word in words))


def number(text: str, noun: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > MAX_DIGITS:
        raise UsageError(f"{text!r} is not {noun}", "write a number in digits")
    return int(text)


def _word(text: str, words: type[E], noun: str) -> E:
    try:
        return words(text)
    except ValueError:
        close = difflib.get_close_matches(text, list(words), n=1)
        known = f"did you mean {close[0]}? " if close else ""
        raise UsageError(
            f"{text!r} is not {noun} that lvsnat knows", f"{known}known: {', '.join(words)}"
        ) from None
