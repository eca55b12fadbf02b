"""Services as the configuration states them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from rich.console import RenderableType

from lvsnat.model.health import HealthCheck
from lvsnat.model.policy import HealthPolicy
from lvsnat.model.service import ProxyOptions, RealServer, VirtualService
from lvsnat.ui import jsonout, words
from lvsnat.ui.lines import Line, Part
from lvsnat.ui.tables import Column, Table

_SERVICE_COLUMNS = (
    Column("NAME"),
    Column("LISTEN"),
    Column("SCHEDULER", keep=2),
    Column("PERSISTENT", keep=1),
    Column("CHECK", keep=0, optional=True),
    Column("SORRY", keep=0, optional=True),
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
    facts = [
        ("listen", str(service.listen)),
        ("scheduler", str(service.scheduler)),
        ("flags", ", ".join(sorted(service.flags))),
        ("persistent", words.persistence(service.persistence) if service.persistence else ""),
        *(("check", _check(check)) for check in service.checks),
        ("failures", _policy(service.policy)),
        ("sorry", str(service.sorry or "")),
        ("haproxy", _proxy(service.proxy)),
    ]
    for name, value in facts:
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
        Part(", ".join(check.question for check in service.checks) or words.NOTHING),
        Part(str(service.sorry or words.NOTHING)),
        Part(str(len(service.servers)), "" if service.servers else "warn"),
    )


def _check(check: HealthCheck) -> str:
    """What is asked, and the keys of the file that say more."""
    usual = jsonout.check_document(check.plain)
    return f"{check.question} {_unusual(jsonout.check_document(check), usual)}".rstrip()


def _policy(policy: HealthPolicy) -> str:
    return _unusual(jsonout.policy_document(policy), jsonout.policy_document(HealthPolicy()))


def _proxy(proxy: ProxyOptions) -> str:
    return _unusual(jsonout.proxy_document(proxy), jsonout.proxy_document(ProxyOptions()))


def _unusual(values: Mapping[str, object], usual: Mapping[str, object]) -> str:
    """What differs from the defaults: ``rise=5 method="HEAD"``."""
    return " ".join(
        f"{key}={json.dumps(value, ensure_ascii=False)}"
        for key, value in values.items()
        if value != usual[key]
    )


def _server_row(server: RealServer) -> tuple[Part, ...]:
    return (
        Part(f"  {server.endpoint}"),
        Part(str(server.weight)),
        Part(str(server.upper or words.NOTHING)),
        Part(str(server.lower or words.NOTHING)),
    )
