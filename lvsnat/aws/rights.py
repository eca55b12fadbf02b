"""Ask EC2 whether the calls of a plan would be allowed, without making them (DryRun)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lvsnat.aws.calls import both
from lvsnat.aws.outcome import Right
from lvsnat.aws.refusals import AwsError
from lvsnat.aws.resources import NEW_ALLOCATION, ElasticMapping
from lvsnat.aws.world import World
from lvsnat.plan.change import Change

ASKED: Final = 10
"""How many calls of each operation are asked about: more would say the same, slowly."""


def rights(world: World, changes: Iterable[Change]) -> list[Right]:
    """One answer for each change; of many of one kind, for the first ones."""
    asked: dict[str, int] = {}
    found: list[Right] = []
    for change in changes:
        call = world.call(change) if not _is_new(change) else None
        if call is None:
            found.append(Right("AssociateAddress", "new", None, "nothing is allocated yet"))
            continue
        asked[call.operation] = asked.get(call.operation, 0) + 1
        if asked[call.operation] > ASKED:
            continue
        if not call.has_dry_run:
            found.append(Right(call.operation, call.about, None, "it has no dry run"))
            continue
        try:
            denial = world.denial(call)
        except AwsError as error:
            found.append(Right(call.operation, call.about, None, error.message, error.hint))
            continue
        if denial is None:
            found.append(Right(call.operation, call.about, allowed=True))
        else:
            reason, hint = denial.message, denial.hint
            found.append(Right(call.operation, call.about, allowed=False, reason=reason, hint=hint))
    return found


def _is_new(change: Change) -> bool:
    after = both(change)[1]
    return isinstance(after, ElasticMapping) and after.allocation == NEW_ALLOCATION
