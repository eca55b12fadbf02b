"""Which kernel settings the data path asks for, and why, as data. No I/O here.

A setting that exists once per interface is one rule with ``*`` for the interface, as in
sysctl.d(5): an interface that is plugged in tomorrow is meant too, and the plan has one line.
``all`` and ``default`` are among what ``*`` stands for. docs/reference/host-settings.md shows
this table; a test keeps the two alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from lvsnat.host.tproxy import diverted_families
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Family
from lvsnat.model.proxied import ipvs_services


class When(StrEnum):
    """What a configuration must have for a rule to apply."""

    IPV4 = "an IPv4 service"
    IPV6 = "an IPv6 service"
    IPVS = "a service of IPVS"
    PERSISTENT = "a persistent service of IPVS"
    DIVERTED = "a service of HAProxy"
    DIVERTED_IPV4 = "an IPv4 service of HAProxy"

    def holds(self, config: Config) -> bool:
        match self:
            case When.IPV4:
                return any(one.listen.family is Family.IPV4 for one in config.services)
            case When.IPV6:
                return any(one.listen.family is Family.IPV6 for one in config.services)
            case When.IPVS:
                return bool(ipvs_services(config))
            case When.PERSISTENT:
                return any(one.persistence is not None for one in ipvs_services(config))
            case When.DIVERTED:
                return bool(diverted_families(config))
            case When.DIVERTED_IPV4:
                return Family.IPV4 in diverted_families(config)


class Reset(NamedTuple):
    """A setting that the kernel overwrites when another one is switched off."""

    name: str
    value: str
    """What the kernel puts there."""


@dataclass(frozen=True, slots=True)
class SysctlRule:
    """One kernel setting: what it should be, when, and why."""

    name: str
    value: str
    when: When
    reason: str
    tolerates: frozenset[str] = frozenset()
    """With ``*``: other values that serve as well and are left alone."""
    resets: tuple[Reset, ...] = ()
    """What is lost when it is switched off again, unless it is put back one by one."""

    def satisfied_by(self, value: str) -> bool:
        return value == self.value or value in self.tolerates


WANTED = (
    # Forwarding comes first: switching it makes the kernel overwrite other settings.
    SysctlRule(
        "net.ipv4.ip_forward",
        "1",
        When.IPV4,
        "the replies of the real servers pass through the director; at 0 it drops them",
        resets=(
            Reset("net.ipv4.conf.*.forwarding", "0"),
            Reset("net.ipv4.conf.all.accept_redirects", "1"),
        ),
    ),
    SysctlRule(
        "net.ipv6.conf.*.accept_ra",
        "2",
        When.IPV6,
        "at 1 the director forgets its own default route as soon as it forwards IPv6; 0 is left",
        tolerates=frozenset({"0"}),
    ),
    SysctlRule(
        "net.ipv6.conf.all.forwarding",
        "1",
        When.IPV6,
        "as `net.ipv4.ip_forward`, for IPv6",
        resets=(Reset("net.ipv6.conf.*.forwarding", "0"),),
    ),
    SysctlRule(
        "net.ipv4.conf.*.send_redirects",
        "0",
        When.IPV4,
        "with one interface for both sides, a redirect teaches a real server to bypass the director"
        " on the way back; `all` and the interface must both be 0",
    ),
    SysctlRule(
        "net.ipv4.conf.*.src_valid_mark",
        "0",
        When.DIVERTED_IPV4,
        "at 1, on `all` or the interface, the kernel drops the replies to HAProxy's connections"
        " without a trace",
    ),
    SysctlRule(
        "net.ipv4.ip_local_port_range",
        "10240 32767",
        When.DIVERTED,
        "HAProxy connects from the client's address: a port that the client itself uses with IPVS"
        " would be one connection too many for the real server, which would reset the client's;"
        " clients use ports from 32768 on",
    ),
    SysctlRule(
        "net.ipv4.vs.expire_nodest_conn",
        "1",
        When.IPVS,
        "connections to a removed server end at once (TCP reset; UDP moves on) instead of hanging",
    ),
    SysctlRule(
        "net.ipv4.vs.expire_quiescent_template",
        "1",
        When.PERSISTENT,
        "a returning client leaves a server of weight 0; at 0 it is sent there for ever",
    ),
)

RULES = {rule.name: rule for rule in WANTED}
