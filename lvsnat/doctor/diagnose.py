"""Find what is wrong, from facts alone: in packet order, causes without effects. No I/O here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Final

from lvsnat.doctor.codes import TABLE
from lvsnat.doctor.facts import Facts
from lvsnat.doctor.finding import Finding
from lvsnat.doctor.names import ORDER, Code
from lvsnat.doctor.rules import firewall, host, own, paths, servers, services, settings, stuck

Rule = Callable[[Facts], Iterator[Finding]]

RULES: Final[tuple[Rule, ...]] = (
    host.findings,
    paths.findings,
    firewall.findings,
    settings.findings,
    services.findings,
    stuck.findings,
    servers.findings,
    own.findings,
)


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
        and (service is None or not one.scope or one.scope[0] == service)
    )
    return tuple(sorted(shown, key=lambda one: ORDER[one.code]))


def _is_explained(finding: Finding, found: Collection[Finding]) -> bool:
    causes = TABLE[finding.code].explained_by
    return any(other.code in causes and other.covers(finding) for other in found)
