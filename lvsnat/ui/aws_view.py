"""Whether the parts of a way back hold, in lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lvsnat.aws.verify import Finding
from lvsnat.aws.wishes import Scene
from lvsnat.ui import words
from lvsnat.ui.aws_plan import title
from lvsnat.ui.lines import Line, Part


def finding_lines(scene: Scene, findings: Sequence[Finding]) -> Iterator[Line]:
    """A line for each part, and below what does not hold, its remedy."""
    yield title(scene)
    for one in findings:
        yield from _lines(one)
    failing = sum(not one.holds for one in findings)
    if failing:
        yield Line(Part(f"{failing} of {words.count(len(findings), 'part')} do not hold", "bad"))
    else:
        yield Line(Part(f"all {len(findings)} parts hold", "good"))


def _lines(one: Finding) -> Iterator[Line]:
    if one.holds:
        yield Line(Part("ok  ", "good"), Part(f" {one.code}  {one.subject}  {one.seen}"))
        return
    line = Line(Part("fail", "bad"), Part(f" {one.code}", "bad"), Part(f"  {one.subject}"))
    yield line.add(f"  is {one.seen}, should be {one.expected}") if one.seen else line
    yield Line(Part(f"     {one.remedy}", "hint"))
