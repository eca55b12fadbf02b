"""The state of a director: a summary, its services with their servers, what the host lacks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from lvsnat.model.status import (
    DirectorStatus,
    HostStatus,
    ServerStats,
    ServerStatus,
    ServiceStats,
    ServiceStatus,
    Sync,
)
from lvsnat.ui import words
from lvsnat.ui.counts import Overview
from lvsnat.ui.lines import Line, Part
from lvsnat.ui.tables import Column, Table

_STYLES: Final = {
    Sync.IN_SYNC: "good",
    Sync.CHANGED: "warn",
    Sync.MISSING: "bad",
    Sync.EXTRA: "warn",
    Sync.UNMANAGED: "quiet",
}
_COLUMNS: Final = (
    Column("SERVICE / SERVER"),
    Column("STATE"),
    Column("WEIGHT", keep=9, right=True),
    Column("ACTIVE", keep=8, right=True),
    Column("INACTIVE", keep=6, right=True),
    Column("CONN/S", keep=7, right=True),
    Column("IN/S", keep=5, right=True),
    Column("OUT/S", keep=4, right=True),
    Column("CONNS", keep=3, right=True),
    Column("IN", keep=2, right=True),
    Column("OUT", keep=1, right=True),
)


def status_view(status: DirectorStatus) -> Iterator[RenderableType]:
    """Everything, from the summary down."""
    yield summary_line(status)
    if status.services:
        yield Line()
        yield Table(_COLUMNS, list(_rows(status.services)))
    if status.host:
        yield Line()
        yield from host_lines(status.host)


def summary_line(status: DirectorStatus) -> Text:
    """``lvs-nat, in sync: 2 services, 3 servers, 8 connections (5 active)``."""
    numbers = Overview.of(status)
    state = (
        (words.count(numbers.drift, "difference"), "bad") if numbers.drift else ("in sync", "good")
    )
    counts = [
        words.count(numbers.services, "service"),
        words.count(numbers.servers, "server"),
        f"{words.count(numbers.active + numbers.inactive, 'connection')} ({numbers.active} active)",
    ]
    if numbers.unmanaged:
        counts.append(f"{numbers.unmanaged} unmanaged")
    return Text.assemble((f"{status.mode}, ", "title"), state, f": {', '.join(counts)}")


def host_lines(host: Iterable[HostStatus]) -> Iterator[Line]:
    """One line for all that is well, and one for each thing that is not."""
    things = list(host)
    well = sum(thing.sync is Sync.IN_SYNC for thing in things)
    if well:
        yield Line(Part("host: "), Part(f"{words.count(well, 'setting')} in-sync", "good"))
    for thing in things:
        if thing.sync is not Sync.IN_SYNC:
            yield _host_line(thing)


def _host_line(thing: HostStatus) -> Line:
    line = Line(Part(f"host: {thing.what}: "))
    line.add(words.state(thing.sync), _STYLES[thing.sync])
    if thing.seen is not None:
        differing = words.differences(thing.seen, thing.wanted)
        line.add(f"  {differing}" if differing else "")
    return line


def _rows(services: Iterable[ServiceStatus]) -> Iterator[tuple[Part, ...]]:
    for service in services:
        yield _service_row(service)
        for server in service.servers:
            yield _server_row(server)


def _service_row(service: ServiceStatus) -> tuple[Part, ...]:
    seen, wanted = service.seen, service.wanted
    held = [server.stats for server in service.servers if server.stats is not None]
    name = f"{service.name} {service.listen}" if service.name else str(service.listen)
    return (
        Part(name, "title"),
        _state(service.sync),
        Part(_change(seen and seen.scheduler, wanted and wanted.scheduler), "quiet"),
        _number(sum(stat.active for stat in held) if service.stats else None),
        _number(sum(stat.inactive for stat in held) if service.stats else None),
        *_traffic(service.stats),
    )


def _server_row(server: ServerStatus) -> tuple[Part, ...]:
    seen, wanted, stats = server.seen, server.wanted, server.stats
    weight = _change(seen and seen.weight, wanted and wanted.weight)
    return (
        Part(f"  {server.endpoint}"),
        _state(server.sync),
        Part(weight),
        _number(None if stats is None else stats.active),
        _number(None if stats is None else stats.inactive),
        *_traffic(stats),
    )


def _traffic(stats: ServiceStats | ServerStats | None) -> tuple[Part, ...]:
    if stats is None:
        return (Part(words.NOTHING, "quiet"),) * 6
    rates, totals = stats.rates, stats.totals
    return (
        Part(str(rates.connections)),
        Part(words.in_bytes(rates.bytes_in)),
        Part(words.in_bytes(rates.bytes_out)),
        Part(str(totals.connections)),
        Part(words.in_bytes(totals.bytes_in)),
        Part(words.in_bytes(totals.bytes_out)),
    )


def _state(sync: Sync) -> Part:
    return Part(words.state(sync), _STYLES[sync])


def _number(value: int | None) -> Part:
    return Part(words.NOTHING, "quiet") if value is None else Part(str(value))


def _change(seen: object, wanted: object) -> str:
    """What is there; an arrow leads to what should be there."""
    if seen is None or wanted is None or seen == wanted:
        value = wanted if seen is None else seen
        return words.NOTHING if value is None else str(value)
    return f"{seen}→{wanted}"
