"""Whether the kernel takes what comes in by an interface: the reverse path filter. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from lvsnat.doctor.facts import Facts, HostFacts
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code
from lvsnat.doctor.rules.host import vips
from lvsnat.doctor.typed import setting, settings
from lvsnat.host.placement import LOOPBACK, AssignedAddress
from lvsnat.host.transparency import EXAMPLE
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Family, IPAddress

_STRICT = 1
_IPV4: Final = 4
"""IPv6 has no such filter."""
_DROPPED: Final = "TcpExtIPReversePathFilter"
_SOME: Final = 3
"""Of packets with a forged sender, a director on the internet drops one now and then."""


def findings(facts: Facts) -> Iterator[Finding]:
    if facts.config is None or facts.host is None or facts.host.assigned is None:
        return
    found: dict[str, Finding] = {}
    for one in (*_clients(facts.config, facts.host), *_servers(facts.config, facts.host)):
        found.setdefault(one.subject, one)
    if all(one.severity is not Severity.BROKEN for one in found.values()):
        for one in _counted(facts, facts.config, facts.host):
            known = found.get(one.subject, one)
            found[one.subject] = replace(known, severity=one.severity, seen=one.seen)
    yield from found.values()


def _clients(config: Config, host: HostFacts) -> Iterator[Finding]:
    """Clients of a VIP come in where its network is, and their way back is another interface."""
    back = host.ways.get(EXAMPLE[Family.IPV4])
    if back is None or back.interface is None:
        return
    for vip in vips(config):
        if Family.of(vip) is not Family.IPV4:
            continue
        places = [one for one in host.assigned or () if holds(one, vip)]
        names = {one.interface for one in places}
        if places and back.interface not in names:
            for name in sorted(names):
                if is_strict(host, name):
                    yield _finding(
                        Severity.BROKEN,
                        name,
                        f"clients of {vip} come in here, and the way back to them is"
                        f" {back.interface}: the kernel drops their packets",
                    )


def _servers(config: Config, host: HostFacts) -> Iterator[Finding]:
    """Two interfaces in the servers' network: replies that come in by the other one are lost."""
    servers = dict.fromkeys(s.endpoint.address for web in config.services for s in web.servers)
    for one in host.assigned or ():
        mine = [server for server in servers if holds(one, server)]
        used = {host.ways[server].interface for server in mine if server in host.ways}
        if used and one.interface not in used and is_strict(host, one.interface):
            yield _finding(
                Severity.RISK,
                one.interface,
                f"replies of {mine[0]} that come in here are dropped, since the route to it is"
                f" {', '.join(sorted(filter(None, used)))}",
            )


def _counted(facts: Facts, config: Config, host: HostFacts) -> Iterator[Finding]:
    """Packets that were dropped just now, whoever sent them: a narrower route leads elsewhere.

    The kernel counts them for the whole host: TcpExt IPReversePathFilter, in ip_input.c.
    """
    if facts.samples is None:
        return
    first, second = facts.samples
    lost = second.counters.get(_DROPPED, 0) - first.counters.get(_DROPPED, 0)
    strict = _strict_places(config, host)
    if lost >= _SOME and strict:
        names = [f"net.ipv4.conf.{interface}.rp_filter" for interface in strict]
        yield Finding(
            Code.RP_FILTER,
            Severity.BROKEN,
            " ".join(names),
            f"1 (strict), and the kernel has dropped {lost} packets within"
            f" {second.at - first.at:.0f} seconds",
            "2 (loose) or 0",
            "it drops what comes in here from anybody whom it would answer by another interface:"
            " clients with a route of their own get no answer",
            settings({f"net.ipv4.conf.{one.replace('.', '/')}.rp_filter": 2 for one in strict}),
        )


def _strict_places(config: Config, host: HostFacts) -> list[str]:
    """The interfaces that have VIPs; where none of these is strict, the real servers'."""
    servers = [s.endpoint.address for web in config.services for s in web.servers]
    for wanted in (list(vips(config)), servers):
        names = {
            one.interface
            for one in host.assigned or ()
            if one.interface != LOOPBACK
            and any(holds(one, it) or one.address == it for it in wanted if it.version == _IPV4)
        }
        if strict := [name for name in sorted(names) if is_strict(host, name)]:
            return strict
    return []


def holds(one: AssignedAddress, address: IPAddress) -> bool:
    """Whether an address is a neighbour there."""
    return not one.is_host and one.interface != LOOPBACK and address in one.network


def is_strict(host: HostFacts, interface: str) -> bool:
    """Whether packets must come in where they would be answered; the greater value counts."""
    values = [host.filters.get(name, "0") for name in ("all", interface)]
    return max(int(value) if value.isdigit() else 0 for value in values) == _STRICT


def _finding(severity: Severity, interface: str, why: str) -> Finding:
    name = f"net.ipv4.conf.{interface}.rp_filter"
    return Finding(
        Code.RP_FILTER, severity, name, "1 (strict)", "2 (loose) or 0", why,
        setting(f"net.ipv4.conf.{interface.replace('.', '/')}.rp_filter", 2),
    )  # fmt: skip
