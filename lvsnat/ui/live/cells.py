"""What stands in a line of the live status, and how wide its columns are. Pure: no widgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lvsnat.model.override import Override
from lvsnat.model.service import VirtualService
from lvsnat.model.status import HealthState, ServerStatus, ServiceStatus, Sync
from lvsnat.ui import words
from lvsnat.ui.counts import DRIFT, Condition, condition, takes_connections
from lvsnat.ui.health import STYLES as HEALTH_STYLES
from lvsnat.ui.lines import Part
from lvsnat.ui.live.board import Board, Look, Row, Sort, held
from lvsnat.ui.tables import GAP, Column, fitting

_NAME, _STATE, _HISTORY = 0, 1, 7


@dataclass(frozen=True, slots=True)
class _Wide:
    """A column with a width of its own: one that grew with its numbers would jump."""

    column: Column
    width: int
    sort: Sort | None = None


_COLUMNS: Final = (
    _Wide(Column("SERVICE / SERVER"), 25, Sort.NAME),
    _Wide(Column("STATE"), 12, Sort.STATE),
    _Wide(Column("WEIGHT", keep=13, right=True), 6, Sort.WEIGHT),
    _Wide(Column("ACTIVE", keep=12, right=True), 6, Sort.HELD),
    _Wide(Column("INACTIVE", keep=9, right=True), 8, Sort.HELD),
    _Wide(Column("CONN/S", keep=11, right=True), 6, Sort.CONNECTIONS),
    _Wide(Column("PACKETS/S", keep=6, right=True), 9, Sort.PACKETS),
    _Wide(Column("HISTORY", keep=10), 10),
    _Wide(Column("IN/S", keep=8, right=True), 6, Sort.BYTES),
    _Wide(Column("OUT/S", keep=7, right=True), 6, Sort.BYTES),
    _Wide(Column("CONNS", keep=5, right=True), 6),
    _Wide(Column("PACKETS", keep=2, right=True), 7),
    _Wide(Column("IN", keep=4, right=True), 6),
    _Wide(Column("OUT", keep=3, right=True), 6),
    _Wide(Column("PERSISTENT", keep=1, right=True), 10),
    _Wide(Column("CARRIER", keep=0), 13),
)
_BARS: Final = "▁▂▃▄▅▆▇█"
_OPEN, _CLOSED = "▾ ", "▸ "
_LONGEST_NAME: Final = 46
_USUAL_STATE: Final = 32
"""``drained, 12 left, about 1:30 min``."""
_LONGEST_STATE: Final = 48
_LONGEST_HISTORY: Final = 30
_UNKNOWN: Final = Part(words.NOTHING, "quiet")
_CONDITIONS: Final = {
    Condition.UP: "good",
    Condition.DEGRADED: "warn",
    Condition.DOWN: "bad",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns a place of some width shows, and how wide each is."""

    shown: tuple[int, ...]
    widths: tuple[int, ...]

    @classmethod
    def of(cls, available: int) -> Layout:
        """The best for so many columns of a terminal; what is left makes some of them wider."""
        widths = [wide.width for wide in _COLUMNS]
        columns = [wide.column for wide in _COLUMNS]
        shown = fitting(columns, widths, available)
        left = available - sum(widths[at] for at in shown) - len(GAP) * (len(shown) - 1)
        for at, longest in (
            (_STATE, _USUAL_STATE),
            (_NAME, _LONGEST_NAME),
            (_STATE, _LONGEST_STATE),
            (_HISTORY, _LONGEST_HISTORY),
        ):
            if at in shown:
                more = max(0, min(left, longest - widths[at]))
                widths[at] += more
                left -= more
        widths[_NAME] = max(1, widths[_NAME] + min(left, 0))
        return cls(tuple(shown), tuple(widths))

    def fitted(self, cells: Sequence[Part]) -> list[Part]:
        """Each shown cell as wide as its column, with the gap before it."""
        parts = []
        for place, at in enumerate(self.shown):
            text, style = cells[at]
            width = self.widths[at]
            if len(text) > width:
                text = f"{text[: width - 1]}…"
            text = text.rjust(width) if _COLUMNS[at].column.right else text.ljust(width)
            parts.append(Part(GAP + text if place else text, style))
        return parts

    def sort_at(self, x: int) -> Sort | None:
        """What the column under a mouse sorts by."""
        left = 0
        for at in self.shown:
            left += self.widths[at] + len(GAP)
            if x < left:
                return _COLUMNS[at].sort
        return None

    @property
    def state(self) -> int:
        return self.widths[_STATE]

    @property
    def history(self) -> int:
        return self.widths[_HISTORY]


def titles(look: Look) -> tuple[Part, ...]:
    """The names of the columns; that which is sorted by stands out."""
    marked = next((at for at, wide in enumerate(_COLUMNS) if wide.sort is look.sort), None)
    return tuple(
        Part(wide.column.title, "sorted" if at == marked else "title")
        for at, wide in enumerate(_COLUMNS)
    )


