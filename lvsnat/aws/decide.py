"""Decide what to change in a VPC: the wishes compared with what was seen. Pure.

A wish that is fulfilled already is no change, whoever made it so. Nothing is ever taken away.
"""

from __future__ import annotations

from dataclasses import dataclass

from lvsnat.aws.forbidden import refusals
from lvsnat.aws.remarks import Remark
from lvsnat.aws.risks import risks
from lvsnat.aws.seen import seen
from lvsnat.aws.wishes import Scene, wishes
from lvsnat.errors import RefusedError
from lvsnat.model.resource import state_of
from lvsnat.plan.ledger import Ledger
from lvsnat.plan.planner import Plan, plan


@dataclass(frozen=True, slots=True)
class Decision:
    """What would be done, what that does to others, and why it may not be done."""

    scene: Scene
    plan: Plan
    risks: tuple[Remark, ...] = ()
    refusals: tuple[Remark, ...] = ()

    def insist(self) -> None:
        """Raise RefusedError with every reason why this cannot be done."""
        if not self.refusals:
            return
        if len(self.refusals) == 1:
            only = self.refusals[0]
            raise RefusedError(f"{only.code}: {only.message}", only.hint)
        lines = [f"there are {len(self.refusals)} reasons not to:"]
        for one in self.refusals:
            lines += [f"  {one.code}: {one.message}", f"    {one.hint}"]
        raise RefusedError("\n".join(lines), "nothing was changed")


def decide(scene: Scene) -> Decision:
    """Compare what is asked for with what was seen."""
    wanted = [*dict.fromkeys(wishes(scene))]
    found = (seen(scene.picture, one) for one in wanted)
    observed = state_of(one for one in found if one is not None)
    todo = plan(state_of(wanted), observed, Ledger())
    return Decision(
        scene,
        todo,
        tuple(dict.fromkeys(risks(scene, todo.changes))),
        tuple(dict.fromkeys(refusals(scene))),
    )
