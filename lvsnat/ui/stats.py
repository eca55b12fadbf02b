"""What services and servers have carried, and carry now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from lvsnat.model.status import (
    Counters,
    DirectorStatus,
    Rates,
    ServerStats,
    ServiceStats,
    ServiceStatus,
)
from lvsnat.ui import words
from lvsnat.ui.lines import Part
from lvsnat.ui.status import STANDING_STILL, Naming, ServiceTable
from lvsnat.ui.tables import Column, Row

Figure = Callable[[int | None], str]

_NAME: Final = Column("SERVICE / SERVER")
_TOTALS: Final = tuple(
    Column(title, keep, right=True)
    for title, keep in (
        ("CONNS", 10), ("PACKETS IN", 7), ("PACKETS OUT", 6), ("IN", 9), ("OUT", 8),
    )
)  # fmt: skip
_RATES: Final = tuple(
    Column(title, keep, right=True)
    for title, keep in (
        ("CONN/S", 5), ("PACKETS IN/S", 2), ("PACKETS OUT/S", 1), ("IN/S", 4), ("OUT/S", 3),
    )
)  # fmt: skip


def stats_view(
    status: DirectorStatus, *, exact: bool = False, rates_only: bool = False
) -> Iterator[RenderableType]:
    """Totals, and rates as far as there is room; or the rates alone."""
    figures = _EXACT if exact else _HUMAN
    rows = partial(_rows, figures=figures, rates_only=rates_only)
    columns = (_NAME, *_RATES) if rates_only else (_NAME, *_TOTALS, *_RATES)
    known = [service for service in status.services if service.stats is not None]
    if known:
        yield ServiceTable(columns, known, rows)
    if not status.table.estimating:
        yield Text(STANDING_STILL, "warn")


_HUMAN: Final[tuple[Figure, Figure]] = (words.in_short, words.in_bytes)
_EXACT: Final[tuple[Figure, Figure]] = (words.exact, words.exact)


def _rows(
    services: Iterable[ServiceStatus],
    naming: Naming,
    figures: tuple[Figure, Figure],
    *,
    rates_only: bool,
) -> Iterator[Row]:
    for service in services:
        if service.stats is not None:
            yield (naming(service), *_numbers(service.stats, figures, rates_only=rates_only))
        for server in service.servers:
            if server.stats is not None:
                name = Part(f"  {server.endpoint}")
                yield (name, *_numbers(server.stats, figures, rates_only=rates_only))


def _numbers(
    stats: ServiceStats | ServerStats, figures: tuple[Figure, Figure], *, rates_only: bool
) -> Row:
    rates = _five(stats.rates, figures)
    return rates if rates_only else [*_five(stats.totals, figures), *rates]


def _five(values: Counters | Rates, figures: tuple[Figure, Figure]) -> list[Part]:
    number, volume = figures
    return [
        Part(number(values.connections)),
        Part(number(values.packets_in)),
        Part(number(values.packets_out)),
        Part(volume(values.bytes_in)),
        Part(volume(values.bytes_out)),
    ]
