"""A ``bind`` line to the addresses and ports that a service listens on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from lvsnat.errors import RefusedError, UsageError
from lvsnat.interop.haproxy.lexer import Line
from lvsnat.interop.haproxy.report import Report
from lvsnat.interop.haproxy.values import address, host_and_port, without_prefix
from lvsnat.model.endpoint import Family, IPAddress, PortRange

Vips = Mapping[Family, IPAddress]
"""What stands for every address of a family."""

_NOT_TCP = ("unix@", "abns@", "abnsz@", "fd@", "sockpair@", "quic4@", "quic6@", "udp@", "rhttp@")
_IDLE = {
    "transparent": (0, "needs no word: the VIP is on the director, and lvsnat puts it there"),
    "v6only": (0, "needs no word: a service has one family"),
    "v4v6": (0, "is read as two services, one for each family"),
    "defer-accept": (0, "is not taken: it changes when HAProxy wakes up, and nothing else"),
    "tfo": (0, "is not taken: TCP Fast Open"),
    "interface": (1, "is not taken: the address says where, '[host] vip_interface' adds the VIP"),
    "name": (1, "is not taken: a label"),
    "id": (1, "is not taken: a label"),
    "level": (1, "is not taken: it is of a socket for commands"),
    "mss": (1, "is not taken: set it on the route"),
    "backlog": (1, "is not taken: HAProxy's own choice serves"),
    "nice": (1, "is not taken: HAProxy's own choice serves"),
    "maxconn": (1, "is not taken for one address alone; 'maxconn' of the section is"),
    "process": (1, "is not taken: HAProxy spreads its threads by itself"),
    "thread": (1, "is not taken: HAProxy spreads its threads by itself"),
    "shards": (1, "is not taken: HAProxy spreads its threads by itself"),
    "tcp-ut": (1, "is not taken: the timeouts say when a silent client is given up"),
}  # fmt: skip
_LOSSES = {
    "ssl": "lvsnat ends no TLS: its services pass bytes on to servers that do",
    "crt": "lvsnat ends no TLS: its services pass bytes on to servers that do",
    "accept-proxy": "in lvs-nat nobody reads the header of the PROXY protocol",
    "accept-netscaler-cip": "in lvs-nat nobody reads the header of NetScaler",
    "namespace": "lvsnat listens in its own network namespace",
}
_WILDCARDS = {
    "": Family.IPV4,
    "*": Family.IPV4,
    "0.0.0.0": Family.IPV4,  # noqa: S104 - read, not bound
    "::": Family.IPV6,
    "[::]": Family.IPV6,
}


@dataclass(frozen=True, slots=True)
class Bind:
    """Ports of one address."""

    line: Line
    address: IPAddress
    ports: PortRange


def binds_of(line: Line, vips: Vips, report: Report) -> Iterator[Bind]:
    """Every address of the line; UsageError or RefusedError leave the whole line out."""
    if not line.arguments:
        raise UsageError("this 'bind' names no address", "write 'bind 192.168.1.50:80'")
    options = set(_options(line, report))
    for place in line.arguments[0].split(","):
        yield from _places(line, place, vips, both="v4v6" in options)


def _options(line: Line, report: Report) -> Iterator[str]:
    words = iter(line.arguments[1:])
    for word in words:
        if word in _LOSSES:
            raise RefusedError(
                f"'{word}': {_LOSSES[word]}", "the address is left out; serve it by another program"
            )
        if word not in _IDLE:
            raise RefusedError(f"'{word}' behind an address is not taken", "leave the word out")
        count, reason = _IDLE[word]
        given = [next(words, "") for _ in range(count)]
        report.note(line, f"'{' '.join([word, *given])}' {reason}")
        yield word


def _places(line: Line, text: str, vips: Vips, *, both: bool) -> Iterator[Bind]:
    if text.startswith(("/", *_NOT_TCP)):
        raise RefusedError(f"{text!r} is not TCP on an address", "lvsnat listens on TCP here")
    host, ports = host_and_port(without_prefix(text))
    if not ports:
        raise UsageError(f"{text!r} has no port", "write 192.168.1.50:80")
    span = PortRange.parse(ports)
    for place in _addresses(text, host, vips, both=both):
        yield Bind(line, place, span)


def _addresses(text: str, host: str, vips: Vips, *, both: bool) -> Iterable[IPAddress]:
    family = _WILDCARDS.get(host)
    if family is None:
        return (address(host),)
    families = (Family.IPV4, Family.IPV6) if both and family is Family.IPV6 else (family,)
    for one in families:
        if one not in vips:
            label = "IPv4" if one is Family.IPV4 else "IPv6"
            raise UsageError(
                f"{text!r} is every address of this host, and a service has one",
                f"write the VIP in the file, or say it with --vip and the {label} address that"
                " clients connect to",
            )
    return tuple(vips[one] for one in families)
