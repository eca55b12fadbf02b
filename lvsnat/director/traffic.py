"""What a director carries: its connections one by one or counted, and its counters at zero again.

Nothing here holds more than one connection at a time: a table of a million is read as a stream.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Protocol

from lvsnat.errors import UsageError
from lvsnat.ipvs import connections as lines
from lvsnat.ipvs.connections import Fields
from lvsnat.ipvs.servicenames import ServiceNames
from lvsnat.model.config import Config
from lvsnat.model.connection import Connection, Grouping, Selection, TableState, Tally
from lvsnat.model.endpoint import (
    Endpoint,
    KernelListener,
    Listener,
    parse_kernel_listener,
    parse_listener,
)
from lvsnat.model.marks import kernel_listeners
from lvsnat.model.service import VirtualService


class TrafficSource(Protocol):
    """A kernel that holds connections."""

    def connection_lines(self) -> Iterator[str]:
        """The lines of /proc/net/ip_vs_conn."""
        ...

    def table_state(self) -> TableState: ...

    def zero(self, listen: KernelListener) -> None:
        """Set the counters of a service and of its servers to zero."""
        ...


class Traffic:
    """The connections of a director, under the names of its configuration."""

    def __init__(self, config: Config, source: TrafficSource) -> None:
        self._config = config
        self._source = source
        self.unread = 0
        """How many lines of the last reading made no sense."""

    def connections(self, selection: Selection) -> Iterator[Connection]:
        """Those that are asked for, in the kernel's order."""
        names, found = self._select(selection)
        for fields in found:
            try:
                yield lines.decode(fields, names.of(fields))
            except ValueError:
                self.unread += 1

    def count(self, selection: Selection) -> Tally:
        """How many are asked for."""
        _, found = self._select(selection)
        total = templates = 0
        for fields in found:
            total += 1
            templates += lines.is_template(fields)
        return Tally(total - templates, templates)

    def count_by(self, selection: Selection, grouping: Grouping) -> list[tuple[str, Tally]]:
        """How many of each there are, most first. Holds one number for each of them."""
        names, found = self._select(selection)
        key = _keys(grouping, names)
        connections: Counter[tuple[str, ...]] = Counter()
        templates: Counter[tuple[str, ...]] = Counter()
        for fields in found:
            (templates if lines.is_template(fields) else connections)[key(fields)] += 1
        groups = []
        for one in {**connections, **templates}:
            try:
                groups.append((_words(grouping, one), Tally(connections[one], templates[one])))
            except ValueError:
                self.unread += connections[one] + templates[one]
        return sorted(
            groups, key=lambda group: (-group[1].connections, -group[1].templates, group[0])
        )

    def zero(self, listen: Listener) -> None:
        """Set the counters of a service and of its servers to zero."""
        known = kernel_listeners(self._config.services)
        self._source.zero(known.get(listen) or parse_kernel_listener(str(listen)))

    def _select(self, selection: Selection) -> tuple[ServiceNames, Iterator[Fields]]:
        services, wanted = self._config.services, None
        if selection.service is not None:
            service = self._service(selection.service)
            wanted = service.name
            services = (*services, *(() if service in services else (service,)))
        names = ServiceNames(services)
        found = self._readable(lines.criteria(selection))
        if wanted is not None:
            found = (fields for fields in found if names.of(fields) == wanted)
        return names, found

    def _readable(self, tests: list[lines.Test]) -> Iterator[Fields]:
        self.unread = 0
        source = self._source.connection_lines()
        next(source, None)  # the titles
        for line in source:
            fields = lines.split(line)
            if fields is None:
                self.unread += 1
                continue
            for test in tests:
                if not test(fields):
                    break
            else:
                yield fields

    def _service(self, name: str) -> VirtualService:
        """A service of the configuration, or one of somebody else by its listener."""
        try:
            return self._config.find(name)
        except UsageError as unknown:
            try:
                return VirtualService(name, parse_listener(name))
            except UsageError:
                raise unknown from None


def _keys(grouping: Grouping, names: ServiceNames) -> Callable[[Fields], tuple[str, ...]]:
    """What makes two lines alike, as the kernel's own text."""

    def service(fields: Fields) -> tuple[str, ...]:
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


def _words(grouping: Grouping, key: tuple[str, ...]) -> str:
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
