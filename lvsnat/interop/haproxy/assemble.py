"""Sections to services: a ``listen``, or a ``frontend`` with the backend that it names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lvsnat.errors import LvsnatError, UsageError
from lvsnat.interop.haproxy.balance import Choice, choice_of
from lvsnat.interop.haproxy.binds import Bind
from lvsnat.interop.haproxy.checks import check_of, policy_of
from lvsnat.interop.haproxy.lexer import Line
from lvsnat.interop.haproxy.options import proxy_options
from lvsnat.interop.haproxy.proxy import Proxy
from lvsnat.interop.haproxy.report import Report
from lvsnat.interop.haproxy.seats import seats_of
from lvsnat.interop.haproxy.stick import persistence_of
from lvsnat.interop.naming import free_name
from lvsnat.model.endpoint import (
    AddressListener,
    Endpoint,
    Family,
    IPAddress,
    PortsListener,
    Protocol,
    parse_address,
)
from lvsnat.model.service import Persistence, Scheduler, VirtualService

MAX_NAME = 63
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]", re.ASCII)
_FIRST = re.compile(r"^[^A-Za-z0-9]+", re.ASCII)


@dataclass(slots=True)
class Entry:
    """A service, and the lines that it comes from."""

    service: VirtualService
    line: Line
    """Of its section."""
    bind: Line
    servers: list[Line] = field(default_factory=list)
    """One for each real server."""

    @property
    def endpoints(self) -> Iterator[Endpoint]:
        """Whatever answers for the service."""
        yield from (server.endpoint for server in self.service.servers)
        if self.service.sorry is not None:
            yield self.service.sorry


class Assembly:
    """Makes services of pairs of sections, with names of their own."""

    def __init__(self, proxies: Mapping[str, Proxy], report: Report) -> None:
        """``proxies`` are the backends, and what else has servers, by name."""
        self._proxies = proxies
        self._report = report
        self._names: set[str] = set()

    def entries(self, front: Proxy, back: Proxy) -> Iterator[Entry]:
        """One service for each address of the frontend."""
        by_address: dict[IPAddress, list[Bind]] = {}
        for bind in front.binds:
            by_address.setdefault(bind.address, []).append(bind)
        for index, (address, binds) in enumerate(by_address.items()):
            name = _name(front, address if index else None)
            name = free_name(name, self._names)
            self._names.add(name)
            yield self._entry(name, _listener(address, binds), binds[0].line, front, back)

    def _entry(
        self,
        name: str,
        listen: AddressListener | PortsListener,
        bind: Line,
        front: Proxy,
        back: Proxy,
    ) -> Entry:
        report = self._report
        scheduler, flags = self._choice(back)
        seats = seats_of(back, listen, scheduler, report)
        service = VirtualService(
            name,
            listen,
            seats.scheduler,
            flags,
            self._persistence(back, listen.family),
            servers=seats.servers,
            check=check_of(back, listen, report),
            sorry=seats.sorry,
            proxy=proxy_options(front, back, report),
            policy=policy_of(back),
        )
        return Entry(service, front.section.line, bind, list(seats.lines))

    def _choice(self, back: Proxy) -> Choice:
        line = back.balance
        balance = () if line is None else line.arguments
        hash_type = () if back.hash_type is None else back.hash_type.arguments
        try:
            return choice_of(balance, hash_type, back.hash_factor)
        except LvsnatError as error:
            if line is not None:
                self._report.refuse(line, error)
            return Scheduler.WRR, frozenset()

    def _persistence(self, back: Proxy, family: Family) -> Persistence | None:
        stick = back.stick
        if stick is None:
            return None
        table = back.table
        if stick.table is not None and stick.table != back.section.name:
            other = self._proxies.get(stick.table)
            table = None if other is None else other.table
        try:
            return persistence_of(stick, table, family, self._report)
        except UsageError as error:
            self._report.refuse(stick.line, error)
            return None


def _listener(address: IPAddress, binds: Sequence[Bind]) -> AddressListener | PortsListener:
    listen = PortsListener(Protocol.TCP, address, tuple(bind.ports for bind in binds))
    only = listen.ports[0]
    if len(listen.ports) == 1 and only.first == only.last:
        return AddressListener(Protocol.TCP, Endpoint(address, only.first))
    return listen


def _name(front: Proxy, address: IPAddress | None) -> str:
    """The name of the section in letters that a service may have, and the address if need be."""
    suffix = "" if address is None else f"-{address}".replace(":", "-")
    name = _FIRST.sub("", _NOT_IN_NAMES.sub("-", front.section.name))
    if not name or _is_address(name):
        name = "-".join(filter(None, (front.section.kind, name)))
    return name[: MAX_NAME - len(suffix)] + suffix


def _is_address(text: str) -> bool:
    try:
        parse_address(text)
    except UsageError:
        return False
    return True
