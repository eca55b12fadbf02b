"""The way back of a real server, drawn: where replies go, by what, and what keeps them from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from lvsnat.gateway.findings import Finding, Standing, findings
from lvsnat.gateway.view import View
from lvsnat.gateway.wish import GatewayWish
from lvsnat.ui import words
from lvsnat.ui.lines import Line, Part

_STYLES: Final = {
    Standing.HOLDS: ("ok  ", "good"),
    Standing.AT_RISK: ("risk", "warn"),
    Standing.FAILS: ("fail", "bad"),
}


def view_lines(views: Sequence[View]) -> Iterator[Line]:
    """Each family under its title, with an empty line between."""
    for number, view in enumerate(views):
        if number:
            yield Line()
        yield from _family(view)


def wish_words(wish: GatewayWish) -> str:
    """What is wished for, in the words of the command."""
    if not wish.reply_ports:
        return f"default gateway {wish.via}"
    ports = ", ".join(map(str, wish.reply_ports))
    clients = ", local clients too" if wish.local_clients else ""
    return f"replies from {ports} via {wish.via}{clients}"


def _family(view: View) -> Iterator[Line]:
    wish = "nothing set" if view.wish is None else wish_words(view.wish)
    yield Line(Part(f"{view.family.label}  {wish}", "title"))
    yield from _present(view)
    found = [*findings(view)]
    for one in found:
        yield from _finding(one)
    failing = sum(one.standing is Standing.FAILS for one in found)
    if failing:
        yield Line(Part(f"{failing} of {words.count(len(found), 'part')} fail", "bad"))
    elif found:
        yield Line(Part("replies go back through the director", "good"))


def _present(view: View) -> Iterator[Line]:
    """The routing as it is: default routes, rules beyond the system's own, where replies go."""
    defaults = view.ground.defaults()
    for route in defaults:
        yield Line(Part(f"     {route}"))
    if not defaults:
        yield Line(Part("     no default route", "quiet"))
    for rule in view.ground.rules:
        if rule.further or rule.source or rule.ports or rule.table not in (253, 254, 255):
            yield Line(Part(f"     rule {rule}"))
    for route in view.ground.routes:
        if view.wish is not None and route.table == view.wish.table:
            yield Line(Part(f"     table {route.table}: {route}"))
    if view.wish is None:
        yield from (Line(Part(f"     {one.reply}: {one.answer}")) for one in view.asked)


def _finding(one: Finding) -> Iterable[Line]:
    sign, style = _STYLES[one.standing]
    line = Line(Part(sign, style), Part(f" {one.code}  {one.subject}  "))
    if one.standing is Standing.HOLDS:
        return [line.add(one.seen)]
    line.add(f"is {one.seen}, should be {one.expected}")
    return [line, Line(Part(f"     {one.remedy}", "hint"))]
