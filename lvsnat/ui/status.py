"""The state of a director: a summary, its services with their servers, what the host lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

from lvsnat.model.carrier import Carrier
from lvsnat.model.connection import TableState
from lvsnat.model.mode import Mode
from lvsnat.model.service import RealServer, VirtualService
from lvsnat.model.status import (
    DirectorStatus,
    HealthState,
    HostStatus,
    ServerStats,
    ServerStatus,
    ServiceStats,
    ServiceStatus,
    Sync,
)
from lvsnat.ui import words
from lvsnat.ui.counts import Overview, rates_of
from lvsnat.ui.lines import Line, Part
from lvsnat.ui.remarks import remarks
from lvsnat.ui.summary import Glance, Items
from lvsnat.ui.tables import Column, Row, Table

Naming = Callable[[ServiceStatus], Part]

STYLES: Final = {
    Sync.IN_SYNC: "good",
    Sync.CHANGED: "warn",
    Sync.MISSING: "bad",
    Sync.EXTRA: "warn",
    Sync.UNMANAGED: "quiet",
}
_COLUMNS: Final = (
    Column("SERVICE / SERVER"),
    Column("STATE"),
    Column("CARRIER", keep=8, optional=True),
    Column("WEIGHT", keep=12, right=True),
    Column("ACTIVE", keep=11, right=True),
    Column("INACTIVE", keep=7, right=True),
    Column("LIMIT", keep=10, right=True, optional=True),
    Column("PERSISTENT", keep=5, right=True, optional=True),
    Column("CONN/S", keep=9, right=True),
    Column("PACKETS/S", keep=0, right=True, optional=True),
    Column("IN/S", keep=6, right=True),
    Column("OUT/S", keep=4, right=True),
    Column("CONNS", keep=3, right=True),
    Column("PACKETS", keep=0, right=True, optional=True),
    Column("IN", keep=2, right=True),
    Column("OUT", keep=1, right=True),
)

_NOTHING: Final = Part(words.NOTHING, "quiet")
_NARROW: Final = 60
"""Columns of a terminal that has no room for the services' listeners."""
_FILLING: Final = 0.8
_FULL: Final = 0.95
_ILL: Final = {HealthState.DOWN: "bad", HealthState.MAINTENANCE: "warn"}
STANDING_STILL: Final = (
    "rates and counters stand still: the kernel's estimation is off"
    " (net.ipv4.vs.run_estimation, est_cpulist)"
)


def status_view(status: DirectorStatus) -> Iterator[RenderableType]:
    """Everything, from the summary down."""
    yield Items(summary_line(status))
    if status.services:
        yield Glance(status, Overview.of(status), rates_of(status.services))
    if status.ending:
        several = words.count(status.ending, "more connection")
        yield Line(Part(f"{several} in HAProxy processes that end with their last one"))
    yield from table_lines(status.table)
    if status.services:
        yield Line()
        yield ServiceTable(_COLUMNS, status.services, partial(_rows, of=status))
        yield from remarks(status)
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
    line = Text.assemble((f"{_mode(status)}, ", "title"), state, f": {', '.join(counts)}")
    if numbers.down:
        line.append(f", {numbers.down} down", "bad")
    return line.append(", watched", "good") if status.daemon else line


def _mode(status: DirectorStatus) -> str:
    """``haproxy-tproxy``, ``haproxy-tproxy (switching: both)``."""
    return str(status.mode) + (f" (switching: {status.switching})" if status.switching else "")


def table_lines(table: TableState) -> Iterator[Line | Text]:
    """How full the kernel's table is, where it has a limit; what stops the counters."""
    if table.connections is not None and table.limit:
        share = table.connections / table.limit
        style = "bad" if share >= _FULL else "warn" if share >= _FILLING else "quiet"
        text = f"connection table: {table.connections} of {words.in_short(table.limit)}"
        yield Line(Part(f"{text} ({share:.0%})" if share >= _FILLING else text, style))
    if not table.estimating:
        yield Text(STANDING_STILL, "warn")


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
    line.add(words.state(thing.sync), STYLES[thing.sync])
    if thing.seen is not None:
        differing = words.differences(thing.seen, thing.wanted)
        line.add(f"  {differing}" if differing else "")
    return line


