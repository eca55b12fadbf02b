"""Count connections by what they have in common: client, service, server or state. No I/O.

There may be as many clients as connections. Who asks for the few that hold the most gets them in
bounded memory: J. Misra and D. Gries, "Finding repeated elements" (1982), in batches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from heapq import nlargest
from typing import Final

from lvsnat.ipvs import connections as lines
from lvsnat.ipvs.connections import Fields
from lvsnat.ipvs.servicenames import ServiceNames
from lvsnat.model.connection import Connection, Grouping, Ranking, Tally
from lvsnat.model.endpoint import Endpoint

BATCH: Final = 20_000
"""After so many lines ``thin`` is to be called."""
KEPT: Final = 20_000
"""So many different ones are counted exactly, at least."""
FOR_EACH: Final = 20
"""And so many for each one that is asked for."""

Key = tuple[str, ...]


class Census:
    """The numbers of one grouping."""

    def __init__(
        self,
        by: Grouping,
        names: ServiceNames,
        most: int | None,
        *,
        kept: int = KEPT,
        for_each: int = FOR_EACH,
    ) -> None:
        """``names`` of the services; ``most``: so many are asked for, None: all."""
        self._by, self._most = by, most
        self._kept = None if most is None else max(kept, for_each * most)
        self._key = _keys(by, names)
        self._kernel: tuple[Counter[Key], Counter[Key]] = (Counter(), Counter())
        """Connections, and templates, under the kernel's own words."""
        self._sessions: Counter[str] = Counter()
        self._cut = 0
        self.unread = 0
        """How many lines of the kernel made no sense."""

    def add(self, fields: Fields, *, template: bool) -> None:
        """Count a line of the kernel."""
        self._kernel[template][self._key(fields)] += 1

    def add_session(self, connection: Connection) -> None:
        """Count a connection of HAProxy."""
        self._sessions[group_of(connection, self._by)] += 1

    def thin(self) -> None:
        """Forget those that hold the least, if there are too many."""
        if self._kept is not None:
            self._cut += max(_thin(counts, self._kept) for counts in self._kernel)

    def ranking(self, lines_read: Tally) -> Ranking:
        """Who holds the most; ``lines_read`` is what all lines of the kernel hold."""
        total = lines_read.plus(Tally(self._sessions.total()))
        groups: dict[str, Tally] = {name: Tally(held) for name, held in self._sessions.items()}
        connections, templates = self._kernel
        for one in {**connections, **templates}:
            tally = Tally(connections[one], templates[one])
            try:
                name = _words(self._by, one)
            except ValueError:
                self.unread += tally.connections + tally.templates
            else:
                groups[name] = groups.get(name, Tally()).plus(tally)
        ordered = sorted(groups.items(), key=_rank)
        complete = not self._cut and (self._most is None or len(ordered) <= self._most)
        return Ranking(self._by, tuple(ordered[: self._most]), total, complete, self._cut)


def _rank(group: tuple[str, Tally]) -> tuple[int, int, str]:
    name, tally = group
    return (-tally.connections, -tally.templates, name)


def _thin(counts: Counter[Key], kept: int) -> int:
    """Take from each what the first one has that is not kept; by how much that is too low."""
    if len(counts) <= 2 * kept:
        return 0
    cut = nlargest(kept + 1, counts.values())[-1]
    for key, held in [*counts.items()]:
        if held > cut:
            counts[key] = held - cut
        else:
            del counts[key]
    return cut


def group_of(connection: Connection, grouping: Grouping) -> str:
    """What a connection is counted under."""
    match grouping:
        case Grouping.CLIENT:
            return str(connection.client.address)
        case Grouping.SERVER:
            return str(connection.server)
        case Grouping.STATE:
            return connection.state
        case Grouping.SERVICE:
            return connection.service or connection.listen


def _keys(grouping: Grouping, names: ServiceNames) -> Callable[[Fields], Key]:
    """What makes two lines alike, as the kernel's own text."""

    def service(fields: Fields) -> Key:
        name = names.of(fields)
        place = (fields[lines.PROTOCOL], fields[lines.VIRTUAL], fields[lines.VIRTUAL_PORT])
        return place if name is None else (name,)

    match grouping:
        case Grouping.CLIENT:
            return lambda fields: (fields[lines.CLIENT],)
        case Grouping.SERVER:
            return lambda fields: (fields[lines.SERVER], fields[lines.SERVER_PORT])
        case Grouping.STATE:
            return lambda fields: (fields[lines.STATE],)
        case Grouping.SERVICE:
            return service


def _words(grouping: Grouping, key: Key) -> str:
    match grouping, key:
        case Grouping.CLIENT, (client,):
            return str(lines.address(client))
        case Grouping.SERVER, (host, port):
            return str(lines.endpoint(host, port))
        case Grouping.SERVICE, (protocol, host, port):
            nobody = Endpoint(lines.address(host), 0)
            virtual = lines.endpoint(host, port)
            return Connection(protocol.lower(), nobody, virtual, nobody, "", 0).listen
        case _:
            return key[0]
