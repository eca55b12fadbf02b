"""Which findings of the doctor meet a packet, and at which step. No I/O here.

Of firewalls, routing and route tables a step finds out itself what becomes of this very client; a
finding of them lends its name and its remedy alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code, Group
from lvsnat.doctor.rules.case import is_beside
from lvsnat.doctor.trace.journey import Journey
from lvsnat.doctor.trace.leg import Leg
from lvsnat.doctor.trace.places import NOWHERE, PLACES, READ_HERE
from lvsnat.doctor.trace.step import Step, Verdict
from lvsnat.model.carrier import Carrier
from lvsnat.model.endpoint import Family
from lvsnat.model.status import Sync

_OF_IPVS: Final = frozenset(
    {
        Code.IPVS_MISSING, Code.TABLE_FULL, Code.IP_FORWARD, Code.SEND_REDIRECTS,
        Code.SNAT_REROUTE, Code.CONN_REUSE, Code.EXPIRE_NODEST, Code.SLOPPY_TCP,
    }
)  # fmt: skip
"""What HAProxy's connections do not meet."""
_EFFECTS: Final = frozenset({None, Code.REPLY_LOST})
"""What a step says where it does not know the cause."""
_NAMES: Final[Mapping[Family, str]] = {Family.IPV4: "net.ipv6.", Family.IPV6: "net.ipv4."}
"""How the settings of the other family begin."""


def concerning(findings: Iterable[Finding], leg: Leg | Journey) -> list[Finding]:
    """Those that this packet meets."""
    return [one for one in findings if one.code not in NOWHERE and _concerns(one, leg)]


def filed(steps: Iterable[Step], mine: list[Finding]) -> list[Step]:
    """The steps, each with what the doctor has found there."""
    return [_named(_with(step, mine), mine) for step in steps]


def _with(step: Step, findings: list[Finding]) -> Step:
    """With what is found at its place; what is broken there stops the packet."""
    here = [one for one in findings if PLACES.get(one.code) is step.place]
    stopping = [one for one in here if one.severity is Severity.BROKEN]
    also = tuple(one for one in here if one not in stopping and one.code is not step.code)
    for one in [one for one in stopping if _decides(one, step, here)][:1]:
        seen = one.seen if step.fails or one.scope else f"{one.subject}: {one.seen}"
        step = Step(step.place, Verdict.FAILS, seen, one.why, one.remedy, one.code)
    return replace(step, also=also)


def _named(step: Step, findings: list[Finding]) -> Step:
    """A step that fails has the doctor's remedy, where the doctor has found the same."""
    for one in findings if step.fails else ():
        if one.code is step.code and (one.code not in READ_HERE or _is_same(one, step)):
            return replace(step, remedy=one.remedy)
    return step


def _is_same(finding: Finding, step: Step) -> bool:
    """Whether both are about one chain, where they are about chains."""
    return "chain" not in finding.subject or finding.subject in step.seen


def _decides(finding: Finding, step: Step, here: list[Finding]) -> bool:
    """Whether the doctor knows it better than the step."""
    if step.fails and any(one.code is step.code for one in here):
        return False
    if step.fails:
        return finding.code not in READ_HERE or step.code in _EFFECTS
    of_this_server = len(finding.scope) > 1
    if finding.code not in READ_HERE or of_this_server or step.verdict is Verdict.UNKNOWN:
        return True
    return step.verdict is Verdict.DEPENDS and finding.subject in step.seen


def _concerns(finding: Finding, leg: Leg | Journey) -> bool:
    """Whether this packet meets what was found."""
    journey = leg.journey if isinstance(leg, Leg) else leg
    name, place = journey.service.name, str(leg.endpoint) if isinstance(leg, Leg) else None
    if finding.servers:
        return (name, place) in finding.servers
    match finding.scope:
        case ():
            return _on_host(finding, journey)
        case (service,):
            return service == name and _of_service(finding, journey)
        case _:
            return finding.scope == (name, place) and _of_client(finding, leg)


def _on_host(finding: Finding, journey: Journey) -> bool:
    family, subject = journey.client.family, finding.subject
    others = next(one for one in Family if one is not family)
    if subject.startswith(_NAMES[family]) or f" {others.label} " in subject:
        return False
    if subject.startswith("VIP "):
        return subject == f"VIP {journey.vip}"
    if journey.carrier is Carrier.HAPROXY:
        return finding.code not in _OF_IPVS
    # Of what our own table, rules and routes lack a step asks for what it needs itself.
    return finding.group is not Group.HAPROXY and finding.code is not Code.NOT_APPLIED


def _of_service(finding: Finding, journey: Journey) -> bool:
    """A single server that is missing leaves the others; a connection that is there needs none."""
    match finding.code:
        case Code.NOT_APPLIED:
            return journey.status is None or journey.status.sync is Sync.MISSING
        case Code.THRESHOLD | Code.ALL_WEIGHTS_0 | Code.HASH_DRAINED:
            return journey.held_by is None
        case _:
            return True


def _of_client(finding: Finding, leg: Leg | Journey) -> bool:
    if finding.code is not Code.CLIENT_SAME_SUBNET or not isinstance(leg, Leg):
        return True
    case = leg.case
    return case is not None and is_beside(leg.client, case)
