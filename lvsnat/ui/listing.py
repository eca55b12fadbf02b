"""Documents of connections, written piece by piece: there may be a million. No Rich here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from lvsnat.model.connection import Connection, Ranking, Tally
from lvsnat.ui.jsonout import Document, Notation

SCHEMA = "lvsnat/connections/1"
CHUNK = 500


def connections_text(
    connections: Iterable[Connection], notation: Notation, limit: int | None
) -> Iterator[str]:
    """The document that lists connections; at most ``limit`` of them."""
    rest = iter(connections)
    documents = map(_connection, rest if limit is None else islice(rest, limit))
    yield from _json(documents) if notation is Notation.JSON else _yaml(documents)
    complete = limit is None or next(rest, None) is None
    yield _END[notation].format(complete="true" if complete else "false")


_END = {
    Notation.JSON: '\n  ],\n  "complete": {complete}\n}}\n',
    Notation.YAML: "complete: {complete}\n",
}


def count_document(tally: Tally) -> Document:
    return {"schema": "lvsnat/connection-count/1", **_tally(tally)}


def groups_document(ranking: Ranking) -> Document:
    """How many of each there are."""
    return {"schema": "lvsnat/connection-groups/1", **_ranking(ranking)}


def top_document(rankings: Sequence[Ranking]) -> Document:
    """Who holds the most, by one thing after another."""
    return {
        "schema": "lvsnat/connection-top/1",
        **_tally(rankings[0].total),
        "top": [_ranking(ranking) for ranking in rankings],
    }


def _ranking(ranking: Ranking) -> Document:
    by = str(ranking.by)
    return {
        "by": by,
        "groups": [{by: name, **_tally(tally)} for name, tally in ranking.groups],
        "complete": ranking.complete,
        "too_low_by": ranking.too_low_by,
    }


def _tally(tally: Tally) -> Document:
    return {"connections": tally.connections, "templates": tally.templates}


def _json(documents: Iterable[Document]) -> Iterator[str]:
    """Each connection on a line of its own."""
    yield f'{{\n  "schema": "{SCHEMA}",\n  "connections": ['
    encode = json.JSONEncoder(ensure_ascii=False).encode
    before = "\n    "
    for document in documents:
        yield before + encode(document)
        before = ",\n    "


def _yaml(documents: Iterator[Document]) -> Iterator[str]:
    import yaml

    # The dumper in C takes a tenth of the time; not every installation has it.
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    yield f"schema: {SCHEMA}\nconnections:\n"
    some = False
    while chunk := list(islice(documents, CHUNK)):
        some = True
        yield yaml.dump(chunk, Dumper=dumper, sort_keys=False, allow_unicode=True)
    if not some:
        yield "  []\n"


def _connection(connection: Connection) -> Document:
    return {
        "service": connection.service,
        "listen": connection.listen,
        "protocol": connection.protocol,
        "client": str(connection.client),
        "virtual": str(connection.virtual),
        "server": str(connection.server),
        "state": connection.state,
        "expires": connection.expires,
        "template": connection.template,
        "engine": connection.engine,
        "engine_data": connection.engine_data,
        "carrier": str(connection.carrier),
    }
