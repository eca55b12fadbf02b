"""Kernel settings that are not as the data path asks for (lvsnat.host.rules). No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from lvsnat.doctor.facts import Facts
from lvsnat.doctor.finding import Finding, Fix, Severity
from lvsnat.doctor.names import Code
from lvsnat.doctor.rules.transparent import comes_back
from lvsnat.host.resources import Sysctl
from lvsnat.host.rules import WANTED, SysctlRule
from lvsnat.host.transparency import SRC_VALID_MARK
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Family
from lvsnat.model.proxied import ipvs_services

QUIESCENT: Final = "net.ipv4.vs.expire_quiescent_template"
PORT_RANGE: Final = "net.ipv4.ip_local_port_range"
CODES: Final = {
    "net.ipv4.ip_forward": (Code.IP_FORWARD, Severity.BROKEN),
    "net.ipv6.conf.all.forwarding": (Code.IP_FORWARD, Severity.BROKEN),
    "net.ipv4.conf.*.send_redirects": (Code.SEND_REDIRECTS, Severity.RISK),
    "net.ipv6.conf.*.accept_ra": (Code.ACCEPT_RA, Severity.RISK),
    "net.ipv4.vs.expire_nodest_conn": (Code.EXPIRE_NODEST, Severity.RISK),
    QUIESCENT: (Code.PERSISTENCE_DRAIN, Severity.RISK),
    PORT_RANGE: (Code.PORT_RANGE, Severity.RISK),
    SRC_VALID_MARK: (Code.SRC_VALID_MARK, Severity.BROKEN),
}
"""The settings that have a code of their own."""


def findings(facts: Facts) -> Iterator[Finding]:
    if facts.config is None or facts.host is None:
        return
    for rule in WANTED:
        value = facts.host.settings.get(rule.name)
        if rule.name in CODES and rule.when.holds(facts.config) and value is not None:
            # Behind the value may stand what else the kernel would overwrite.
            shown = value.split(" ", maxsplit=1)[0] if rule.resets else value
            if shown != rule.value:
                yield _weighed(_finding(rule, shown, facts.config), facts, facts.config)


def _finding(rule: SysctlRule, seen: str, config: Config) -> Finding:
    code, severity = CODES[rule.name]
    managed = config.host.manage_sysctl
    return Finding(
        code,
        severity,
        rule.name,
        seen,
        rule.value,
        rule.reason.replace("`", "'"),
        "'lvsnat apply'" if managed else f"'sysctl -w {_words(rule, seen)}'",
        Fix((Sysctl(rule.name, value=rule.value).key,)) if managed else None,
    )


def _weighed(found: Finding, facts: Facts, config: Config) -> Finding:
    """A risk where HAProxy's clients are served all the same."""
    family = Family.IPV6 if found.subject.startswith("net.ipv6.") else Family.IPV4
    if found.code is Code.SRC_VALID_MARK and comes_back(facts, family):
        return replace(found, severity=Severity.RISK)
    if found.code is Code.IP_FORWARD and not any(
        service.listen.family is family for service in ipvs_services(config)
    ):
        why = "HAProxy's connections are not forwarded; what real servers begin themselves is"
        return replace(found, severity=Severity.RISK, why=why)
    return found


def _words(rule: SysctlRule, seen: str) -> str:
    if "*" not in rule.name:
        value = f'"{rule.value}"' if " " in rule.value else rule.value
        return f"{rule.name}={value}"
    places = [entry.rpartition("=")[0].replace(".", "/") for entry in seen.split()]
    return " ".join(f"{rule.name.replace('*', place, 1)}={rule.value}" for place in places)
