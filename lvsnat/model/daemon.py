"""What the daemon does beside its checks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lvsnat.model.endpoint import Endpoint


class OnDrift(StrEnum):
    """What the daemon does where the kernel is not as the configuration says."""

    REPAIR = "repair"
    REPORT = "report"


class OnStop(StrEnum):
    """What becomes of the services when the daemon is stopped."""

    KEEP = "keep"
    """The kernel goes on serving as it is."""
    DRAIN = "drain"
    """Every server gets the weight 0: no new connections."""


class LogFormat(StrEnum):
    """How the daemon writes its log."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class DaemonOptions:
    """How ``lvsnat run`` works."""

    drift: OnDrift = OnDrift.REPAIR
    interval: float = 5.0
    """Seconds from one comparison of kernel and configuration to the next."""
    on_stop: OnStop = OnStop.KEEP
    metrics: Endpoint | None = None
    """Where Prometheus asks; None: nowhere."""
    per_server: bool = True
    """Whether the metrics have a series for each server, or services alone."""
    notify: tuple[str, ...] = ()
    """Programs that are told of each transition, as JSON on their standard input."""
    log: LogFormat = LogFormat.TEXT
