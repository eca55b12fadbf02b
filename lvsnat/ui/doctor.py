"""What the doctor has found, and what its codes mean, in lines and as documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from lvsnat.doctor.codes import Entry
from lvsnat.doctor.finding import Finding, Severity, Unread
from lvsnat.doctor.names import Code, Group
from lvsnat.ui.hanging import Hanging
from lvsnat.ui.jsonout import Document
from lvsnat.ui.lines import Line, Part

_STYLES: Final = {Severity.BROKEN: "bad", Severity.RISK: "warn", Severity.NOTE: "hint"}
_TITLES: Final = {
    Group.AWS: "the VPC",
    Group.HOST: "this host",
    Group.HAPROXY: "HAProxy, and the way of the replies to it",
    Group.SERVICES: "services",
    Group.SERVERS: "real servers, and the way back",
    Group.SELF: "lvsnat itself",
}


@dataclass(frozen=True, slots=True)
class Ending:
    """What the last lines of a report say beside what was found."""

    only: Collection[str] = ()
    """The words of --only."""
    untold: int = 0
    """How many findings --only and --skip leave out."""
    empty: str | None = None
    """The configuration, where it has no service."""


def report_lines(
    findings: Sequence[Finding], unread: Sequence[Unread], ending: Ending | None = None
) -> Iterator[Line]:
    """What was found, each group of it under a title; what could not be looked at; how many."""
    shown: Group | None = None
    for alike in _alike(findings):
        if alike[0].group is not shown:
            shown = alike[0].group
            yield Line(Part(_TITLES[shown], "title"))
        yield from finding_lines(*alike)
    for lack in unread:
        yield Hanging(Part("unknown ", "warn"), Part(f"{lack.part}: {lack.why}"))
    yield _summary(findings, unread, ending or Ending())
    if any(one.denied for one in unread):
        yield Hanging(Part(f"run it as root: {_denied(unread)}", "warn"))


def _alike(findings: Iterable[Finding]) -> Iterator[list[Finding]]:
    """Neighbours in the report that differ in their server alone, together."""

    def kind(one: Finding) -> tuple[object, ...]:
        server = len(one.scope) > 1
        return one.code, one.severity, one.expected, one.why, None if server else one.subject

    for _, alike in groupby(findings, key=kind):
        yield [*alike]


def finding_lines(one: Finding, *others: Finding) -> Iterator[Line]:
    """The finding, why it matters, and its remedy; ``others`` differ in their server alone."""
    style = _STYLES[one.severity]
    for each in (one, *others):
        line = Line(Part(f"{each.severity:<7}", style), Part(f" {each.code}", style))
        yield line.add(f"  {each.subject}")
    same = {each.seen for each in others} <= {one.seen}
    for each in (one,) if same else (one, *others):
        whose = "" if same else f"{each.subject}: "
        yield Hanging(Part("  seen      "), Part(f"{whose}{each.seen}"))
    yield Hanging(Part("  expected  "), Part(one.expected))
    yield Hanging(Part("  why       "), Part(one.why))
    more = "" if {each.remedy for each in others} <= {one.remedy} else "; the same for the others"
    by_us = "" if any(each.fix is None for each in (one, *others)) else "; --fix does it"
    yield Hanging(Part("  remedy    ", "hint"), Part(f"{one.remedy}{more}{by_us}", "hint"))


def _denied(unread: Iterable[Unread]) -> str:
    parts = [one.part for one in unread if one.denied]
    return f"{', '.join(parts)} could not be looked at"


def _nothing(unread: Sequence[Unread], ending: Ending) -> Line:
    """Nothing is told; that need not mean that nothing is wrong."""
    if ending.untold:
        of = f" of {', '.join(ending.only)}" if ending.only else ""
        rest = f"{ending.untold} other{'s are' if ending.untold > 1 else ' is'} not told"
        return Line(Part(f"nothing found{of}; {rest}", "warn"))
    if ending.empty is not None:
        how = "'lvsnat service add --help' shows how to add one"
        return Hanging(Part(f"no service in {ending.empty}: {how}"))
    if unread:
        return Line(Part("nothing found; not everything could be looked at", "warn"))
    return Line(Part("nothing found", "good"))


def _summary(findings: Sequence[Finding], unread: Sequence[Unread], ending: Ending) -> Line:
    numbers = Counter(one.severity for one in findings)
    words = [f"{numbers[one]} {_counted(one, numbers[one])}" for one in Severity if numbers[one]]
    if not words:
        return _nothing(unread, ending)
    more = "; 'lvsnat explain CODE' says more of each"
    return Line(Part(", ".join(words), _STYLES[_worst(findings)]), Part(more))


def _counted(severity: Severity, number: int) -> str:
    plural = "" if severity is Severity.BROKEN or number == 1 else "s"
    return f"{severity}{plural}"


def _worst(findings: Iterable[Finding]) -> Severity:
    present = {one.severity for one in findings}
    return next((one for one in Severity if one in present), Severity.NOTE)


def report_document(
    findings: Sequence[Finding], unread: Sequence[Unread], *, probed: bool
) -> Document:
    """What was found, for programs."""
    numbers = Counter(one.severity for one in findings)
    return {
        "schema": "lvsnat/doctor/1",
        "summary": {str(one): numbers[one] for one in Severity},
        "probed": probed,
        "findings": [_document(one) for one in findings],
        "unread": [{"part": one.part, "why": one.why} for one in unread],
    }


def _document(one: Finding) -> Document:
    return {
        "code": str(one.code),
        "group": str(one.group),
        "severity": str(one.severity),
        "subject": one.subject,
        "service": one.scope[0] if one.scope else None,
        "server": one.scope[1] if len(one.scope) > 1 else None,
        "servers": [{"service": service, "server": server} for service, server in one.servers],
        "seen": one.seen,
        "expected": one.expected,
        "why": one.why,
        "remedy": one.remedy,
        "fixable": one.fix is not None,
    }


def entry_lines(entry: Entry) -> Iterator[Line]:
    """One code: what it means, what it looks like, what it is left out for."""
    yield Line(Part(f"{entry.code}", "title"), Part(f"  {entry.title}"))
    yield Line()
    yield Hanging(Part(entry.text.replace("`", "'")))
    yield Line()
    yield from finding_lines(entry.example)
    if entry.explained_by:
        yield Line()
        yield Hanging(Part(f"left out where one of these is found: {_names(entry.explained_by)}"))


def table_lines(entries: Iterable[Entry]) -> Iterator[Line]:
    """Each code with its title, under the title of its group."""
    shown: Group | None = None
    width = max(map(len, Code))
    for entry in entries:
        if entry.example.group is not shown:
            shown = entry.example.group
            yield Line(Part(_TITLES[shown], "title"))
        yield Hanging(Part(f"  {entry.code:<{width}}  "), Part(entry.title))


def _names(codes: Collection[str]) -> str:
    return ", ".join(sorted(codes))


def page(entries: Iterable[Entry]) -> str:
    """docs/reference/findings.md, but for its beginning."""
    parts: list[str] = []
    shown: Group | None = None
    for entry in entries:
        if entry.example.group is not shown:
            shown = entry.example.group
            title = _TITLES[shown]
            parts.append(f"## {title[0].upper()}{title[1:]}\n")
        example = "\n".join(line.plain for line in finding_lines(entry.example))
        parts += [
            f"### {entry.code}\n",
            f"{entry.title}. {entry.text}\n",
            f"```text\n{example}\n```\n",
        ]
        if entry.explained_by:
            causes = ", ".join(f"`{code}`" for code in sorted(entry.explained_by))
            parts.append(f"Left out where one of these is found, whose effect it is: {causes}.\n")
    return "\n".join(parts)
