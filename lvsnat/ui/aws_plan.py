"""What would be changed in a VPC, in lines: before → after, what it does to others, who may."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lvsnat.aws.decide import Decision
from lvsnat.aws.outcome import Left, Made, Right, Undone, sentence_of
from lvsnat.aws.picture import Picture
from lvsnat.aws.remarks import Remark, few
from lvsnat.aws.resources import TableRoute
from lvsnat.aws.wishes import Scene
from lvsnat.plan.change import Change, subject
from lvsnat.ui import diff
from lvsnat.ui.counts import Tally
from lvsnat.ui.lines import Line, Part


def title(scene: Scene) -> Line:
    """``eu-west-1 vpc-0a 10.0.0.0/16  dual-subnet  director eni-0a 10.0.1.10  VIP 10.0.1.200``."""
    picture, around = scene.picture, scene.around
    line = Line(Part(f"{picture.region} {picture.vpc}", "title"))
    line.add(f" {few(picture.networks)}  {around.layout}")
    role = "standby" if scene.standby else "director"
    line.add(f"  {role} {around.director.id} {around.director.primary}")
    return line.add(f"  VIP {few(around.vips)}")


def decision_lines(decision: Decision, rights: Sequence[Right]) -> Iterator[Line]:
    """All of a plan, with a summary as its last line."""
    yield title(decision.scene)
    for change in decision.plan.changes:
        yield from _change_lines(change, decision.scene.picture)
    for risk in decision.risks:
        yield from _remark("warn", risk, "warn")
    for refusal in decision.refusals:
        yield from _remark("refused", refusal, "bad")
    yield from right_lines(rights)
    if decision.plan:
        line = Line(Part(Tally.of(decision.plan.changes).to_do(), "title"))
        yield line.add(f"  (plan {decision.plan.fingerprint})", "quiet")
    else:
        yield Line(Part("in sync: nothing to do", "good"))


def made_line(made: Made) -> Line:
    """A change that was made, with the seconds that EC2 took and that it took to be seen."""
    line = next(diff.change_lines(made.change))
    return line.add(f"  {made.call:.1f} s, seen after {made.seen:.1f} s", "quiet")


def undone_line(undone: Undone) -> Line:
    if undone.back is not None:
        return next(diff.change_lines(undone.back))
    return Line(Part(f"= {subject(undone.change).describe()}  {undone.note}", "quiet"))


def left_line(left: Left) -> Line:
    return Line(Part(sentence_of(left), "bad"))


def _change_lines(change: Change, picture: Picture) -> Iterator[Line]:
    lines = [*diff.change_lines(change)]
    resource = subject(change)
    if isinstance(resource, TableRoute) and (table := picture.table(resource.table)) is not None:
        explicit = set(table.subnets)
        used = few(
            one.id if one.id in explicit else f"{one.id} (as the main table)"
            for one in picture.sharers(table.id)
        )
        lines[0].add(f"  used by {used}", "quiet")
    yield from lines


def _remark(word: str, remark: Remark, style: str) -> Iterator[Line]:
    yield Line(Part(f"{word} {remark.code}", style), Part(f"  {remark.message}"))
    yield Line(Part(f"     {remark.hint}", "hint"))


def right_lines(rights: Sequence[Right]) -> Iterator[Line]:
    """Which calls are allowed, and why the others are not."""
    if not rights:
        return
    allowed = sum(one.allowed is True for one in rights)
    line = Line(Part("perm", "good" if allowed == len(rights) else "warn"))
    yield line.add(f" {allowed} of {len(rights)} calls are allowed, by dry run")
    told: set[tuple[str, str]] = set()
    for right in rights:
        if right.allowed or (right.operation, right.reason) in told:
            continue
        told.add((right.operation, right.reason))
        word, style = ("not checked", "quiet") if right.allowed is None else ("denied", "bad")
        yield Line(Part(f"     {word}", style), Part(f" {right.operation}: {right.reason}"))
        if right.hint:
            yield Line(Part(f"     {right.hint}", "hint"))
