"""The real servers of a section, and who answers while none of them can."""

from __future__ import annotations

from dataclasses import dataclass

from lvsnat.errors import RefusedError, UsageError
from lvsnat.interop.haproxy.lexer import Line
from lvsnat.interop.haproxy.proxy import Proxy
from lvsnat.interop.haproxy.report import Report
from lvsnat.interop.haproxy.servers import Server
from lvsnat.interop.haproxy.values import server_endpoint
from lvsnat.model.endpoint import AddressListener, Endpoint, PortsListener
from lvsnat.model.service import RealServer, Scheduler

Known = tuple[Server, Endpoint]

_SORRY = "sorry"
"""What lvsnat's own files call the server that answers while no other can."""


@dataclass(frozen=True, slots=True)
class Seats:
    """Who serves."""

    servers: tuple[RealServer, ...]
    lines: tuple[Line, ...]
    """One for each of them."""
    scheduler: Scheduler
    sorry: Endpoint | None


def seats_of(
    back: Proxy, listen: AddressListener | PortsListener, scheduler: Scheduler, report: Report
) -> Seats:
    """Choose what each server is; those that cannot be read are reported and left out."""
    default_port = listen.endpoint.port if isinstance(listen, AddressListener) else 0
    known: list[Known] = []
    for server in back.servers:
        try:
            known.append((server, server_endpoint(server.place, default_port)))
        except UsageError as error:
            report.refuse(server.line, error)
    active = [one for one in known if not one[0].backup]
    backups = [one for one in known if one[0].backup and one[0].name != _SORRY]
    last = [one for one in known if one[0].backup and one[0].name == _SORRY]
    if scheduler is Scheduler.WRR and len(active) == 1 and backups and len(last + backups) > 1:
        return _failover([*active, *backups], last, report)
    backups = [*last, *backups]
    for server, _ in backups[1:]:
        report.refuse(
            server.line,
            RefusedError(
                "a second backup server is not taken: a service has one sorry server",
                "leave it out, or make it a server with a smaller weight",
            ),
        )
    return Seats(
        tuple(_server(server, endpoint, scheduler, report) for server, endpoint in active),
        tuple(server.line for server, _ in active),
        scheduler,
        backups[0][1] if backups else None,
    )


def _failover(order: list[Known], last: list[Known], report: Report) -> Seats:
    """One server, and several that follow it one after the other: the scheduler fo by weight."""
    servers = []
    sorry = last[0][1] if last else None
    for place, (server, endpoint) in enumerate(order):
        report.note(
            server.line, "one server at a time, in this order: the scheduler fo, by its weight"
        )
        weight = 0 if server.disabled or not server.weight else len(order) - place
        servers.append(RealServer(endpoint, weight, server.maxconn))
    return Seats(tuple(servers), tuple(server.line for server, _ in order), Scheduler.FO, sorry)


def _server(server: Server, endpoint: Endpoint, scheduler: Scheduler, report: Report) -> RealServer:
    if server.disabled:
        report.note(server.line, "disabled: taken with weight 0")
    weight, upper = server.weight, server.maxconn
    if scheduler is Scheduler.OVF and upper:
        weight, upper = upper if weight else 0, 0  # ovf fills a server up to its weight.
    if upper:
        report.note(
            server.line,
            f"'maxconn {upper}' is upper = {upper}: beyond it lvs-nat sends nobody there, where"
            " HAProxy lets connections wait",
        )
    return RealServer(endpoint, 0 if server.disabled else weight, upper)
