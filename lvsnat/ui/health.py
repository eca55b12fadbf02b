"""The health of the servers: who says so, each service with its quorum, each server with why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType

from lvsnat.health.outcome import ServerHealth, ServiceHealth
from lvsnat.health.report import Report
from lvsnat.model.status import HealthState
from lvsnat.ui import words
from lvsnat.ui.lines import Line, Part
from lvsnat.ui.tables import Column, Row, Table

STYLES: Final = {
    HealthState.UP: "good",
    HealthState.DOWN: "bad",
    HealthState.MAINTENANCE: "warn",
    HealthState.UNKNOWN: "quiet",
    HealthState.UNCHECKED: "quiet",
}
_COLUMNS: Final = (
    Column("SERVICE / SERVER"),
    Column("HEALTH"),
    Column("FOR", keep=3, right=True),
    Column("WEIGHT", keep=4, right=True),
    Column("NEXT", keep=1, right=True),
    Column("LAST ANSWER", keep=2),
)
STALE: Final = 30.0
"""Seconds after which a daemon that runs should have written again."""


def health_view(report: Report, *, detailed: bool = False) -> Iterator[RenderableType]:
    """Everything; ``detailed`` with the checks of each server and their history."""
    yield daemon_line(report)
    for problem in report.problems:
        yield Line(Part(f"problem: {problem}", "bad"))
    if not report.all:
        return
    yield Line()
    yield Table(_COLUMNS, list(_rows(report)))
    if detailed:
        yield from _details(report)


def daemon_line(report: Report) -> Line:
    """``daemon: process 4711, for 2:00:00 h``, ``daemon: none runs; as of 0:12 min ago``."""
    if not report.running:
        line = Line(Part("daemon: none runs", "warn"))
        if report.known_at is None:
            return line.add("; nothing is known of the servers")
        return line.add(f"; what follows is {words.span(report.at - report.known_at)} old")
    if report.known_at is None:
        return Line(Part("daemon: begins", "warn"))
    line = Line(Part(f"daemon: process {report.pid}", "good"))
    if report.started is not None:
        line.add(f", for {words.span(report.at - report.started)}")
    age = report.at - report.known_at
    return line.add(f", silent for {words.span(age)}", "bad") if age > STALE else line


def _rows(report: Report) -> Iterator[Row]:
    for service in report.services:
        yield _service_row(service, report, "")
        yield from (_server_row(server, report) for server in service.servers)
    for service in report.elsewhere:
        yield _service_row(service, report, " (by HAProxy)")
        yield from (_server_row(server, report) for server in service.servers)


def _service_row(service: ServiceHealth, report: Report, whose: str) -> Row:
    return (
        Part(f"{service.name} {service.listen}{whose}", "title"),
        _service_state(service),
        _for(service.since, report),
        Part(""),
        Part(""),
        Part("" if service.sorry is None else f"{service.sorry} says sorry", "warn"),
    )


def _service_state(service: ServiceHealth) -> Part:
    """``2 of 3 up``, ``1 of 3 up, quorum of 2 lost``."""
    if all(one.state is HealthState.UNCHECKED for one in service.servers):
        return Part("unchecked", "quiet")
    said = [f"{service.up} of {len(service.servers)} up"]
    if service.lost:
        said.append(f"quorum of {service.quorum} lost")
    if service.fail_open:
        said.append("fail-open")
    whole = service.up == len(service.servers)
    return Part(", ".join(said), "bad" if len(said) > 1 else "good" if whole else "warn")


def _server_row(server: ServerHealth, report: Report) -> Row:
    next_at = report.next_at(server)
    return (
        Part(f"  {server.endpoint}"),
        _server_state(server),
        _for(server.since, report),
        _weight(server),
        Part(words.NOTHING, "quiet")
        if next_at is None
        else Part(f"{max(0.0, next_at - report.at):.1f} s"),
        Part(server.reason or words.NOTHING, "" if server.reason else "quiet"),
    )


def _server_state(server: ServerHealth) -> Part:
    said, style = [str(server.state)], STYLES[server.state]
    if server.kept:
        said.append("kept")
    if server.warm_at is not None:
        said.append("warming up")
    if server.override is not None:
        said.append(words.override(server.override))
        style = "warn" if style == "good" else style
    return Part(", ".join(said), style)


def _weight(server: ServerHealth) -> Part:
    """What it has; an arrow leads to that from the weight of the configuration."""
    now = "out" if server.weight is None else str(server.weight)
    whole = server.weight == server.wanted
    return Part(now if whole else f"{server.wanted}→{now}", "" if whole else "warn")


def _for(since: float | None, report: Report) -> Part:
    if since is None or not since:
        return Part(words.NOTHING, "quiet")
    return Part(words.span(max(0.0, report.at - since)))


def _details(report: Report) -> Iterator[Line]:
    for service in report.services:
        for server in service.servers:
            if not server.targets:
                continue
            yield Line()
            yield Line(Part(f"{service.name} {server.endpoint}", "title"))
            for target in server.targets:
                track = report.track(target)
                line = Line(Part(f"  {target.check.question}: "))
                line.add(str(track.state), STYLES[track.state])
                if track.last is not None:
                    line.add(f"  {track.last.detail} in {1000 * track.last.took:.0f} ms")
                if track.row:
                    line.add(f"  ({words.count(track.row, 'answer')} against it)", "warn")
                yield line
            for turn in report.history(server):
                when = words.moment(turn.at)
                yield Line(Part(f"  {when} {turn.before} → {turn.after}: {turn.reason}"))
