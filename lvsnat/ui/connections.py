"""Connections, one by one as a stream or counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.console import RenderableType

from lvsnat.model.connection import Connection, Ranking, Tally
from lvsnat.ui import words
from lvsnat.ui.lines import Line, Part
from lvsnat.ui.tables import Column, Lines, Row, Table, streamed

_COLUMNS: Final = (
    Column("CLIENT"),
    Column("SERVICE", keep=5),
    Column("SERVER", keep=7),
    Column("STATE", keep=6),
    Column("CARRIER", keep=3, optional=True),
    Column("EXPIRES", keep=4, right=True),
    Column("LISTEN", keep=2),
    Column("ENGINE", keep=1, optional=True),
)
_STYLES: Final = {"ESTABLISHED": "good", "SYN_RECV": "warn", "SYN_SENT": "warn"}


def connection_table(
    connections: Iterable[Connection], width: int, *, carriers: bool = False
) -> Iterator[Lines]:
    """One line for each, in pieces; with ``carriers`` each says who has it."""
    rows = (_row(connection, carriers=carriers) for connection in connections)
    return streamed(_COLUMNS, rows, width)


def ranking_view(ranking: Ranking) -> Iterator[RenderableType]:
    """One line for each group."""
    columns = (
        Column(ranking.by.upper()),
        Column("CONNECTIONS", right=True),
        Column("SHARE", keep=1, right=True, optional=True),
        Column("TEMPLATES", right=True, optional=True),
    )
    whole = ranking.total.connections
    yield Table(columns, [_group_row(name, tally, whole) for name, tally in ranking.groups])
    if ranking.too_low_by:
        why = f"too many {ranking.by}s to count each"
        yield Line(Part(f"numbers may be {ranking.too_low_by} too low: {why}", "quiet"))


def top_view(rankings: Sequence[Ranking]) -> Iterator[RenderableType]:
    """How many there are, then who holds the most of them in one respect after another."""
    total = rankings[0].total
    line = Line(Part(words.count(total.connections, "connection"), "title"))
    if total.templates:
        line.add(f", {words.count(total.templates, 'template')} of persistence")
    yield line
    for ranking in rankings:
        yield Line()
        yield from ranking_view(ranking)


def _row(connection: Connection, *, carriers: bool) -> Row:
    listen = connection.listen
    name = connection.service
    template = connection.template
    engine = connection.engine or ""
    if connection.engine_data:
        engine = f"{engine} {connection.engine_data}"
    return (
        Part(str(connection.client.address if template else connection.client)),
        Part(listen if name is None else name, "quiet" if name is None else "title"),
        Part(str(connection.server)),
        Part(connection.state, "quiet" if template else _STYLES.get(connection.state, "")),
        Part(str(connection.carrier) if carriers else ""),
        Part(words.span(connection.expires)),
        Part(listen),
        Part(engine),
    )


def _group_row(name: str, tally: Tally, whole: int) -> Row:
    share = f"{tally.connections / whole:.0%}" if whole else words.NOTHING
    # A group of templates alone has its 0; a column of zeros would say nothing.
    return (
        Part(name),
        Part(str(tally.connections)),
        Part(share, "quiet"),
        Part(str(tally.templates or words.NOTHING)),
    )
