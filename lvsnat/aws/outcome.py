"""What came of changes, and what EC2 says beforehand of who may make them. Values and words."""

from __future__ import annotations

from dataclasses import dataclass

from lvsnat.aws.resources import NOTHING, AwsResource
from lvsnat.plan.change import Change, subject


@dataclass(frozen=True, slots=True)
class Right:
    """Whether one call is allowed."""

    operation: str
    about: str
    allowed: bool | None
    """None: EC2 cannot be asked."""
    reason: str = ""
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A change that was made and seen."""

    change: Change
    call: float
    """Seconds until EC2 answered."""
    seen: float
    """Seconds until the change was visible."""


@dataclass(frozen=True, slots=True)
class Left:
    """A change that could not be put back, and why."""

    change: Change
    reason: str
    conflict: bool = False
    """It is no longer what we made of it."""


@dataclass(frozen=True, slots=True)
class Undone:
    """What came of a change."""

    change: Change
    back: Change | None
    """What put it back; None where nothing had to be done."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of one step of a takeover."""

    change: Change
    call: float | None = None
    """Seconds until EC2 accepted it; None where it did not, or where no call was needed."""
    seen: float | None = None
    """Seconds from the start until it was seen to be ours; None: it is not ours."""
    reason: str = ""
    hint: str | None = None


def words(resource: AwsResource | None) -> str:
    """A state in a few words: ``eni-0a1b``, ``on``, ``nothing``."""
    if resource is None:
        return NOTHING
    return " ".join(resource.settings().values()) or "there"


def sentence_of(left: Left) -> str:
    """One line for a change that is left: ``CONFLICT rtb-0a 0.0.0.0/0 is igw-1, ...``."""
    if left.conflict:
        return f"CONFLICT {subject(left.change).describe()} {left.reason}: left alone"
    return f"FAILED   {subject(left.change).describe()}: {left.reason}"
