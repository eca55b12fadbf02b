"""What the doctor has found, and what its codes mean, in lines and as documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from lvsnat.doctor.codes import Entry
from lvsnat.doctor.finding import Finding, Severity, Unread
from lvsnat.doctor.names import Group
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


def report_lines(findings: Sequence[Finding], unread: Sequence[Unread]) -> Iterator[Line]:
    """What was found, each group of it under a title; what could not be looked at; how many."""
    shown: Group | None = None
    for one in findings:
        if one.group is not shown:
            shown = one.group
            yield Line(Part(_TITLES[shown], "title"))
        yield from finding_lines(one)
    for lack in unread:
        yield Line(Part("unknown", "warn"), Part(f" {lack.part}: {lack.why}"))
    yield _summary(findings, unread)


def finding_lines(one: Finding) -> Iterator[Line]:
    """The finding, why it matters, and its remedy."""
    style = _STYLES[one.severity]
    line = Line(Part(f"{one.severity:<7}", style), Part(f" {one.code}", style))
    yield line.add(f"  {one.subject}")
    yield Line(Part(f"  seen      {one.seen}"))
    yield Line(Part(f"  expected  {one.expected}"))
    yield Line(Part(f"  why       {one.why}"))
    by_us = "" if one.fix is None else "; --fix does it"
    yield Line(Part(f"  remedy    {one.remedy}{by_us}", "hint"))


def _summary(findings: Sequence[Finding], unread: Sequence[Unread]) -> Line:
    numbers = Counter(one.severity for one in findings)
    words = [f"{numbers[one]} {_counted(one, numbers[one])}" for one in Severity if numbers[one]]
    if not words and unread:
        return Line(Part("nothing found; not everything could be looked at", "warn"))
    if not words:
        return Line(Part("nothing found", "good"))
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
    yield Line(Part(entry.text.replace("`", "'")))
    yield Line()
    yield from finding_lines(entry.example)
    if entry.explained_by:
        yield Line()
        yield Line(Part(f"left out where one of these is found: {_names(entry.explained_by)}"))


def table_lines(entries: Iterable[Entry]) -> Iterator[Line]:
    """Each code with its title, under the title of its group."""
    shown: Group | None = None
    for entry in entries:
        if entry.example.group is not shown:
            shown = entry.example.group
            yield Line(Part(_TITLES[shown], "title"))
        yield Line(Part(f"  {entry.code:<18}"), Part(f"  {entry.title}"))


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
