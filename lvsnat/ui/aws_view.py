"""Whether the parts of a way back hold, in lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lvsnat.aws.finding import Finding
from lvsnat.aws.wishes import Scene
from lvsnat.ui import words
from lvsnat.ui.aws_plan import title
from lvsnat.ui.lines import Line, Part


def finding_lines(scene: Scene, findings: Sequence[Finding]) -> Iterator[Line]:
    """A line for each part, and below what does not hold, its remedy."""
    yield title(scene)
    for one in findings:
        yield from _lines(one)
    failing = sum(one.fails for one in findings)
    warned = sum(not one.holds for one in findings) - failing
    rest = f", {words.count(warned, 'warning')}" if warned else ""
    if failing:
        parts = words.count(len(findings), "part")
        yield Line(Part(f"{failing} of {parts} do not hold{rest}", "bad"))
    elif warned:
        yield Line(Part(f"{len(findings) - warned} parts hold{rest}", "warn"))
    else:
        yield Line(Part(f"all {len(findings)} parts hold", "good"))


def _lines(one: Finding) -> Iterator[Line]:
    if one.holds:
        yield Line(Part("ok  ", "good"), Part(f" {one.code}  {one.subject}  {one.seen}"))
        return
    style = "bad" if one.fails else "warn"
    line = Line(Part(str(one.severity), style), Part(f" {one.code}", style))
    line.add(f"  {one.subject}")
    yield line.add(f"  is {one.seen}, should be {one.expected}") if one.seen else line
    yield Line(Part(f"     {one.remedy}", "hint"))
