"""A plan as a diff: what would be made, changed and taken away. Readable without colour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from lvsnat.model.resource import Resource
from lvsnat.plan.change import Change, Create, Delete, Update
from lvsnat.plan.guard import Objection
from lvsnat.plan.planner import Plan
from lvsnat.ui import words
from lvsnat.ui.counts import Tally
from lvsnat.ui.lines import Line, Part

_SIGNS: Final = {"-": "remove", "+": "create", " ": "quiet"}


def change_lines(change: Change) -> Iterator[Line]:
    """One change, on one line: ``~ server 192.168.2.55:80 of tcp/...  weight 1 → 3``.

    Below it, where a setting is a text, the lines of it that go and come.
    """
    yield _change_line(change)
    if isinstance(change, Update):
        before, after = change.before.settings(), change.after.settings()
        for name, text in after.items():
            old = before.get(name, words.NONE)
            if old != text and (words.is_text(text) or words.is_text(old)):
                yield from _text_lines(old, text)


def _change_line(change: Change) -> Line:
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
        [line for change in plan.changes for line in change_lines(change)],
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


def _text_lines(before: str, after: str) -> Iterator[Line]:
    for sign, text in words.text_changes(before, after):
        yield Line(Part(f"    {sign} {text}".rstrip(), _SIGNS[sign]))


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
