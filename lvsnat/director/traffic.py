"""What a director carries: its connections one by one or counted, and its counters at zero again.

Nothing here holds more than one connection at a time: a table of a million is read as a stream.
The kernel's are lines of a file, HAProxy's come as values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from lvsnat.errors import UsageError
from lvsnat.ipvs import connections as lines
from lvsnat.ipvs.connections import Fields
from lvsnat.ipvs.servicenames import ServiceNames
from lvsnat.model.carrier import Carrier
from lvsnat.model.config import Config
from lvsnat.model.connection import Connection, Grouping, Selection, TableState, Tally
from lvsnat.model.endpoint import (
    Endpoint,
    KernelListener,
    parse_kernel_listener,
    parse_listener,
)
from lvsnat.model.marks import kernel_listeners
from lvsnat.model.service import VirtualService
from lvsnat.model.status import DirectorStatus, ServiceStatus


class TrafficSource(Protocol):
    """A kernel that holds connections."""

    def connection_lines(self) -> Iterator[str]:
        """The lines of /proc/net/ip_vs_conn."""
        ...

    def table_state(self) -> TableState: ...

    def zero(self, listen: KernelListener) -> None:
        """Set the counters of a service and of its servers to zero."""
        ...


class ProxySource(Protocol):
    """A HAProxy that holds connections."""

    def sessions(self) -> Iterator[Connection]:
        """Every connection, of processes that end softly too; none where no process runs.

        ``service`` is the frontend's name, ``virtual`` the address and port that the service
        listens on (never a side port), ``carrier`` HAProxy, ``state`` one of
        ``model.connection.STATES``. Those that have no server yet are left out.
        """
        ...

    def zero(self) -> None:
        """Set every counter of every service to zero: HAProxy has no smaller measure."""
        ...


class Traffic:
    """The connections of a director, under the names of its configuration."""

    def __init__(
        self, config: Config, source: TrafficSource | None, proxy: ProxySource | None = None
    ) -> None:
        """None where nothing asks for that carrier."""
        self._config = config
        self._source = source
        self._proxy = proxy
        self.unread = 0
        """How many lines of the last reading made no sense."""

    @property
    def proxied(self) -> bool:
        """Whether HAProxy carries some of them."""
        return self._proxy is not None

    def connections(self, selection: Selection) -> Iterator[Connection]:
        """Those that are asked for: the kernel's in its order, then HAProxy's."""
        names, found = self._select(selection)
        for fields in found:
            try:
                yield lines.decode(fields, names.of(fields))
            except ValueError:
                self.unread += 1
        yield from self._sessions(selection)

    def count(self, selection: Selection) -> Tally:
        """How many are asked for."""
        _, found = self._select(selection)
        total = templates = 0
        for fields in found:
            total += 1
            templates += lines.is_template(fields)
        return Tally(total - templates + sum(1 for _ in self._sessions(selection)), templates)

    def count_by(self, selection: Selection, grouping: Grouping) -> list[tuple[str, Tally]]:
        """How many of each there are, most first. Holds one number for each of them."""
        groups = self._kernel_groups(selection, grouping)
        proxied = Counter(group_of(one, grouping) for one in self._sessions(selection))
        for name, number in proxied.items():
            groups[name] = groups.get(name, Tally()).plus(Tally(number))
        return sorted(
            groups.items(),
            key=lambda group: (-group[1].connections, -group[1].templates, group[0]),
        )

    def zero(self, services: Sequence[ServiceStatus], of: DirectorStatus) -> None:
        """Set the counters of services and of their servers to zero, of all those there are.

        Raises as ``insist_on_zeroing``, before any change.
        """
        insist_on_zeroing(services, of)
        known = kernel_listeners(self._config.services)
        for service in services:
            if Carrier.IPVS in service.carriers and self._source is not None:
                listen = service.listen
                self._source.zero(known.get(listen) or parse_kernel_listener(str(listen)))
        if self._proxy is not None and any(_is_proxied(service) for service in services):
            self._proxy.zero()

    def _kernel_groups(self, selection: Selection, grouping: Grouping) -> dict[str, Tally]:
        names, found = self._select(selection)
        key = _keys(grouping, names)
        connections: Counter[tuple[str, ...]] = Counter()
        templates: Counter[tuple[str, ...]] = Counter()
        for fields in found:
            (templates if lines.is_template(fields) else connections)[key(fields)] += 1
        groups: dict[str, Tally] = {}
        for one in {**connections, **templates}:
            tally = Tally(connections[one], templates[one])
            try:
                name = _words(grouping, one)
            except ValueError:
                self.unread += tally.connections + tally.templates
            else:
                groups[name] = groups.get(name, Tally()).plus(tally)
        return groups

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
        if self._source is None:
            return
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

    def _sessions(self, selection: Selection) -> Iterator[Connection]:
        """Those of HAProxy that are asked for."""
        if self._proxy is None:
            return
        name = None if selection.service is None else self._service(selection.service).name
        for one in self._proxy.sessions():
            if name in (None, one.service) and selection.takes(one):
                yield one

    def _service(self, name: str) -> VirtualService:
        """A service of the configuration, or one of somebody else by its listener."""
        try:
            return self._config.find(name)
        except UsageError as unknown:
            try:
                return VirtualService(name, parse_listener(name))
            except UsageError:
                raise unknown from None


def insist_on_zeroing(services: Sequence[ServiceStatus], of: DirectorStatus) -> None:
    """Raise UsageError if HAProxy would have to zero some of its services, of all there are."""
    left = [one for one in of.services if _is_proxied(one) and one not in services]
    asked = [one.name or str(one.listen) for one in services if _is_proxied(one)]
    if asked and left:
        others = ", ".join(one.name or str(one.listen) for one in left)
        raise UsageError(
            f"HAProxy cannot zero the counters of {', '.join(asked)} alone: it has {others}, too,"
            " and zeroes all or none",
            "'lvsnat stats --zero' zeroes all of them; 'lvsnat stats --rate' needs no zero",
        )


def _is_proxied(service: ServiceStatus) -> bool:
    return Carrier.HAPROXY in service.carriers and service.stats is not None


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
