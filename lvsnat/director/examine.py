"""Gather what the doctor asks: of the director, of this host, of lvsnat's own files. Never writes.

``--probe`` is the exception, and leaves nothing behind (lvsnat.doctor.probe).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from lvsnat.director.director import Director
from lvsnat.director.examine_own import examine_own
from lvsnat.director.examine_vpc import examine_vpc
from lvsnat.doctor.facts import (
    Facts,
    Flow,
    HostFacts,
    Opening,
    Probes,
    Sample,
)
from lvsnat.doctor.finding import Unread
from lvsnat.doctor.proxyfacts import ProxyFacts
from lvsnat.doctor.read import read_counters, read_sockets
from lvsnat.doctor.rules.host import vips
from lvsnat.errors import LvsnatError
from lvsnat.host.allowances import exceeded
from lvsnat.model.carrier import Carrier
from lvsnat.model.config import Config, Timeouts
from lvsnat.model.connection import Selection
from lvsnat.model.endpoint import Endpoint, MarkListener, Protocol
from lvsnat.model.proxied import ipvs_services, proxied_services
from lvsnat.model.service import VirtualService

SECONDS: Final = 3.0
"""Between the two looks: the kernel's counters lag by two."""
_MOST: Final = 50_000
"""Connections of a kind that are held; a table may have a million."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How thoroughly to look."""

    service: str | None = None
    """Its name; None: all."""
    probe: bool = False
    seconds: float = SECONDS
    vpc: bool = True
    """Whether to look at the VPC, where there is one."""


def examine(director: Director, asked: Asked) -> Facts:
    """Everything that is known; what could not be read says why."""
    from lvsnat.doctor import probe

    probe.sweep(director.paths.probe)
    own = examine_own(director)
    if own.broken_config is not None or own.broken_state:
        return Facts(own=own)
    config = director.config()
    unread: list[Unread] = []
    host = _host(director, config, unread)
    samples = _samples(director, config, host, asked, unread)
    proxy = _proxy(director, config, unread)
    vpc = examine_vpc(director, config, host, unread) if asked.vpc else None
    return Facts(
        config,
        None if samples is None else samples[1].status,
        host,
        samples,
        _probes(director, config, host, unread, asked) if asked.probe else None,
        own,
        tuple(unread),
        proxy=proxy,
        vpc=vpc,
        timeouts=None if samples is None else _timeouts(director, config, unread),
    )


def _host(director: Director, config: Config, unread: list[Unread]) -> HostFacts | None:
    if director.survey is None:
        return None
    host, lacking = director.survey(config)
    unread += lacking
    return host


def _proxy(director: Director, config: Config, unread: list[Unread]) -> ProxyFacts | None:
    if director.survey is None:
        return None
    from lvsnat.doctor.proxy import read_proxy
    from lvsnat.haproxy.process import Files

    files = Files(director.paths.haproxy_config, director.paths.haproxy_run)
    proxy, lacking = read_proxy(config, files)
    unread += lacking
    return proxy


def _timeouts(director: Director, config: Config, unread: list[Unread]) -> Timeouts | None:
    try:
        return director.timeouts() if ipvs_services(config) else None
    except LvsnatError as error:
        unread.append(Unread.of("the timeouts of IPVS", error))
        return None


def _samples(
    director: Director,
    config: Config,
    host: HostFacts | None,
    asked: Asked,
    unread: list[Unread],
) -> tuple[Sample, Sample] | None:
    if not config.services or (host is not None and not host.ipvs and ipvs_services(config)):
        return None
    try:
        first = _sample(director, config, host)
        director.clock.sleep(asked.seconds)
        return first, _sample(director, config, host)
    except LvsnatError as error:
        unread.append(Unread.of("services and connections", error))
        return None


def _sample(director: Director, config: Config, host: HostFacts | None) -> Sample:
    status = director.status()
    at = director.clock.monotonic()
    opening = dict([*_opening_ipvs(director), *_opening_haproxy(config)])
    flows = tuple(_flows(director, config))
    took = director.clock.monotonic() - at
    dropped = exceeded() if host is not None and host.ec2 else {}
    counted = {} if host is None else read_counters()
    return Sample(at, status, opening, flows, dropped, counted, took)


def _opening_ipvs(director: Director) -> Iterator[tuple[Opening, int]]:
    found = director.traffic().connections(Selection(state="SYN_RECV"))
    mine = (one for one in found if one.carrier is Carrier.IPVS)
    for one in islice(mine, _MOST):
        yield Opening(one.client, one.server, one.service), one.expires


def _opening_haproxy(config: Config) -> Iterator[tuple[Opening, None]]:
    """HAProxy takes another port of the client's at each attempt."""
    servers = {s.endpoint for web in proxied_services(config) for s in web.servers}
    if not servers:
        return
    found = read_sockets(lambda one: one.again and one.remote in servers)
    for one in islice(found, _MOST):
        yield Opening(Endpoint(one.local.address, 0), one.remote), None


def _flows(director: Director, config: Config) -> Iterator[Flow]:
    if any(_is_udp(service.listen) for service in ipvs_services(config)):
        found = director.traffic().connections(Selection(protocol=Protocol.UDP))
        for one in islice(found, _MOST):
            if not one.template:
                yield Flow(one.client, one.server, one.service, one.expires)


def _is_udp(listen: object) -> bool:
    return getattr(listen, "protocol", Protocol.UDP) is Protocol.UDP


def _probes(
    director: Director,
    config: Config,
    host: HostFacts | None,
    unread: list[Unread],
    asked: Asked,
) -> Probes | None:
    from lvsnat.doctor import probe

    assigned = () if host is None else host.assigned or ()
    questions = probe.Questions(
        _places(config.services, asked.service, Protocol.TCP),
        {server.endpoint for web in proxied_services(config) for server in web.servers},
        _places(config.services, asked.service, Protocol.UDP),
        [*vips(config)],
    )
    try:
        return probe.probe(questions, assigned, director.paths.probe)
    except LvsnatError as error:
        unread.append(Unread.of("the answers of the real servers", error))
        return None


def _places(
    services: Iterable[VirtualService], service: str | None, protocol: Protocol
) -> Mapping[Endpoint, Endpoint]:
    """Where each real server of such a service is asked: at the port that is served."""
    found = {}
    for one in services:
        listen = one.listen
        if isinstance(listen, MarkListener) or listen.protocol is not protocol:
            continue
        for server in one.servers if service in (None, one.name) else ():
            port = server.endpoint.port or listen.ports[0].first
            found[server.endpoint] = replace(server.endpoint, port=port)
    return found