def cells(row: Row, board: Board, look: Look, layout: Layout) -> tuple[Part, ...]:
    """Everything that a line says, one part for each column."""
    service, server, stats = row.service, row.server, row.stats
    flow = board.flow(row)
    rates = None if flow is None else flow.rates
    measured = [] if flow is None else [look.measure.of(one) for one in flow.history]
    active, inactive = held(row)
    totals = None if stats is None else stats.totals
    return (
        _name(row, look, layout),
        state(row, board.now),
        _scheduler(service) if server is None else _weight(server),
        _UNKNOWN if stats is None else _short(active),
        _UNKNOWN if stats is None else _short(inactive),
        _UNKNOWN if rates is None else _short(rates.connections),
        _short(None if rates is None else rates.packets),
        Part(sparkline(measured, layout.history)),
        _bytes(None if rates is None else rates.bytes_in),
        _bytes(None if rates is None else rates.bytes_out),
        _short(None if totals is None else totals.connections),
        _short(None if totals is None else totals.packets),
        _bytes(None if totals is None else totals.bytes_in),
        _bytes(None if totals is None else totals.bytes_out),
        _persistence(service.seen or service.wanted) if server is None else _tied(server),
        Part(", ".join(service.carriers) if server is None else "", "quiet"),
    )


def sparkline(values: Sequence[int], width: int) -> str:
    """The last values as bars, the newest at the right; the highest bar is the largest of them."""
    values = values[-width:]
    top = max(values, default=0)
    bars = "".join(
        " " if not value else _BARS[min(len(_BARS) - 1, (len(_BARS) * value - 1) // top)]
        for value in values
    )
    return bars.rjust(width)


def _name(row: Row, look: Look, layout: Layout) -> Part:
    if row.server is not None:
        return Part(f"    {row.server.endpoint}")
    service = row.service
    mark = _CLOSED if service.listen in look.closed else _OPEN
    whole = f"{service.name} {service.listen}" if service.name else str(service.listen)
    if service.name and len(mark) + len(whole) > layout.widths[_NAME]:
        whole = service.name
    return Part(f"{mark}{whole}", "title")


def state(row: Row, now: float) -> Part:
    """How a line is and why; ``now`` in seconds since the epoch."""
    return _service_state(row.service) if row.server is None else _server_state(row.server, now)


def _service_state(service: ServiceStatus) -> Part:
    """``up 2/2``, ``degraded 1/2``; and how it differs from the configuration."""
    how = condition(service)
    well = sum(map(takes_connections, service.servers))
    said = f"{how} {well}/{len(service.servers)}"
    if service.sync is not Sync.IN_SYNC:
        said += f", {words.state(service.sync)}"
    style = _CONDITIONS[how]
    return Part(said, "warn" if style == "good" and service.sync in DRIFT else style)


def _server_state(server: ServerStatus, now: float) -> Part:
    """How it differs, what an operator has done, then health with its reason."""
    said: list[str] = []
    style = "good"
    health = server.health
    if health is not None and health.state not in (HealthState.UP, HealthState.UNCHECKED):
        lasting = "" if health.since is None else f" {words.span(health.since)}"
        detail = f": {health.detail}" if health.detail else ""
        said.append(f"{health.state}{lasting}{detail}")
        style = HEALTH_STYLES[health.state]
    if server.one_way:
        said.insert(0, "one-way")
        style = "bad"
    if server.override is not None:
        said.insert(0, _held_back(server, server.override, now))
        style = "warn" if style == "good" else style
    if server.sorry:
        said.append("sorry")
        style = "warn"
    if server.sync is not Sync.IN_SYNC:
        said.insert(0, words.state(server.sync))
        style = "bad" if server.sync is Sync.MISSING else "warn" if style == "good" else style
    if not said:
        up = health is not None and health.state is HealthState.UP
        return Part("up" if up else words.state(server.sync), style)
    return Part(", ".join(said), style)


def _held_back(server: ServerStatus, override: Override, now: float) -> str:
    """``drained, 12 left, about 40 s``, ``drained, empty``, ``disabled for 59:00 min, 3 left``."""
    said = str(override.reason)
    if override.until is not None:
        said += f" for {words.span(max(0.0, override.until - now))}"
    return said if server.drain is None else f"{said}, {words.drain(server.drain)}"


def _scheduler(service: ServiceStatus) -> Part:
    known = service.seen or service.wanted
    return _UNKNOWN if known is None else Part(str(known.scheduler), "quiet")


def _weight(server: ServerStatus) -> Part:
    """What it has; an arrow leads to what it should have."""
    seen, wanted = server.seen, server.wanted
    if seen is not None and wanted is not None and seen.weight != wanted.weight:
        return Part(f"{seen.weight}→{wanted.weight}", "warn")
    known = seen or wanted
    return _UNKNOWN if known is None else Part(str(known.weight))


def _persistence(service: VirtualService | None) -> Part:
    return _UNKNOWN if service is None else Part(words.persistence(service.persistence), "quiet")


def _tied(server: ServerStatus) -> Part:
    tied = 0 if server.stats is None else server.stats.persistent
    return _short(tied) if tied else _UNKNOWN


def _short(number: int | None) -> Part:
    return _UNKNOWN if number is None else Part(words.in_short(number))


def _bytes(number: int | None) -> Part:
    return _UNKNOWN if number is None else Part(words.in_bytes(number))
