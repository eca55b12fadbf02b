"""A takeover in lines and as a document: each step with its times, and what is not ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lvsnat.aws.handover import Handover
from lvsnat.aws.outcome import Right, Taken
from lvsnat.plan.change import subject
from lvsnat.plan.planner import Plan
from lvsnat.ui import aws_json, diff, jsonout
from lvsnat.ui.aws_plan import right_lines, title
from lvsnat.ui.jsonout import Document
from lvsnat.ui.lines import Line, Part


def plan_lines(work: Handover, rights: Sequence[Right]) -> Iterator[Line]:
    """What would be taken, and what is this director's already."""
    yield title(work.scene)
    for change in work.changes:
        yield from diff.change_lines(change)
    yield from right_lines(rights)
    if work.changes:
        yield Line(Part(f"{len(work.changes)} to take, {len(work.ours)} ours already", "title"))
    else:
        yield all_ours(work)


def all_ours(work: Handover) -> Line:
    return Line(Part(f"nothing to take: all {len(work.ours)} are ours", "good"))


def taken_line(taken: Taken) -> Line:
    """A step that is seen to be ours, with its seconds."""
    line = next(diff.change_lines(taken.change))
    call = "followed" if taken.call is None else f"{taken.call:.1f} s"
    return line.add(f"  {call}, seen after {taken.seen:.1f} s", "quiet")


def left_sentence(taken: Taken) -> str:
    """``rtb-0a 0.0.0.0/0: accepted, and not seen in time``."""
    return f"{subject(taken.change).describe()}: {taken.reason or 'not seen to be ours in time'}"


def takeover_document(
    work: Handover, taken: Sequence[Taken], rights: Sequence[Right], seconds: float, *, dry: bool
) -> Document:
    return {
        "schema": "lvsnat/aws-takeover/1",
        "dry_run": dry,
        "ours": not work.changes or (not dry and all(one.seen is not None for one in taken)),
        "seconds": round(seconds, 3),
        "peers": list(work.peers),
        **aws_json.place_of(work.scene),
        "steps": [_step(one) for one in taken],
        "permissions": aws_json.rights_of(rights),
    }


def _step(taken: Taken) -> Document:
    [change] = jsonout.plan_document(Plan((taken.change,)))["changes"]
    return {
        **change,
        "call": None if taken.call is None else round(taken.call, 3),
        "seen_after": None if taken.seen is None else round(taken.seen, 3),
        "reason": taken.reason,
        "hint": taken.hint,
    }
