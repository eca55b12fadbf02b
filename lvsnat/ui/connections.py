"""Connections, one by one as a stream or counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from lvsnat.model.connection import Connection, Grouping, Tally
from lvsnat.ui import words
from lvsnat.ui.lines import Part
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


def group_table(grouping: Grouping, groups: Sequence[tuple[str, Tally]]) -> Table:
    """One line for each group."""
    columns = (
        Column(grouping.upper()),
        Column("CONNECTIONS", right=True),
        Column("TEMPLATES", right=True, optional=True),
    )
    return Table(columns, [_group_row(name, tally) for name, tally in groups])


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


def _group_row(name: str, tally: Tally) -> Row:
    # A group of templates alone has its 0; a column of zeros would say nothing.
    return (Part(name), Part(str(tally.connections)), Part(str(tally.templates or words.NOTHING)))
