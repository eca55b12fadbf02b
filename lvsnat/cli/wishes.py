"""What was said of a service on the command line, and the service with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lvsnat.cli import words
from lvsnat.cli.options import (
    CheckOption,
    DampingOption,
    FlagsOption,
    HysteresisOption,
    MaxDownOption,
    OnFailOption,
    PersistentOption,
    QuorumOption,
    SchedulerOption,
    SorryOption,
    WarmupOption,
)
from lvsnat.model.health import HealthCheck
from lvsnat.model.policy import HealthPolicy
from lvsnat.model.service import VirtualService


@dataclass(frozen=True, slots=True)
class Failing:
    """What was said of servers that fail; None where nothing was."""

    on_fail: OnFailOption = None
    quorum: QuorumOption = None
    hysteresis: HysteresisOption = None
    max_down: MaxDownOption = None
    warmup: WarmupOption = None
    """Seconds, as ``damping``."""
    damping: DampingOption = None

    def of(self, policy: HealthPolicy) -> HealthPolicy:
        """The policy with it."""
        if self.on_fail is not None:
            policy = replace(policy, on_fail=words.parse_on_fail(self.on_fail))
        if self.quorum is not None:
            policy = replace(policy, quorum=self.quorum)
        if self.hysteresis is not None:
            policy = replace(policy, hysteresis=self.hysteresis)
        if self.max_down is not None:
            policy = replace(policy, max_down=self.max_down)
        if self.warmup is not None:
            policy = replace(policy, warmup=float(self.warmup))
        if self.damping is not None:
            policy = replace(policy, damping=float(self.damping))
        return policy


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was said of a service."""

    scheduler: SchedulerOption = None
    sched_flags: FlagsOption = None
    persistent: PersistentOption = None
    check: CheckOption = None
    sorry: SorryOption = None

    def of(self, service: VirtualService, failing: Failing) -> VirtualService:
        """The service with it."""
        if self.scheduler is not None:
            service = replace(service, scheduler=self.scheduler)
        if self.sched_flags is not None:
            service = replace(service, flags=words.parse_flags(self.sched_flags))
        if self.persistent is not None:
            service = replace(service, persistence=words.parse_persistence(self.persistent))
        if self.check is not None:
            service = service.asked(_asking(service.checks, words.parse_checks(self.check)))
        if self.sorry is not None:
            service = replace(service, sorry=words.parse_sorry(self.sorry))
        return replace(service, policy=failing.of(service.policy))


def _asking(old: Sequence[HealthCheck], new: Sequence[HealthCheck]) -> list[HealthCheck]:
    """Ask other questions; how often and how long stays as the file has it.

    A question that is asked already stays as it is; another one takes after the check that is most
    like it.
    """
    asked = {check.question: check for check in reversed(old)}
    return [asked.get(check.question) or _after_the_nearest(old, check) for check in new]


def _after_the_nearest(old: Sequence[HealthCheck], new: HealthCheck) -> HealthCheck:
    def distance(one: HealthCheck) -> tuple[bool, bool]:
        return one.type is not new.type, one.type.reads_http is not new.type.reads_http

    near = min(old, key=distance, default=None)
    return new if near is None else near.asking(new)
