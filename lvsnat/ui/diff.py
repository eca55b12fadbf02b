"""A plan as a diff: what would be made, changed and taken away. Readable without colour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lvsnat.model.resource import Resource
from lvsnat.plan.change import Change, Create, Delete, Update
from lvsnat.plan.guard import Objection
from lvsnat.plan.planner import Plan
from lvsnat.ui import words
from lvsnat.ui.counts import Tally
from lvsnat.ui.lines import Line, Part


def change_line(change: Change) -> Line:
    """One change on one line: ``~ server 192.168.2.55:80 of tcp/...  weight 1 → 3``."""
    match change:
        case Create(resource):
            return _line("+", resource, words.settings(resource.settings()), "create")
        case Update(before, after):
            differing = words.differences(before.settings(), after.settings())
            return _line("~", after, differing, "change")
        case Delete(resource):
            return _line("-", resource, words.settings(resource.settings()), "remove")


def plan_lines(plan: Plan, risks: Sequence[Objection] = ()) -> Iterator[Line]:
    """The whole plan: its changes, what is in the way, what is left alone, risks, a summary."""
    sections = [
        [change_line(change) for change in plan.changes],
        _section(
            "made by somebody else, and in the configuration (--adopt takes it over):",
            [_existing("!", resource, "warn") for resource in plan.conflicts],
        ),
        _section(
            "made by somebody else, left alone:",
            [_existing(" ", resource, "quiet") for resource in plan.unmanaged],
        ),
        _section(
            "unsafe (--force does it all the same):",
            [Line(Part("! ", "bad"), Part(f"{risk.message}: {risk.why}")) for risk in risks],
        ),
        [_summary(plan)],
    ]
    begun = False
    for section in filter(None, sections):
        if begun:
            yield Line()
        yield from section
        begun = True


def _summary(plan: Plan) -> Line:
    """The last line of a plan: how much there is to do, and the plan's fingerprint."""
    if not plan:
        return Line(Part("in sync: nothing to do", "good"))
    line = Line(Part(Tally.of(plan.changes).to_do(), "title"))
    if plan.conflicts:
        line.add(f", {len(plan.conflicts)} to adopt", "title")
    return line.add(f"  (plan {plan.fingerprint})", "quiet")


def _section(title: str, lines: list[Line]) -> list[Line]:
    return [Line(Part(title)), *lines] if lines else []


def _existing(sign: str, resource: Resource, style: str) -> Line:
    return _line(sign, resource, words.settings(resource.settings()), style)


def _line(sign: str, resource: Resource, detail: str, style: str) -> Line:
    line = Line(Part(f"{sign} {resource.describe()}", style))
    return line.add(f"  {detail}") if detail else line
