"""Where haproxy-tproxy does not do exactly what lvs-nat does, service by service. Pure.

Told before a switch to it, so it is asked for a configuration in any phase.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lvsnat.haproxy import schedulers
from lvsnat.haproxy.words import MAX_SECONDS
from lvsnat.model.caution import Caution
from lvsnat.model.config import Config
from lvsnat.model.policy import HealthPolicy
from lvsnat.model.proxied import haproxy_check, is_proxied
from lvsnat.model.service import Scheduler, SchedulerFlag, VirtualService

_NEAR = {
    Scheduler.SED: ("balance leastconn", "a newcomer's expected delay is not reckoned with"),
    Scheduler.NQ: ("balance leastconn", "an idle server has no precedence over a faster one"),
    Scheduler.LC: ("balance leastconn", "closing connections do not count"),
    Scheduler.WLC: ("balance leastconn", "closing connections do not count"),
    Scheduler.SH: ("balance source", "clients have other servers than in lvs-nat"),
    Scheduler.MH: (
        "balance source with a consistent hash",
        "clients have other servers than in lvs-nat, and it is no Maglev table",
    ),
    Scheduler.DH: ("balance hash dst", "addresses have other servers than in lvs-nat"),
    Scheduler.LBLC: (
        "balance hash dst with a balance factor of 150",
        "a server is full at one and a half times its share, not at its own load",
    ),
    Scheduler.LBLCR: (
        "balance hash dst with a balance factor of 150",
        "there are no sets of servers for an address",
    ),
    Scheduler.FO: (
        "one active server and backups in the order of their weights",
        "a server counts as failed when its check says so",
    ),
    Scheduler.OVF: (
        "balance first with a limit on connections",
        "where all are full, connections wait instead of being refused",
    ),
    Scheduler.TWOS: ("balance random(2)", "the less loaded of two, as IPVS does in other steps"),
}


def cautions(config: Config) -> Iterator[Caution]:
    """What is not exact for each service that HAProxy has in haproxy-tproxy."""
    for service in config.services:
        if is_proxied(service):
            for one in _of(service):
                yield replace(one, message=f"{service.name}: {one.message}")


def _of(service: VirtualService) -> Iterator[Caution]:
    yield from _scheduler(service)
    yield from _thresholds(service)
    yield from _persistence(service)
    yield from _failures(service)


def _failures(service: VirtualService) -> Iterator[Caution]:
    """HAProxy decides by itself about the servers that it checks, one by one."""
    check, policy = haproxy_check(service), service.policy
    if check is None and service.sorry is not None:
        yield Caution(
            "the sorry server answers only while every server has weight 0:"
            " HAProxy makes no check that tells that a server is down",
            'add a check, such as check = "tcp"',
        )
    alone = replace(policy, on_fail=None, warmup=0.0)
    if check is not None and alone != HealthPolicy():
        yield Caution(
            f"HAProxy makes the check {check.question}, and acts on each server alone: quorum,"
            " hysteresis, max_down and damping hold for the other checks",
            "give the check a source address to have the daemon make it",
        )


def _scheduler(service: VirtualService) -> Iterator[Caution]:
    scheduler = service.scheduler
    if scheduler in _NEAR:
        words, difference = _NEAR[scheduler]
        yield Caution(f"the scheduler {scheduler} is HAProxy's '{words}': {difference}", _EXACT)
    fallback = {Scheduler.SH: SchedulerFlag.SH_FALLBACK, Scheduler.MH: SchedulerFlag.MH_FALLBACK}
    if scheduler in fallback and fallback[scheduler] not in service.flags:
        yield Caution(
            "clients of a server that cannot serve get another one, as with"
            f" {fallback[scheduler]}; IPVS refuses them",
            f'add flags = ["{fallback[scheduler]}"] to have the same in both modes',
        )
    if schedulers.is_scaled(service):
        yield Caution(
            f"weights are scaled down to {schedulers.MAX_WEIGHT}, HAProxy's largest:"
            " small shares are rounded",
            f"use weights up to {schedulers.MAX_WEIGHT}",
        )


_EXACT = "the schedulers rr and wrr do the same in both modes"


def _thresholds(service: VirtualService) -> Iterator[Caution]:
    if any(server.upper for server in service.servers):
        yield Caution(
            "a server at its upper threshold makes connections wait where IPVS sends them to"
            " another or refuses them",
            "[haproxy] queue_timeout says for how long",
        )
    if any(server.lower for server in service.servers):
        yield Caution(
            "lower thresholds have no effect: a server takes connections again as soon as it is"
            " below the upper one",
            "nothing is to be done if that is well",
        )


def _persistence(service: VirtualService) -> Iterator[Caution]:
    wish = service.persistence
    if wish is None:
        return
    yield Caution(
        "which client has which server is not carried over: clients are distributed anew",
        "switch when that hurts least",
    )
    if wish.timeout > MAX_SECONDS:
        yield Caution(
            f"a client is forgotten after 24 days, not after {wish.timeout} seconds:"
            " HAProxy counts no further",
            f"use a persistence timeout up to {MAX_SECONDS}",
        )
