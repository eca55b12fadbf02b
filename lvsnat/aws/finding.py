"""One part of a way back, and whether it holds. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lvsnat.aws.codes import Code


class Severity(StrEnum):
    """What it means where a part does not hold."""

    FAIL = "fail"
    """Clients get no answer, or would get none after a failover."""
    WARN = "warn"
    """It works, and something about it is dangerous, or costs."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One part: what is seen, what should be, and what to do where these differ."""

    code: Code
    subject: str
    holds: bool
    seen: str
    expected: str
    remedy: str = ""
    """Empty where it holds."""
    severity: Severity = Severity.FAIL

    @property
    def fails(self) -> bool:
        return not self.holds and self.severity is Severity.FAIL


def compared(
    code: Code,
    subject: str,
    seen: str,
    expected: str,
    remedy: str,
    *,
    severity: Severity = Severity.FAIL,
) -> Finding:
    """A part that holds where what is seen is what should be."""
    holds = seen == expected
    return Finding(code, subject, holds, seen, expected, "" if holds else remedy, severity)
