"""Services: whether they are there, and whether a server of theirs takes connections. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from lvsnat.doctor.facts import Facts, Socket
from lvsnat.doctor.finding import Finding, Fix, Severity
from lvsnat.doctor.names import Code
from lvsnat.doctor.rules.settings import CODES
from lvsnat.doctor.rules.transparent import is_told
from lvsnat.haproxy.resources import SERVICE_KIND as PROXIED
from lvsnat.ipvs.resources import SERVICE_KIND
from lvsnat.model.carrier import Carrier
from lvsnat.model.endpoint import Listener, MarkListener
from lvsnat.model.marks import kernel_listeners
from lvsnat.model.proxied import ipvs_services
from lvsnat.model.resource import Key
from lvsnat.model.service import VirtualService
from lvsnat.model.status import (
    DirectorStatus,
    HealthState,
    ServerStatus,
    ServiceStatus,
    Sync,
)

_DRIFT = (Sync.MISSING, Sync.CHANGED, Sync.EXTRA)
_OUT = (HealthState.DOWN, HealthState.MAINTENANCE)
APPLY: Final = "'lvsnat plan' shows what differs, 'lvsnat apply' ends it"
_SHOWN = 3


def findings(facts: Facts) -> Iterator[Finding]:
    if facts.config is None or facts.status is None:
        return
    yield from _host(facts.status)
    known = kernel_listeners(facts.config.services)
    for service in facts.status.services:
        if service.sync is Sync.UNMANAGED:
            continue
        yield from _drift(service, known)
        yield from _servers(service)
        if service.carriers == (Carrier.IPVS,):
            yield from _thresholds(service)
    if facts.host is not None and facts.config.switching is None:
        for wish in ipvs_services(facts.config):
            yield from _taken(wish, facts.host.listening)


def name_of(service: ServiceStatus) -> str:
    return service.name or str(service.listen)


def some(words: Sequence[object]) -> str:
    """The first few, and how many more there are."""
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return ", ".join(map(str, words[:_SHOWN])) + more


def _host(status: DirectorStatus) -> Iterator[Finding]:
    """What the configuration asks of the host, but for what has a code of its own."""
    known = {f"sysctl {name}" for name in CODES}
    for thing in status.host:
        own = thing.what in known or thing.what.startswith("address ") or is_told(thing)
        if thing.sync in _DRIFT and not own:
            missing = thing.sync is Sync.MISSING
            yield Finding(
                Code.NOT_APPLIED,
                Severity.BROKEN if missing else Severity.RISK,
                thing.what,
                "not there" if missing else _settings(thing.seen),
                _settings(thing.wanted) or "as configured",
                "the configuration asks for it",
                APPLY,
                None if thing.key is None else Fix((thing.key,)),
            )


def _settings(values: dict[str, str] | None) -> str:
    return " ".join(f"{key}={value}" for key, value in (values or {}).items())


def _drift(service: ServiceStatus, known: Mapping[Listener, Listener]) -> Iterator[Finding]:
    """``known``: what the listeners of the configuration are to IPVS."""
    wrong = [one for one in service.servers if one.sync in _DRIFT]
    seen = [_difference(one) for one in wrong]
    missing = any(one.sync is Sync.MISSING for one in wrong)
    if service.sync in _DRIFT:
        seen, missing = [f"the service is {service.sync}"], service.sync is Sync.MISSING
    refused = is_emptied(service)
    if seen:
        yield Finding(
            Code.NOT_APPLIED,
            Severity.BROKEN if missing or refused else Severity.RISK,
            f"{name_of(service)} {service.listen}",
            some([_difference(one) for one in wrong] if refused else seen),
            "as configured",
            "no server takes new connections: clients are refused"
            if refused
            else "the kernel balances what it holds, not what the configuration says",
            APPLY,
            Fix(
                (
                    Key(SERVICE_KIND, str(known.get(service.listen, service.listen))),
                    Key(PROXIED, str(service.listen)),
                )
            ),
            scope=(name_of(service),),
        )


def _difference(server: ServerStatus) -> str:
    """How a server differs from its configuration."""
    if server.wanted is not None and server.seen is not None:
        seen, wanted = server.seen.weight, server.wanted.weight
        if seen != wanted:
            return f"{server.endpoint} weight {seen}, should be {wanted}"
    return f"{server.endpoint} is {server.sync}"


def is_emptied(service: ServiceStatus) -> bool:
    """Whether no server takes connections, and one would as it is configured."""
    takes = any(one.seen is not None and one.seen.weight for one in service.servers)
    return not takes and any(map(is_held_back, service.servers))


def is_held_back(server: ServerStatus) -> bool:
    """Whether a server is in the kernel with the weight 0, and another one is configured."""
    if server.wanted is None or server.seen is None:
        return False
    return server.sync is Sync.CHANGED and server.wanted.weight > server.seen.weight == 0


def _servers(service: ServiceStatus) -> Iterator[Finding]:
    name, title = name_of(service), f"{name_of(service)} {service.listen}"
    ordinary = [one for one in service.servers if not one.sorry]
    if not ordinary:
        yield Finding(
            Code.SERVICE_EMPTY,
            Severity.BROKEN,
            title,
            "no real server",
            "at least one",
            "clients are refused",
            f"'lvsnat server add {name} ADDRESS:PORT'",
            scope=(name,),
        )
        return
    down = [one for one in ordinary if one.health is not None and one.health.state in _OUT]
    helped = any(one.sorry and one.seen is not None for one in service.servers)
    if len(down) == len(ordinary):
        yield Finding(
            Code.NO_SERVER_ALIVE,
            Severity.RISK if helped else Severity.BROKEN,
            title,
            some([_why(one) for one in down]),
            "at least one server that answers its check",
            "the sorry server answers all clients" if helped else "clients get no answer",
            "start the program on the servers, or look at these machines: 'lvsnat health"
            f" {name}' shows each check and its answer",
            scope=(name,),
        )
    elif not any(one.seen is not None and one.seen.weight for one in ordinary):
        held = [one for one in ordinary if one.override is not None]
        yield Finding(
            Code.ALL_WEIGHTS_0,
            Severity.BROKEN,
            title,
            f"every server has the weight 0{', drained or disabled by hand' if held else ''}",
            "a weight above 0",
            "no server takes new connections: clients are refused",
            f"'lvsnat server enable {name} {held[0].endpoint}'"
            if held
            else f"'lvsnat server set {name} {ordinary[0].endpoint} --weight 1'",
            scope=(name,),
        )


def _why(server: ServerStatus) -> str:
    if server.health is None:
        return str(server.endpoint)
    detail = f" ({server.health.detail})" if server.health.detail else ""
    return f"{server.endpoint} is {server.health.state}{detail}"


def _thresholds(service: ServiceStatus) -> Iterator[Finding]:
    """Connections that are closed count, too, until the kernel has forgotten them."""
    taking = [one for one in service.servers if one.seen is not None and one.seen.weight]
    full = [
        f"{one.endpoint} {one.stats.active} active + {one.stats.inactive} inactive"
        f" of {one.seen.upper}"
        for one in taking
        if one.seen is not None
        and one.stats is not None
        and 0 < one.seen.upper <= one.stats.active + one.stats.inactive
    ]
    if full:
        every = len(full) == len(taking)
        yield Finding(
            Code.THRESHOLD,
            Severity.BROKEN if every else Severity.RISK,
            f"{name_of(service)} {service.listen}",
            some(full),
            "fewer connections than the upper threshold",
            "new clients are refused" if every else "it gets no new connections",
            f"'lvsnat server set {name_of(service)} ADDRESS:PORT --upper N' with a greater N;"
            " inactive connections count until the kernel forgets them",
            scope=(name_of(service),),
        )


def _taken(service: VirtualService, sockets: Sequence[Socket]) -> Iterator[Finding]:
    listen = service.listen
    if isinstance(listen, MarkListener):
        return
    for socket in sockets:
        port = socket.local.port
        here = socket.protocol is listen.protocol and socket.local.address == listen.address
        if here and any(ports.first <= port <= ports.last for ports in listen.ports):
            yield Finding(
                Code.PORT_TAKEN,
                Severity.RISK,
                f"{service.name} {listen}",
                f"a program of this host listens on {socket.local}, too",
                "IPVS alone",
                "it gets nothing while IPVS serves, and every client when the service is gone",
                f"'ss -lnp \"src {socket.local}\"' names the program: stop it, or give it another"
                " address",
                scope=(service.name,),
            )
            return
