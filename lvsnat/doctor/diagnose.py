"""Find what is wrong, from facts alone: the worst first, causes without effects. No I/O here.

What is equally bad stands in packet order.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Final

from lvsnat.doctor.codes import TABLE
from lvsnat.doctor.facts import Facts
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import ORDER, Code
from lvsnat.doctor.rules import (
    aws,
    choosing,
    firewall,
    haproxy,
    haproxy_load,
    host,
    marks,
    own,
    paths,
    rivals,
    rulesets,
    servers,
    services,
    settings,
    stuck,
    transparent,
    unmanaged,
    wires,
)

Rule = Callable[[Facts], Iterator[Finding]]

RULES: Final[tuple[Rule, ...]] = (
    aws.findings,
    host.findings,
    wires.findings,
    haproxy.findings,
    haproxy_load.findings,
    transparent.findings,
    paths.findings,
    firewall.findings,
    rulesets.findings,
    marks.findings,
    settings.findings,
    unmanaged.findings,
    rivals.findings,
    services.findings,
    choosing.findings,
    stuck.findings,
    servers.findings,
    own.findings,
)

_BADNESS: Final = {severity: number for number, severity in enumerate(Severity)}


def diagnose(
    facts: Facts,
    only: Collection[Code] = (),
    skip: Collection[Code] = (),
    service: str | None = None,
) -> tuple[Finding, ...]:
    """Everything that is wrong, but for what something else explains.

    What is not asked for explains all the same: its effects are no causes. ``service``: what
    concerns this host, or that service.
    """
    found = [finding for rule in RULES for finding in rule(facts)]
    causes = [one for one in found if not _is_explained(one, found)]
    shown = (
        one
        for one in dict.fromkeys(causes)
        if (not only or one.code in only)
        and one.code not in skip
        and (service is None or one.concerns(service))
    )
    return tuple(sorted(shown, key=lambda one: (_BADNESS[one.severity], ORDER[one.code])))


def _is_explained(finding: Finding, found: Collection[Finding]) -> bool:
    causes = TABLE[finding.code].explained_by
    return any(
        other.code in causes and other.severity is not Severity.NOTE and other.covers(finding)
        for other in found
    )
