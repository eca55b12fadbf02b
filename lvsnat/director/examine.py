"""Gather what the doctor asks: of the director, of this host, of lvsnat's own files. Never writes.

``--probe`` is the exception, and leaves nothing behind (lvsnat.doctor.probe).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

from lvsnat.director import ledgerfile, overridefile, switchfile
from lvsnat.director.director import Director
from lvsnat.director.install import BOOTED, Place, look
from lvsnat.director.wish import read
from lvsnat.doctor.facts import (
    Facts,
    Fault,
    FileMode,
    Flow,
    HostFacts,
    Opening,
    Probes,
    Sample,
    SelfFacts,
    SocketState,
)
from lvsnat.doctor.finding import Unread
from lvsnat.doctor.read import read_sockets
from lvsnat.doctor.rules.host import vips
from lvsnat.errors import LvsnatError
from lvsnat.model.carrier import Carrier
from lvsnat.model.config import Config
from lvsnat.model.connection import Selection
from lvsnat.model.endpoint import Endpoint, MarkListener, Protocol
from lvsnat.model.proxied import ipvs_services, proxied_services

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


def examine(director: Director, asked: Asked) -> Facts:
    """Everything that is known; what could not be read says why."""
    from lvsnat.doctor import probe

    probe.sweep(director.paths.probe)
    own = _own(director)
    if own.broken_config is not None or own.broken_state:
        return Facts(own=own)
    config = director.config()
    unread: list[Unread] = []
    host = _host(director, config, unread)
    samples = _samples(director, config, host, asked, unread)
    return Facts(
        config,
        None if samples is None else samples[1].status,
        host,
        samples,
        _probes(director, config, host, unread, asked) if asked.probe else None,
        own,
        tuple(unread),
    )


def _own(director: Director) -> SelfFacts:
    paths = director.paths
    try:
        read(director.text(), str(paths.config))
    except LvsnatError as error:
        fault = Fault(str(paths.config), error.message.splitlines()[0], error.hint or "")
        return SelfFacts(broken_config=fault)
    broken = []
    for path, load in (
        (paths.ledger, ledgerfile.load),
        (paths.overrides, overridefile.load),
        (paths.switch, switchfile.load),
    ):
        try:
            load(path)
        except LvsnatError as error:
            problem = error.message.removeprefix(f"{path}: ")
            broken.append(Fault(str(path), problem, error.hint or ""))
    seen = look(Place.below(Path("/"), paths.config), Path("/")) if BOOTED.is_dir() else None
    return SelfFacts(
        None,
        tuple(broken),
        director.health_problem(),
        tuple(_modes([paths.config, paths.ledger, paths.overrides, paths.switch])),
        director.daemon_runs(),
        seen is not None and seen.systemd,
        seen is not None and seen.enabled,
    )


def _modes(files: Iterable[Path]) -> Iterator[FileMode]:
    for path in files:
        if path.exists():
            seen = path.stat()
            yield FileMode(str(path), seen.st_mode & 0o7777, seen.st_uid in (0, os.geteuid()))


def _host(director: Director, config: Config, unread: list[Unread]) -> HostFacts | None:
    if director.survey is None:
        return None
    host, lacking = director.survey(config)
    unread += lacking
    return host


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
        first = _sample(director, config)
        director.clock.sleep(asked.seconds)
        return first, _sample(director, config)
    except LvsnatError as error:
        unread.append(Unread("services and connections", error.message))
        return None


def _sample(director: Director, config: Config) -> Sample:
    status = director.status()
    at = director.clock.monotonic()
    opening = dict([*_opening_ipvs(director), *_opening_haproxy(config)])
    return Sample(at, status, opening, tuple(_flows(director, config)))


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
    found = read_sockets(lambda one: one.state is SocketState.OPENING and one.remote in servers)
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
    places = _places(config, asked.service)
    try:
        return probe.probe(places, [*vips(config)], assigned, director.paths.probe)
    except LvsnatError as error:
        unread.append(Unread("the answers of the real servers", error.message))
        return None


def _places(config: Config, service: str | None) -> Mapping[Endpoint, Endpoint]:
    """Where each real server of a TCP service is asked: at the port that is served."""
    found = {}
    for one in config.services:
        listen = one.listen
        if isinstance(listen, MarkListener) or listen.protocol is not Protocol.TCP:
            continue
        for server in one.servers if service in (None, one.name) else ():
            port = server.endpoint.port or listen.ports[0].first
            found[server.endpoint] = replace(server.endpoint, port=port)
    return found
