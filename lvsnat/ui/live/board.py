"""A reading with all that is shown of it: rates, totals, and in which order the lines stand.

Pure: which services and servers there are to see, one line each. What stands in a line is made by
``cells.py``, and only for lines that somebody sees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from lvsnat.model.endpoint import Endpoint, Listener
from lvsnat.model.status import (
    DirectorStatus,
    Rates,
    ServerStats,
    ServerStatus,
    ServiceStats,
    ServiceStatus,
    Sync,
)
from lvsnat.ui import words
from lvsnat.ui.counts import Condition, Overview, condition, is_down
from lvsnat.ui.live.doors import Reading
from lvsnat.ui.live.rates import Flow, Meter

Place = tuple[Listener, Endpoint | None]
"""A service, or a server of it."""


class Row(NamedTuple):
    """One line: a service, or one of its servers."""

    service: ServiceStatus
    server: ServerStatus | None = None

    @property
    def place(self) -> Place:
        return self.service.listen, None if self.server is None else self.server.endpoint

    @property
    def stats(self) -> ServiceStats | ServerStats | None:
        return self.service.stats if self.server is None else self.server.stats


@dataclass(frozen=True, slots=True)
class Board:
    """A director at one moment, with what the moments before say of its rates."""

    status: DirectorStatus
    overview: Overview
    flows: Mapping[Place, Flow]
    total: Rates
    at: float
    now: float

    def flow(self, row: Row) -> Flow | None:
        return self.flows.get(row.place)


class Boards:
    """Makes a board of each reading."""

    def __init__(self) -> None:
        self._meter = Meter[Place]()

    def of(self, reading: Reading) -> Board:
        status = reading.status
        seen: dict[Place, ServiceStats | ServerStats] = {}
        for service in status.services:
            if service.stats is not None:
                seen[service.listen, None] = service.stats
            for server in service.servers:
                if server.stats is not None:
                    seen[service.listen, server.endpoint] = server.stats
        flows = self._meter.read(reading.at, seen)
        total = Rates()
        for service in status.services:
            if flow := flows.get((service.listen, None)):
                total = total.plus(flow.rates)
        return Board(status, Overview.of(status), flows, total, reading.at, reading.now)


class Sort(StrEnum):
    """What the services, and the servers of each, are ordered by."""

    CONFIGURED = "configuration"
    NAME = "name"
    STATE = "state"
    WEIGHT = "weight"
    HELD = "connections"
    CONNECTIONS = "connections/s"
    PACKETS = "packets/s"
    BYTES = "bytes/s"


class Measure(StrEnum):
    """What the history line draws."""

    CONNECTIONS = "connections/s"
    PACKETS = "packets/s"
    BYTES = "bytes/s"

    def of(self, rates: Rates) -> int:
        match self:
            case Measure.CONNECTIONS:
                return rates.connections
            case Measure.PACKETS:
                return rates.packets or 0
            case Measure.BYTES:
                return (rates.bytes_in or 0) + (rates.bytes_out or 0)


@dataclass(frozen=True, slots=True)
class Look:
    """How somebody wants to see a board."""

    sort: Sort = Sort.CONFIGURED
    turned: bool = False
    """The other way round."""
    filter: str = ""
    closed: frozenset[Listener] = field(default_factory=frozenset)
    """The services whose servers are not shown."""
    measure: Measure = Measure.CONNECTIONS

    def said(self, services: int) -> Iterator[str]:
        """What is not as at the start, in words; so many services are found."""
        if self.sort is not Sort.CONFIGURED or self.turned:
            yield f"sorted by {self.sort}" + (", turned round" if self.turned else "")
        if self.filter:
            yield f"filter: {self.filter} ({words.count(services, 'service')})"
        if self.measure is not Measure.CONNECTIONS:
            yield f"history of {self.measure}"


Rank = Callable[[Row], float | str]
_CONDITIONS: Final = (Condition.DOWN, Condition.DEGRADED, Condition.UP)
_SYNCS: Final = (Sync.MISSING, Sync.CHANGED, Sync.EXTRA, Sync.UNMANAGED, Sync.IN_SYNC)


def rows(board: Board, look: Look) -> list[Row]:
    """The lines in their order: numbers largest first, states worst first."""
    rank = _rank(board, look.sort)
    services = _ordered([Row(service) for service in board.status.services], rank, look)
    found: list[Row] = []
    needles = look.filter.casefold().split()
    for row in services:
        service = row.service
        servers = [Row(service, server) for server in service.servers]
        if needles:
            # What is looked for is shown, also where the service is closed.
            text = _service_text(service)
            servers = list(_matching(servers, text, needles))
            if not servers and not _has(text, needles):
                continue
            open_ = service.listen not in look.closed or len(servers) < len(service.servers)
        else:
            open_ = service.listen not in look.closed
        found.append(row)
        if open_:
            found += _ordered(servers, rank, look)
    return found


def _ordered(found: list[Row], rank: Rank | None, look: Look) -> list[Row]:
    if rank is not None:
        return sorted(found, key=rank, reverse=look.turned)
    return found[::-1] if look.turned else found


def _rank(board: Board, sort: Sort) -> Rank | None:
    match sort:
        case Sort.CONFIGURED:
            return None
        case Sort.NAME:
            return _name
        case Sort.STATE:
            return _state
        case Sort.WEIGHT:
            return lambda row: -_weight(row)
        case Sort.HELD:
            return lambda row: -sum(held(row))
        case Sort.CONNECTIONS | Sort.PACKETS | Sort.BYTES:
            measure = Measure(sort.value)

            def rate(row: Row) -> float:
                flow = board.flow(row)
                return 0 if flow is None else -measure.of(flow.rates)

            return rate


def held(row: Row) -> tuple[int, int]:
    """The active and the inactive connections of a line."""
    servers = row.service.servers if row.server is None else (row.server,)
    stats = [server.stats for server in servers if server.stats is not None]
    return sum(one.active for one in stats), sum(one.inactive for one in stats)


def _name(row: Row) -> str:
    if row.server is None:
        return row.service.name or str(row.service.listen)
    endpoint = row.server.endpoint
    return f"{endpoint.address.packed.hex():>32}{endpoint.port:6}"


def _state(row: Row) -> float:
    if row.server is None:
        return 10 * _CONDITIONS.index(condition(row.service)) + _SYNCS.index(row.service.sync)
    server = row.server
    ill = 0 if is_down(server) or server.one_way else 10 if server.override or server.sorry else 20
    return ill + _SYNCS.index(server.sync)


def _weight(row: Row) -> int:
    server = row.server
    if server is None:
        return sum(_weight(Row(row.service, one)) for one in row.service.servers)
    return server.seen.weight if server.seen is not None else 0


def _matching(servers: list[Row], text: str, needles: list[str]) -> Iterator[Row]:
    for row in servers:
        if row.server is not None and _has(f"{text} {_server_text(row.server)}", needles):
            yield row


def _has(text: str, needles: list[str]) -> bool:
    return all(needle in text for needle in needles)


def _service_text(service: ServiceStatus) -> str:
    said = (
        service.name or "",
        str(service.listen),
        "" if service.sync is Sync.IN_SYNC else words.state(service.sync),
    )
    return " ".join(said).casefold()


def _server_text(server: ServerStatus) -> str:
    health, override = server.health, server.override
    said = (
        str(server.endpoint),
        "" if server.sync is Sync.IN_SYNC else words.state(server.sync),
        "" if override is None else str(override.reason),
        "" if health is None else f"{health.state} {health.detail or ''}",
        "sorry" if server.sorry else "",
        "one-way" if server.one_way else "",
    )
    return " ".join(said).casefold()
