"""Schedulers that do not do what one would think. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lvsnat.doctor.facts import Facts
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code
from lvsnat.doctor.rules.services import name_of, some
from lvsnat.model.carrier import Carrier
from lvsnat.model.endpoint import MarkListener
from lvsnat.model.service import Scheduler, SchedulerFlag, VirtualService
from lvsnat.model.status import ServiceStatus, Sync

_FALLBACKS: Final = {
    Scheduler.SH: SchedulerFlag.SH_FALLBACK,
    Scheduler.MH: SchedulerFlag.MH_FALLBACK,
    Scheduler.DH: None,
}
"""Those that go on choosing a server of weight 0, unless they have this flag."""
_BY_DESTINATION: Final = frozenset({Scheduler.DH, Scheduler.LBLC, Scheduler.LBLCR})


def findings(facts: Facts) -> Iterator[Finding]:
    if facts.status is None:
        return
    for one in facts.status.services:
        if one.seen is None or one.sync is Sync.UNMANAGED or one.carriers != (Carrier.IPVS,):
            continue
        yield from _drained(one, one.seen)
        if one.seen.scheduler in _BY_DESTINATION and not isinstance(one.listen, MarkListener):
            yield from _alone(one, one.seen)


def _drained(service: ServiceStatus, seen: VirtualService) -> Iterator[Finding]:
    flag = _FALLBACKS.get(seen.scheduler)
    if seen.scheduler not in _FALLBACKS or flag in seen.flags:
        return
    weights = {str(one.endpoint): one.seen.weight for one in service.servers if one.seen}
    resting = [endpoint for endpoint, weight in weights.items() if not weight]
    if resting and len(resting) < len(weights):
        name = name_of(service)
        yield Finding(
            Code.HASH_DRAINED,
            Severity.RISK if flag is None else Severity.BROKEN,
            f"{name} {service.listen}",
            f"the scheduler {seen.scheduler}{'' if flag is None else f' without {flag}'}, and the"
            f" weight 0: {some(resting)}",
            "another scheduler" if flag is None else f"the flag {flag}",
            "it goes by the VIP: if that is such a server's, every client is refused"
            if flag is None
            else "clients that the hash gives to such a server are refused, the others are not",
            f"'lvsnat service set {name} --scheduler wlc'"
            if flag is None
            else f"'lvsnat service set {name} --sched-flags {flag}'",
            scope=(name,),
        )


def _alone(service: ServiceStatus, seen: VirtualService) -> Iterator[Finding]:
    taking = [one for one in service.servers if one.seen is not None and one.seen.weight]
    if len(taking) > 1:
        name = name_of(service)
        yield Finding(
            Code.ONE_SERVER,
            Severity.RISK,
            f"{name} {service.listen}",
            f"the scheduler {seen.scheduler} for one address",
            "one that goes by the client, or by load",
            "it chooses by the VIP: one server gets everything",
            f"'lvsnat service set {name} --scheduler wlc'",
            scope=(name,),
        )
