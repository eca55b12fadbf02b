"""Services as the configuration states them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType

from lvsnat.model.service import RealServer, VirtualService
from lvsnat.ui import words
from lvsnat.ui.lines import Line, Part
from lvsnat.ui.tables import Column, Table

_SERVICE_COLUMNS = (
    Column("NAME"),
    Column("LISTEN"),
    Column("SCHEDULER", keep=2),
    Column("PERSISTENT", keep=1),
    Column("SERVERS", keep=3, right=True),
)
_SERVER_COLUMNS = (
    Column("  SERVER"),
    Column("WEIGHT", keep=3, right=True),
    Column("UPPER", keep=2, right=True),
    Column("LOWER", keep=1, right=True),
)


def service_table(services: Sequence[VirtualService]) -> Table:
    """One line for each service."""
    return Table(_SERVICE_COLUMNS, [_service_row(service) for service in services])


def service_detail(service: VirtualService) -> Iterator[RenderableType]:
    """One service in full."""
    yield Line(Part(service.name, "title"))
    facts = {
        "listen": str(service.listen),
        "scheduler": str(service.scheduler),
        "flags": ", ".join(sorted(service.flags)),
        "persistent": words.persistence(service.persistence) if service.persistence else "",
    }
    for name, value in facts.items():
        if value:
            yield Line(Part(f"  {name:<12}{value}"))
    yield Line()
    if service.servers:
        yield Table(_SERVER_COLUMNS, [_server_row(server) for server in service.servers])
    else:
        yield Line(Part("  no servers: nobody answers here", "warn"))


def _service_row(service: VirtualService) -> tuple[Part, ...]:
    return (
        Part(service.name, "title"),
        Part(str(service.listen)),
        Part(str(service.scheduler)),
        Part(words.persistence(service.persistence)),
        Part(str(len(service.servers)), "" if service.servers else "warn"),
    )


def _server_row(server: RealServer) -> tuple[Part, ...]:
    return (
        Part(f"  {server.endpoint}"),
        Part(str(server.weight)),
        Part(str(server.upper or words.NOTHING)),
        Part(str(server.lower or words.NOTHING)),
    )
