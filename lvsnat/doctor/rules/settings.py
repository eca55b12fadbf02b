"""Kernel settings that are not as the data path asks for (lvsnat.host.rules). No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lvsnat.doctor.facts import Facts
from lvsnat.doctor.finding import Finding, Fix, Severity
from lvsnat.doctor.names import Code
from lvsnat.host.resources import Sysctl
from lvsnat.host.rules import WANTED, SysctlRule
from lvsnat.model.config import Config

QUIESCENT: Final = "net.ipv4.vs.expire_quiescent_template"
CODES: Final = {
    "net.ipv4.ip_forward": (Code.IP_FORWARD, Severity.BROKEN),
    "net.ipv6.conf.all.forwarding": (Code.IP_FORWARD, Severity.BROKEN),
    "net.ipv4.conf.*.send_redirects": (Code.SEND_REDIRECTS, Severity.RISK),
    "net.ipv6.conf.*.accept_ra": (Code.ACCEPT_RA, Severity.RISK),
    "net.ipv4.vs.expire_nodest_conn": (Code.EXPIRE_NODEST, Severity.RISK),
    QUIESCENT: (Code.PERSISTENCE_DRAIN, Severity.RISK),
}
"""The settings that have a code of their own."""


def findings(facts: Facts) -> Iterator[Finding]:
    if facts.config is None or facts.host is None:
        return
    for rule in WANTED:
        value = facts.host.settings.get(rule.name)
        if rule.name in CODES and rule.when.holds(facts.config) and value is not None:
            # Behind the value may stand what else the kernel would overwrite.
            shown = value if "*" in rule.name else value.split(" ", maxsplit=1)[0]
            if shown != rule.value:
                yield _finding(rule, shown, facts.config)


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


def _words(rule: SysctlRule, seen: str) -> str:
    if "*" not in rule.name:
        return f"{rule.name}={rule.value}"
    places = [entry.rpartition("=")[0].replace(".", "/") for entry in seen.split()]
    return " ".join(f"{rule.name.replace('*', place, 1)}={rule.value}" for place in places)
