"""A packet's way as a picture, and as a document. The first step that fails is marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console, ConsoleOptions

from lvsnat.doctor.finding import Severity, Unread
from lvsnat.doctor.trace.step import Outlook, Place, Step, Trace, Verdict
from lvsnat.model.carrier import Carrier
from lvsnat.ui.hanging import Hanging, wrapped
from lvsnat.ui.jsonout import Document
from lvsnat.ui.lines import Line, Part

_TITLES: Final = {
    Place.ARRIVAL: "arrival",
    Place.PREROUTING: "prerouting",
    Place.ROUTING: "routing",
    Place.INPUT: "input",
    Place.SERVICE: "service",
    Place.SERVERS: "servers",
    Place.TO_SERVER: "to server",
    Place.SERVER: "server",
    Place.VPC: "VPC",
    Place.WAY_BACK: "way back",
    Place.REPLY: "reply",
    Place.FORWARD: "forward",
    Place.TO_CLIENT: "to client",
}
_CARRIERS: Final = {Carrier.IPVS: "IPVS", Carrier.HAPROXY: "HAProxy"}
_STYLES: Final = {
    Verdict.OK: "good",
    Verdict.FAILS: "bad",
    Verdict.DEPENDS: "warn",
    Verdict.UNKNOWN: "warn",
}
_RICH: Final = {
    Verdict.OK: "●",
    Verdict.FAILS: "✗",
    Verdict.DEPENDS: "◐",
    Verdict.UNKNOWN: "?",
}
_PLAIN: Final = {
    Verdict.OK: "o",
    Verdict.FAILS: "X",
    Verdict.DEPENDS: "~",
    Verdict.UNKNOWN: "?",
}
_NAME: Final = 11
_WORD: Final = 8
_INDENT: Final = " " * (2 + _NAME + _WORD)
_MOST: Final = 20
"""So many real servers are listed."""


@dataclass(frozen=True, slots=True)
class Picture:
    """The way, from the client at the top to the client at the bottom; as wide as the place."""

    trace: Trace
    unread: Sequence[Unread] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Line]:
        del console
        yield from _Drawing(options.max_width, plain=options.ascii_only).lines(self)


@dataclass(frozen=True, slots=True)
class _Drawing:
    width: int
    plain: bool
    """Whether there is ASCII alone."""

    def lines(self, picture: Picture) -> Iterator[Line]:
        trace = picture.trace
        arrow = "->" if self.plain else "→"
        client = trace.client if trace.client.port else trace.client.address
        whose = f" {trace.service} {trace.listen}, by {_CARRIERS[trace.carrier]}"
        yield Line(Part(f"{client} {arrow}", "title"), Part(whose, "title"))
        yield Line(Part(self._bar))
        reached = True
        for step in trace.steps:
            yield from self._step(step, reached=reached)
            if step.place is Place.SERVERS and reached and len(trace.outlooks) > 1:
                yield from self._outlooks(trace)
            reached = reached and not step.fails
        for lack in picture.unread:
            yield Hanging(Part("unknown ", "warn"), Part(f"{lack.part}: {lack.why}"))
        yield _summary(trace)

    @property
    def _bar(self) -> str:
        return "|" if self.plain else "│"

    def _step(self, step: Step, *, reached: bool) -> Iterator[Line]:
        title = f"{_TITLES[step.place]:<{_NAME}}"
        if not reached:
            mark = "." if self.plain else "○"
            yield Line(Part(f"{mark} {title}not reached", "quiet"))
            return
        mark = (_PLAIN if self.plain else _RICH)[step.verdict]
        style = _STYLES[step.verdict]
        head = Line(Part(f"{mark} ", style), Part(title))
        head.add(f"{step.verdict:<{_WORD}}", style)
        code = f"{step.code}: " if step.fails and step.code is not None else ""
        yield from self._wrapped(head, f"{code}{step.seen}")
        if step.fails:
            yield from self._below("why", step.why)
            yield from self._below("remedy", step.remedy, "hint")
        for one in step.also:
            style = "warn" if one.severity is Severity.RISK else "hint"
            yield from self._below(str(one.severity), f"{one.code}: {one.subject}", style)

    def _wrapped(self, head: Line, text: str, style: str = "") -> Iterator[Line]:
        first, *more = wrapped(text, self.width - len(_INDENT))
        yield head.add(first, style)
        for line in more:
            yield Line(Part(f"{self._bar}{_INDENT[1:]}"), Part(line, style))

    def _below(self, word: str, text: str, style: str = "") -> Iterator[Line]:
        if text:
            head = Line(Part(f"{self._bar}{' ' * (_NAME + 1)}"), Part(f"{word:<{_WORD}}", style))
            yield from self._wrapped(head, text, style)

    def _outlooks(self, trace: Trace) -> Iterator[Line]:
        """Each real server with its fate; the one that is followed has the mark."""
        blank, more = f"{self._bar}{' ' * (_NAME + 1)}", len(trace.outlooks) > _MOST
        shown = list(trace.outlooks)
        if more:
            shown.sort(key=lambda one: _last(one, trace))
        for one in shown[:_MOST]:
            followed = one.server == trace.server
            mark = (">" if self.plain else "▶") if followed else " "
            style = "quiet" if not one.takes else "bad" if one.fails is not None else "good"
            yield Line(Part(blank), Part(f"{mark} {one.server}", style), Part(f"  {_fate(one)}"))
        if more:
            yield Line(Part(blank), Part(f"  and {len(trace.outlooks) - _MOST} more", "quiet"))


def _last(one: Outlook, trace: Trace) -> tuple[bool, bool]:
    """Of many, the one that is followed comes first, and then those that would fail."""
    return one.server != trace.server, one.fails is None


def _fate(one: Outlook) -> str:
    """In short: what would become of the packet there."""
    if one.fails is not None:
        code = f" ({one.fails.code})" if one.fails.code is not None else ""
        return f"fails at '{_TITLES[one.fails.place]}'{code}"
    if one.decided:
        return "gets it"
    return "may get it" if one.takes else f"gets none: {one.why}"


def _summary(trace: Trace) -> Line:
    failing = trace.failing
    if failing is not None:
        more = "" if failing.code is None else f"; 'lvsnat explain {failing.code}' says more"
        return Line(Part(f"fails at '{_TITLES[failing.place]}'", "bad"), Part(more))
    if trace.works:
        return Line(Part("the client gets its answer", "good"))
    unsure = [_TITLES[one.place] for one in trace.steps if one.verdict is not Verdict.OK]
    few = 2 * len(unsure) <= len(trace.steps)
    said = Part("nothing fails; ", "good") if few else Part("no step is known to fail; ", "warn")
    return Hanging(said, Part(f"not sure of: {', '.join(unsure)}"))


def trace_document(trace: Trace, unread: Sequence[Unread]) -> Document:
    """The way, for programs."""
    failing = trace.failing
    order = [one.place for one in trace.steps]
    last = len(order) if failing is None else order.index(failing.place)
    return {
        "schema": "lvsnat/trace/1",
        "client": str(trace.client if trace.client.port else trace.client.address),
        "service": trace.service,
        "listen": str(trace.listen),
        "carrier": str(trace.carrier),
        "server": None if trace.server is None else str(trace.server),
        "works": trace.works,
        "failing": None if failing is None else str(failing.place),
        "probed": trace.probed,
        "steps": [_step(one, reached=at <= last) for at, one in enumerate(trace.steps)],
        "servers": [_outlook(one) for one in trace.outlooks],
        "unread": [{"part": one.part, "why": one.why} for one in unread],
    }


def _step(step: Step, *, reached: bool) -> Document:
    return {
        "step": str(step.place),
        "verdict": str(step.verdict),
        "reached": reached,
        "seen": step.seen,
        "why": step.why,
        "remedy": step.remedy,
        "code": None if step.code is None else str(step.code),
        "also": [str(one.code) for one in step.also],
    }


def _outlook(one: Outlook) -> Document:
    fails = one.fails
    return {
        "address": str(one.server),
        "weight": one.weight,
        "takes": one.takes,
        "decided": one.decided,
        "why": one.why,
        "fails_at": None if fails is None else str(fails.place),
        "code": None if fails is None or fails.code is None else str(fails.code),
    }
