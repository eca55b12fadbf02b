"""HAProxy at its limits: connections, queues, source ports. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lvsnat.doctor.facts import Facts
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code
from lvsnat.doctor.proxyfacts import Load, ProxyFacts
from lvsnat.doctor.rules.services import name_of, some
from lvsnat.doctor.rules.settings import PORT_RANGE
from lvsnat.model.carrier import Carrier
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Endpoint, IPAddress
from lvsnat.model.proxied import proxied_services
from lvsnat.model.status import ServiceStatus

_NEARLY: Final = 0.9


def findings(facts: Facts) -> Iterator[Finding]:
    if facts.config is None or facts.proxy is None:
        return
    yield from _full(facts.config, facts.proxy)
    yield from _ports(facts.config, facts.proxy)
    for service in () if facts.status is None else facts.status.services:
        if service.carriers[:1] == (Carrier.HAPROXY,):
            yield from _waiting(service, facts.proxy.loads.get(name_of(service), Load()).waiting)


def _full(config: Config, proxy: ProxyFacts) -> Iterator[Finding]:
    """The process; or services, where it is not the process."""
    serving = proxy.serving
    if serving is not None and _is_near(serving.connections, serving.limit):
        load = Load(serving.connections, serving.limit)
        yield _at_limit("HAProxy", load, "a greater maxconn under [haproxy]", ())
        return
    for service in proxied_services(config):
        load = proxy.loads.get(service.name, Load())
        if _is_near(load.connections, load.limit):
            where = f"a greater maxconn under [service.haproxy] of {service.name}"
            subject = f"{service.name} {service.listen}"
            yield _at_limit(subject, load, where, (service.name,))


def _is_near(number: int, limit: int) -> bool:
    return limit > 0 and number >= _NEARLY * limit


def _at_limit(subject: str, load: Load, where: str, scope: tuple[str, ...]) -> Finding:
    return Finding(
        Code.HAPROXY_FULL,
        Severity.BROKEN if load.connections >= load.limit else Severity.RISK,
        subject,
        f"{load.connections} of {load.limit} connections",
        f"less than {int(_NEARLY * load.limit)}",
        "at the limit new clients wait until another one has gone",
        f"{where}; 'lvsnat connections --by client' shows who holds the most",
        scope=scope,
    )


def _ports(config: Config, proxy: ProxyFacts) -> Iterator[Finding]:
    """Of each real server, the address that has the most."""
    limit = proxy.room
    most: dict[Endpoint, tuple[int, IPAddress]] = {}
    for (address, server), number in proxy.ports.items():
        if _is_near(number, limit):
            known, _ = most.get(server, (0, address))
            most[server] = (number, address) if number > known else most[server]
    for service in proxied_services(config):
        for real in service.servers:
            if real.endpoint in most:
                number, address = most[real.endpoint]
                scope = (service.name, str(real.endpoint))
                yield _exhausted(scope, address, number, limit)


def _exhausted(scope: tuple[str, str], address: IPAddress, number: int, limit: int) -> Finding:
    return Finding(
        Code.PORTS_EXHAUSTED,
        Severity.BROKEN if number >= limit else Severity.RISK,
        " ".join(scope),
        f"{address} has {number} of {limit} ports",
        f"less than {int(_NEARLY * limit)}",
        "where there is none left, a connection from this client to this server is closed at once",
        f"a wider {PORT_RANGE} ('lvsnat apply' sets what is wished for), more real servers, or"
        " 'sysctl -w net.ipv4.tcp_tw_reuse=1', so that resting ports are used again after a second",
        scope=scope,
    )


def _waiting(service: ServiceStatus, waiting: int) -> Iterator[Finding]:
    """Connections wait only where every server that takes them has its upper threshold."""
    full = [
        f"{one.endpoint} {one.stats.active} of {one.seen.upper}"
        for one in service.servers
        if one.seen is not None
        and one.stats is not None
        and one.seen.weight
        and 0 < one.seen.upper <= one.stats.active
    ]
    if full and waiting:
        name = name_of(service)
        yield Finding(
            Code.THRESHOLD,
            Severity.BROKEN,
            f"{name} {service.listen}",
            f"{waiting} waiting; {some(full)}",
            "fewer connections than the upper threshold",
            "new clients wait until another one has gone, and are closed after queue_timeout",
            f"'lvsnat server set {name} ADDRESS:PORT --upper N' with a greater N, or more servers",
            scope=(name,),
        )
