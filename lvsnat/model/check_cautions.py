"""What a configuration says of checks that is allowed, and probably not meant. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lvsnat.model.caution import Caution
from lvsnat.model.config import Config
from lvsnat.model.idle import names
from lvsnat.model.policy import HealthPolicy
from lvsnat.model.proxied import is_proxied
from lvsnat.model.service import Scheduler, VirtualService

_UNWEIGHTED = {Scheduler.RR, Scheduler.LC, Scheduler.DH}


def cautions(config: Config) -> Iterator[Caution]:
    """Yield each doubt once, with the services that it is about."""
    yield from _of(
        config,
        lambda service: any(check.timeout > check.interval for check in service.checks),
        "a check waits for its answer longer than one interval: failures are noticed later",
        "make timeout no longer than interval",
    )
    yield from _of(
        config,
        lambda service: 0 < len(service.servers) < service.policy.quorum,
        "there are fewer servers than the quorum: it is never there",
        "lower the quorum, or add servers",
    )
    yield from _of(
        config,
        lambda service: service.policy.warmup > 0 and service.scheduler in _UNWEIGHTED,
        "warmup has no effect: the scheduler does not look at weights",
        "use wrr or wlc",
    )
    yield from _of(
        config,
        lambda service: not service.checks and service.policy != HealthPolicy(),
        "what is to happen to failed servers has no effect: there is no check",
        'add a check, such as check = "tcp"',
    )
    yield from _of(
        config,
        lambda service: bool(service.sorry and not service.checks and not is_proxied(service)),
        "the sorry server answers only while every server has weight 0: no check tells that a"
        " server is down",
        'add a check, such as check = "ping"',
    )


def _of(
    config: Config, concerns: Callable[[VirtualService], bool], message: str, hint: str
) -> Iterator[Caution]:
    services = [service for service in config.services if concerns(service)]
    if services:
        yield Caution(f"{names(services)}: {message}", hint)
