"""Addresses, neighbours, and the size of packets. No I/O here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from lvsnat.doctor.facts import Facts, HostFacts
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code
from lvsnat.doctor.rules.host import vips
from lvsnat.doctor.rules.paths import holds
from lvsnat.doctor.typed import setting, settings
from lvsnat.host.placement import LOOPBACK, AssignedAddress
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Family, IPAddress
from lvsnat.model.proxied import ipvs_services

FORWARDING: Final = "net.ipv4.conf.*.forwarding"
ARP_IGNORE: Final = "net.ipv4.conf.*.arp_ignore"
GC_THRESH: Final = {
    Family.IPV4: "net.ipv4.neigh.default.gc_thresh3",
    Family.IPV6: "net.ipv6.neigh.default.gc_thresh3",
}
_NEARLY: Final = 0.9
_ELSEWHERE: Final = frozenset({"1", "2"})
"""arp_ignore: an address of another interface is no answer."""
_NEVER: Final = "8"
_REASSEMBLY: Final = ("IpReasmFails", "Ip6ReasmFails")
_TOO_BIG: Final = ("IpFragFails", "Ip6FragFails")


def findings(facts: Facts) -> Iterator[Finding]:
    if facts.config is None or facts.host is None:
        return
    yield from _netmasks(facts.config, facts.host)
    if not facts.host.ec2:
        yield from _unanswered(facts.config, facts.host)
    yield from _neighbours(facts.host)
    yield from _forwarding(facts.config, facts.host)
    yield from _sizes(facts)


def _netmasks(config: Config, host: HostFacts) -> Iterator[Finding]:
    for one in host.assigned or ():
        if one.address in vips(config) and not one.is_host and _is_astray(one, host):
            local = one.interface == LOOPBACK
            text = f"{one.address}/{one.network.prefixlen}"
            again = ", then 'lvsnat apply'" if config.host.manage_vip else ""
            yield Finding(
                Code.VIP_NETMASK,
                Severity.BROKEN if local else Severity.RISK,
                f"VIP {one.address}",
                f"{text} on {one.interface}",
                f"{one.address}/{Family.of(one.address).bits}",
                f"the kernel takes all of {one.network} for addresses of its own, and answers no"
                " neighbour there"
                if local
                else f"there are two ways to {one.network} now",
                f"'ip address del {text} dev {one.interface}'{again}",
            )


def _is_astray(one: AssignedAddress, host: HostFacts) -> bool:
    """Whether the network that comes with it is another interface's, or nobody's."""
    others = [other for other in host.assigned or () if other.interface != one.interface]
    return one.interface == LOOPBACK or any(holds(other, one.address) for other in others)


def _unanswered(config: Config, host: HostFacts) -> Iterator[Finding]:
    assigned = host.assigned or ()
    for vip in vips(config):
        mine = {one.interface for one in assigned if one.address == vip}
        asked = {one.interface for one in assigned if holds(one, vip)}
        if Family.of(vip) is not Family.IPV4 or not mine:
            continue
        for interface in sorted(asked):
            where, value = _arp_ignore(host, interface)
            if value == _NEVER or (value in _ELSEWHERE and interface not in mine):
                yield Finding(
                    Code.VIP_NO_ARP,
                    Severity.BROKEN,
                    f"VIP {vip}",
                    f"on {', '.join(sorted(mine))}, and net.ipv4.conf.{where}.arp_ignore is"
                    f" {value}",
                    f"an answer on {interface}",
                    "neighbours who ask for it get no answer, so that nothing is sent here",
                    setting(f"net.ipv4.conf.{where.replace('.', '/')}.arp_ignore", 0),
                )


def _arp_ignore(host: HostFacts, interface: str) -> tuple[str, str]:
    """The place that counts, and its value: the greater one."""
    values = host.places.get(ARP_IGNORE, {})
    known = {name: values.get(name, "0") for name in ("all", interface)}
    where = max(known, key=lambda name: int(known[name]) if known[name].isdecimal() else 0)
    return where, known[where]


def _neighbours(host: HostFacts) -> Iterator[Finding]:
    held = Counter(Family.of(address) for address in host.neighbours)
    for family, name in GC_THRESH.items():
        limit = host.settings.get(name, "")
        if limit.isdecimal() and int(limit) and held[family] >= _NEARLY * int(limit):
            full = held[family] >= int(limit)
            middle = name.replace("thresh3", "thresh2")
            yield Finding(
                Code.NEIGHBOURS_FULL,
                Severity.BROKEN if full else Severity.RISK,
                f"the table of {family.label.replace('ip', 'IP')} neighbours",
                f"{held[family]} of {limit}",
                f"less than {int(_NEARLY * int(limit))}",
                "when it is full, a neighbour that is not in it cannot be reached",
                settings({name: 4 * int(limit), middle: 2 * int(limit)}),
            )


def _forwarding(config: Config, host: HostFacts) -> Iterator[Finding]:
    """An interface has a say of its own in what comes in there; of IPv6 it has none."""
    if host.settings.get("net.ipv4.ip_forward") != "1":
        return
    values = host.places.get(FORWARDING, {})
    servers: dict[str, IPAddress] = {}
    for service in ipvs_services(config):
        for server in service.servers:
            address = server.endpoint.address
            way = host.ways.get(address)
            if way is not None and way.interface is not None and address.version == 4:  # noqa: PLR2004 - IP version 4
                servers.setdefault(way.interface, address)
    for interface, first in servers.items():
        if values.get(interface) == "0":
            name = FORWARDING.replace("*", interface.replace(".", "/"))
            yield Finding(
                Code.IP_FORWARD,
                Severity.BROKEN,
                name,
                "0",
                "1",
                f"replies of {first} come in here, and are not passed on",
                setting(name, 1),
            )


def _sizes(facts: Facts) -> Iterator[Finding]:
    if facts.samples is None:
        return
    first, second = facts.samples
    passed = f"{max(1, round(second.at - first.at))} s"

    def grown(names: tuple[str, ...]) -> int:
        return sum(second.counters.get(one, 0) - first.counters.get(one, 0) for one in names)

    if (lost := grown(_REASSEMBLY)) > 0:
        yield Finding(
            Code.FRAGMENTS_LOST,
            Severity.RISK,
            "packets in fragments",
            f"{lost} could not be put together within {passed}",
            "0",
            "large datagrams are lost, small ones are not",
            "'nstat -az | grep Reasm' counts them; let senders send smaller packets, or give them"
            " room: 'sysctl -w net.ipv4.ipfrag_high_thresh=16777216'",
        )
    if (big := grown(_TOO_BIG)) > 0:
        yield Finding(
            Code.TOO_BIG,
            Severity.NOTE,
            "the size of packets",
            f"{big} were too big for their way within {passed}",
            "0, or senders that learn of it",
            "where the sender does not hear of it, large transfers hang",
            "let ICMP through to the real servers (on each: 'iptables -I INPUT -p icmp -j ACCEPT'),"
            " or give both sides of this host one MTU: 'ip link' shows them",
        )
