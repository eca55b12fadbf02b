"""What a director carries: its connections one by one or counted, and its counters at zero again.

Nothing here holds more than one connection at a time: a table of a million is read as a stream.
The kernel's are lines of a file, HAProxy's come as values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final, Protocol

from lvsnat.director.census import BATCH, Census
from lvsnat.errors import UsageError
from lvsnat.ipvs import connections as lines
from lvsnat.ipvs.connections import Fields
from lvsnat.ipvs.servicenames import ServiceNames
from lvsnat.model.carrier import Carrier
from lvsnat.model.config import Config
from lvsnat.model.connection import Connection, Grouping, Ranking, Selection, TableState, Tally
from lvsnat.model.endpoint import (
    Endpoint,
    KernelListener,
    parse_kernel_listener,
    parse_listener,
)
from lvsnat.model.marks import kernel_listeners
from lvsnat.model.service import VirtualService
from lvsnat.model.status import DirectorStatus, ServiceStatus

_OPENING: Final = 60
"""Seconds for which a connection stays in SYN_RECV after each SYN (ip_vs_proto_tcp.c)."""
_PATIENCE: Final = 3
"""Seconds after which an answer should have come."""


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

    def waiting(self) -> Mapping[Endpoint, int]:
        """How many connections to each real server have not been answered in a second."""
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

    def rank(
        self, selection: Selection, by: Sequence[Grouping], most: int | None = None
    ) -> list[Ranking]:
        """Who holds the most, by each of these, from one reading.

        With ``most`` so many of each at most, and memory for a bounded number of them; else for
        each its number.
        """
        names, found = self._select(selection)
        censuses = [Census(one, names, most) for one in by]
        seen = templates = 0
        for seen, fields in enumerate(found, 1):
            template = lines.is_template(fields)
            templates += template
            for each in censuses:
                each.add(fields, template=template)
            if seen % BATCH == 0:
                for each in censuses:
                    each.thin()
        for one in self._sessions(selection):
            for each in censuses:
                each.add_session(one)
        rankings = [each.ranking(Tally(seen - templates, templates)) for each in censuses]
        self.unread += max(each.unread for each in censuses)
        return rankings

    def waiting(self) -> Mapping[Endpoint, int]:
        """How many connections wait for the first answer of each server, for seconds already."""
        found: Counter[Endpoint] = Counter()
        opening = self._readable(lines.criteria(Selection(state="SYN_RECV")))
        with suppress(ValueError):  # A line that makes no sense: the next look will tell.
            for fields in opening:
                if int(fields[lines.EXPIRES]) < _OPENING - _PATIENCE:
                    found[lines.endpoint(fields[lines.SERVER], fields[lines.SERVER_PORT])] += 1
        if self._proxy is not None:
            found.update(self._proxy.waiting())
        return found

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
