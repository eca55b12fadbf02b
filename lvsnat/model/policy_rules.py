"""What may be asked of a service whose servers fail. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from lvsnat.model.host_rules import MAX_TIMEOUT_SECONDS
from lvsnat.model.policy import HealthPolicy
from lvsnat.model.violation import Path, Violation

MAX_QUORUM = 65535
"""More servers than any service has."""


def policy_violations(path: Path, policy: HealthPolicy) -> Iterator[Violation]:
    """Judge what a service says of failed servers; ``path`` is that of the service."""
    if not 1 <= policy.quorum <= MAX_QUORUM:
        yield Violation(
            (*path, "quorum"),
            f"{policy.quorum} is not a number of servers (1 to {MAX_QUORUM})",
            "write how many servers must be up for the service to count as well",
        )
    if not 0 <= policy.hysteresis <= MAX_QUORUM:
        yield Violation(
            (*path, "hysteresis"),
            f"{policy.hysteresis} is not a number of servers (0 to {MAX_QUORUM})",
            "write how many fewer than the quorum lose it, and how many more bring it back",
        )
    if not 1 <= policy.max_down <= 100:  # noqa: PLR2004 - per cent
        yield Violation(
            (*path, "max_down"),
            f"{policy.max_down} is not a share of the servers (1 to 100 per cent)",
            'write "50%" to have checks take out half of the servers at most; 100 is no limit',
        )
    for key, seconds in (("warmup", policy.warmup), ("damping", policy.damping)):
        if not 0 <= seconds <= MAX_TIMEOUT_SECONDS:
            yield Violation(
                (*path, key),
                f"{seconds:.12g} s is not a time (0 to 24 days)",
                "write seconds, or a duration such as '30s'; 0 is off",
            )
