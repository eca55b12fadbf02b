"""Kernel settings that are looked at and that lvsnat never changes. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lvsnat.doctor.facts import Facts, HostFacts
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code
from lvsnat.doctor.typed import setting
from lvsnat.model.proxied import ipvs_services

_REROUTE: Final = "net.ipv4.vs.snat_reroute"
_SLOPPY: Final = "net.ipv4.vs.sloppy_tcp"
_CONNTRACK: Final = "net.ipv4.vs.conntrack"
_ESTABLISHED: Final = "net.netfilter.nf_conntrack_tcp_timeout_established"
NAMES: Final = (_REROUTE, _SLOPPY, _CONNTRACK, _ESTABLISHED)
_IDLE: Final = 300
"""Seconds; IPVS's own are 900."""


def findings(facts: Facts) -> Iterator[Finding]:
    if facts.config is None or facts.host is None or not ipvs_services(facts.config):
        return
    yield from _of_ipvs(facts.host)
    if facts.timeouts is not None and facts.timeouts.tcp:
        yield from _timeouts(facts.host, facts.timeouts.tcp)


def _of_ipvs(host: HostFacts) -> Iterator[Finding]:
    if host.settings.get(_REROUTE) == "0":
        yield Finding(
            Code.SNAT_REROUTE,
            Severity.RISK,
            _REROUTE,
            "0",
            "1",
            "replies take the way of the real server's address, not that of the VIP's",
            setting(_REROUTE, 1),
        )
    if host.settings.get(_SLOPPY, "0") != "0":
        yield Finding(
            Code.SLOPPY_TCP,
            Severity.NOTE,
            _SLOPPY,
            host.settings[_SLOPPY],
            "0",
            "a packet of a connection that is not known goes to any server, instead of being"
            " refused",
            setting(_SLOPPY, 0),
        )


def _timeouts(host: HostFacts, kept: int) -> Iterator[Finding]:
    """``kept``: seconds for which IPVS keeps an idle connection of TCP."""
    if kept < _IDLE:
        yield Finding(
            Code.IDLE_TIMEOUT,
            Severity.NOTE,
            "the IPVS timeout of TCP",
            f"{kept} s",
            f"{_IDLE} s at least, more than clients are idle for",
            "a connection that carried nothing for so long is forgotten, and its next packet is"
            " lost",
            "tcp = 900 in timeouts under [ipvs], then 'lvsnat apply'",
        )
    remembered = host.settings.get(_ESTABLISHED, "")
    tracked = host.settings.get(_CONNTRACK) == "1"
    if tracked and remembered.isdecimal() and int(remembered) > kept:
        yield Finding(
            Code.CONNTRACK_TIMEOUT,
            Severity.NOTE,
            _ESTABLISHED,
            f"{remembered} s",
            f"{kept} s, as IPVS",
            "netfilter keeps what IPVS has long forgotten, until its table is full",
            setting(_ESTABLISHED, kept),
        )