@dataclass(frozen=True, slots=True)
class ServiceTable:
    """A table of services and servers; a narrow terminal has the services' names alone."""

    columns: Sequence[Column]
    services: Sequence[ServiceStatus]
    rows: Callable[[Iterable[ServiceStatus], Naming], Iterable[Row]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Table]:
        del console
        naming = _short_name if options.max_width < _NARROW else _long_name
        yield Table(self.columns, list(self.rows(self.services, naming)))


def _long_name(service: ServiceStatus) -> Part:
    name = "" if service.name is None else f"{service.name} "
    return Part(f"{name}{service.listen}", "title")


def _short_name(service: ServiceStatus) -> Part:
    return Part(service.name or str(service.listen), "title")


def _rows(services: Iterable[ServiceStatus], naming: Naming, of: DirectorStatus) -> Iterator[Row]:
    for service in services:
        yield _service_row(service, naming, _carriers(service, of))
        for server in service.servers:
            yield _server_row(server)


def _carriers(service: ServiceStatus, of: DirectorStatus) -> Part:
    """Who serves it, where that is not always the kernel."""
    if of.mode is Mode.LVS_NAT and not any(Carrier.HAPROXY in one.carriers for one in of.services):
        return _NOTHING
    return Part(", ".join(service.carriers))


def _service_row(service: ServiceStatus, naming: Naming, carriers: Part) -> Row:
    seen, wanted = service.seen, service.wanted
    held = [server.stats for server in service.servers if server.stats is not None]
    return (
        naming(service),
        _state(service.sync),
        carriers,
        Part(_change(seen and seen.scheduler, wanted and wanted.scheduler), "quiet"),
        _number(sum(stat.active for stat in held) if service.stats else None),
        _number(sum(stat.inactive for stat in held) if service.stats else None),
        _NOTHING,
        _persistence(seen or wanted),
        *_traffic(service.stats),
    )


def _server_row(server: ServerStatus) -> Row:
    seen, wanted, stats = server.seen, server.wanted, server.stats
    weight = _change(seen and seen.weight, wanted and wanted.weight)
    return (
        Part(f"  {server.endpoint}"),
        _server_state(server),
        Part(""),
        Part(weight),
        _number(None if stats is None else stats.active),
        _number(None if stats is None else stats.inactive),
        _limit(seen or wanted, stats),
        _number(stats.persistent or None if stats is not None else None),
        *_traffic(stats),
    )


def _persistence(service: VirtualService | None) -> Part:
    return _NOTHING if service is None else Part(words.persistence(service.persistence), "quiet")


def _limit(server: RealServer | None, stats: ServerStats | None) -> Part:
    """``8/1000``: the kernel holds inactive connections against the limit as well."""
    if server is None or not server.upper:
        return _NOTHING
    held = 0 if stats is None else stats.active + stats.inactive
    return Part(f"{held}/{server.upper}", "bad" if held >= server.upper else "")


def _traffic(stats: ServiceStats | ServerStats | None) -> tuple[Part, ...]:
    if stats is None:
        return (_NOTHING,) * 8
    rates, totals = stats.rates, stats.totals
    return (
        Part(words.in_short(rates.connections)),
        Part(words.in_short(rates.packets)),
        Part(words.in_bytes(rates.bytes_in)),
        Part(words.in_bytes(rates.bytes_out)),
        Part(words.in_short(totals.connections)),
        Part(words.in_short(totals.packets)),
        Part(words.in_bytes(totals.bytes_in)),
        Part(words.in_bytes(totals.bytes_out)),
    )


def _state(sync: Sync) -> Part:
    return Part(words.state(sync), STYLES[sync])


def _server_state(server: ServerStatus) -> Part:
    """Its state, why an operator holds it at weight 0, and whether it fails."""
    said, style = [words.state(server.sync)], STYLES[server.sync]
    if server.override is not None:
        said.append(words.override(server.override))
        style = "warn" if server.sync is Sync.IN_SYNC else style
    if server.sorry:
        said.append("sorry")
        style = "warn" if server.sync is Sync.IN_SYNC else style
    if server.health is not None and server.health.state in _ILL:
        said.append(str(server.health.state))
        style = _ILL[server.health.state]
    if server.one_way:
        said.append("one-way")
        style = "bad"
    return Part(", ".join(said), style)


def _number(value: int | None) -> Part:
    return _NOTHING if value is None else Part(str(value))


def _change(seen: object, wanted: object) -> str:
    """What is there; an arrow leads to what should be there."""
    if seen is None or wanted is None or seen == wanted:
        value = wanted if seen is None else seen
        return words.NOTHING if value is None else str(value)
    return f"{seen}→{wanted}"
