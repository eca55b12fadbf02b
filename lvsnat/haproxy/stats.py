"""What HAProxy carries, as the model has it. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from lvsnat.errors import UsageError
from lvsnat.haproxy.answers import Row, Session, number
from lvsnat.haproxy.resources import ProxiedServer, ProxiedService
from lvsnat.haproxy.serverlines import service_name
from lvsnat.haproxy.words import SORRY, local, server_name, tproxy
from lvsnat.model.carrier import Carrier
from lvsnat.model.connection import Connection
from lvsnat.model.endpoint import Endpoint, MarkListener, parse_address, parse_port
from lvsnat.model.resource import Key, Resource
from lvsnat.model.status import (
    Counters,
    Health,
    HealthState,
    Rates,
    ServerStats,
    ServiceStats,
)

Stats = ServiceStats | ServerStats
Tied = Mapping[tuple[str, int], int]
"""How many clients a stick table ties to a server, by the backend and the server's number."""

_FRONTEND: Final = "FRONTEND"
_ESTABLISHED: Final = 8
"""SC_ST_EST of HAProxy's stconn-t.h; less is on the way there, more is over."""
_TABLE_ENTRY = re.compile(r"\bserver_id=(\d{1,9})\b")


def carried(found: Iterable[Resource], rows: Iterable[Row], tied: Tied) -> dict[Key, Stats]:
    """What each service and server has carried: a server's sum of its lines in both backends."""
    resources = list(found)
    known = {(row.get("pxname", ""), row.get("svname", "")): row for row in rows}
    names = {
        one.key: service_name(one.lines) for one in resources if isinstance(one, ProxiedService)
    }
    result: dict[Key, Stats] = {}
    for one in resources:
        if isinstance(one, ProxiedService):
            row = known.get((names[one.key], _FRONTEND), {})
            result[one.key] = ServiceStats(_totals([row]), _rates([row]))
        elif isinstance(one, ProxiedServer) and one.owner in names:
            name, place = names[one.owner], server_name(one.endpoint)
            first = known.get((tproxy(name), place), {})
            result[one.key] = _of_server([first, known.get((local(name), place), {})], tied)
    return result


def tied_clients(backend: str, said: str) -> dict[tuple[str, int], int]:
    """Read ``show table`` of a backend."""
    counts = Counter(int(found) for found in _TABLE_ENTRY.findall(said))
    return {(backend, server): count for server, count in counts.items()}


def health(row: Row) -> Health | None:
    """What HAProxy's check says of a server; None where HAProxy says nothing of it."""
    status = row.get("status", "")
    if not status:
        return None
    code = row.get("check_status", "").removeprefix("* ")
    if status.startswith("MAINT"):
        state = HealthState.MAINTENANCE
    elif status.startswith("DOWN"):
        state = HealthState.DOWN
    elif status == "no check" or not code:
        state = HealthState.UNCHECKED
    else:
        state = HealthState.UP
    return Health(state, _detail(code, row), number(row, "lastchg"))


@dataclass(frozen=True, slots=True)
class Frontend:
    """What a session's frontend stands for."""

    virtual: Endpoint
    """Port 0 where a service has several, of which HAProxy does not say which it was."""
    sorry: Endpoint | None = None


def frontends(found: Iterable[Resource]) -> dict[str, Frontend]:
    """The services by the name of their frontend."""
    known = {}
    for one in found:
        if isinstance(one, ProxiedService) and not isinstance(one.listen, MarkListener):
            ports = one.listen.ports
            only = len(ports) == 1 and ports[0].first == ports[0].last
            place = Endpoint(one.listen.address, ports[0].first if only else 0)
            known[service_name(one.lines)] = Frontend(
                place, one.service.sorry if one.service else None
            )
    return known


def connections(sessions: Iterable[Session], known: Mapping[str, Frontend]) -> Iterator[Connection]:
    """The sessions of known services that have a server."""
    for one in sessions:
        frontend = known.get(one.frontend)
        if frontend is None or one.server is None:
            continue
        client = _endpoint(one.client)
        server = frontend.sorry if one.server == SORRY else _endpoint(one.server)
        if client is not None and server is not None:
            yield Connection(
                "tcp",
                client,
                frontend.virtual,
                server,
                _state(one.state),
                one.expires,
                service=one.frontend,
                carrier=Carrier.HAPROXY,
            )


def _of_server(rows: list[Row], tied: Tied) -> ServerStats:
    place = (rows[0].get("pxname", ""), number(rows[0], "sid"))
    return ServerStats(
        active=sum(number(row, "scur") for row in rows),
        persistent=tied.get(place, 0),
        totals=_totals(rows),
        rates=_rates(rows),
        health=health(rows[0]),
    )


def _totals(rows: Iterable[Row]) -> Counters:
    given = list(rows)
    connections, received, sent = (
        sum(number(row, column) for row in given) for column in ("stot", "bin", "bout")
    )
    return Counters(connections, None, None, received, sent)


def _rates(rows: Iterable[Row]) -> Rates:
    return Rates(sum(number(row, "rate") for row in rows), None, None, None, None)


def _detail(code: str, row: Row) -> str | None:
    """``L4CON in 0ms: Connection refused``; None if there was no check yet."""
    if code in {"", "INI"}:
        return None
    said = row.get("last_chk", "").strip()
    words = f"{code} in {number(row, 'check_duration')}ms" + (f": {said}" if said else "")
    # What a server answers is nothing to send to a terminal.
    return words if words.isprintable() else words.encode("unicode_escape").decode("ascii")


def _endpoint(text: str) -> Endpoint | None:
    """An address and a port as HAProxy writes them in names: IPv6 without brackets."""
    host, _, port = text.rpartition(":")
    try:
        return Endpoint(parse_address(host), parse_port(port))
    except UsageError:
        return None


def _state(side: int | None) -> str:
    if side is None or side == _ESTABLISHED:
        return "ESTABLISHED"
    return "SYN_SENT" if side < _ESTABLISHED else "CLOSE"
