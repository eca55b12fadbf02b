"""What changes make of a set of resources, and how that can be brought about. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from lvsnat.haproxy.answers import Row, ServerState
from lvsnat.haproxy.resources import (
    INSTANCE_KEY,
    HaproxyInstance,
    ProxiedServer,
    ProxiedService,
)
from lvsnat.haproxy.serverlines import service_name
from lvsnat.haproxy.words import local, server_name, tproxy
from lvsnat.model.endpoint import Endpoint, MarkListener, parse_address
from lvsnat.model.health import HealthCheck
from lvsnat.model.proxied import haproxy_check
from lvsnat.model.resource import Key, Resource
from lvsnat.plan.change import Change, Delete, Update, key_of, subject

HaproxyResource = HaproxyInstance | ProxiedService | ProxiedServer
State = Mapping[Key, Resource]

_BIND = re.compile(r"\s+bind\s+(\[[^]\s]+\]|[0-9.]+):(\d{1,5})(?:-(\d{1,5}))?(?:\s|$)")
_MARGIN = 10.0
"""Seconds beyond what checks need by their own times: on a busy machine they come late."""


def after(state: State, changes: Iterable[Change]) -> dict[Key, Resource]:
    """The resources once the changes are made; what belongs to none that is left goes, too."""
    result = dict(state)
    for change in changes:
        if isinstance(change, Delete):
            result.pop(key_of(change), None)
        else:
            result[key_of(change)] = subject(change)
    if INSTANCE_KEY not in result:
        return {}
    return {key: have for key, have in result.items() if have.owner in result}


def without_twins(
    state: State, changes: Iterable[Change], aside: State
) -> tuple[dict[Key, Resource], dict[Key, Resource]]:
    """Part the services of which there are two with a name, and their servers: kept, set aside.

    A name that moves to another listener is made there before it is removed here, and HAProxy takes
    no two frontends of one name. The one that is made now stays, else the one not ``aside`` yet.
    """
    made = {key_of(change) for change in changes if not isinstance(change, Delete)}
    chosen: dict[str, Key] = {}
    services = [one for one in state.values() if isinstance(one, ProxiedService)]
    for one in sorted(services, key=lambda one: (one.key in made, one.key not in aside)):
        chosen[service_name(one.lines)] = one.key
    lost = {one.key for one in services} - set(chosen.values())
    return (
        {key: have for key, have in state.items() if have.owner not in lost},
        {key: have for key, have in state.items() if have.owner in lost},
    )


def weights_alone(changes: Sequence[Change]) -> list[ProxiedServer] | None:
    """The servers with their new weights, if the changes are about nothing else."""
    servers = []
    for change in changes:
        match change:
            case Update(ProxiedServer() as before, ProxiedServer() as now) if (
                before.with_weight(now.weight) == now
            ):
                servers.append(now)
            case _:
                return None
    return servers


def weight_commands(
    servers: Iterable[ProxiedServer], state: State, seen: Iterable[ServerState]
) -> Iterator[str]:
    """The commands that give servers their weights in the running process."""
    forced = {(one.backend, one.server) for one in seen if one.forced}
    for server in servers:
        name, place = _name(state, server), server_name(server.endpoint)
        for backend in (tproxy(name), local(name)):
            if (backend, place) in forced:
                yield f"set server {backend}/{place} state ready"
            yield f"set weight {backend}/{place} {server.weight}"


def to_drain(before: State, wanted: State) -> list[ProxiedServer]:
    """The servers that take connections and are to take none."""
    return [
        server
        for key, server in wanted.items()
        if isinstance(server, ProxiedServer) and server.weight == 0
        if isinstance(was := before.get(key), ProxiedServer) and was.weight > 0
    ]


def forgetting(
    state: State, drained: Collection[Key], seen: Iterable[ServerState]
) -> Iterator[str]:
    """The commands that untie clients from servers that take nothing new, as IPVS does."""
    persistent = set(tables(state.values()))
    numbers = {(one.backend, one.server): one.number for one in seen}
    for key in drained:
        server = state.get(key)
        if isinstance(server, ProxiedServer):
            backend = tproxy(_name(state, server))
            number = numbers.get((backend, server_name(server.endpoint)))
            if backend in persistent and number is not None:
                yield f"clear table {backend} data.server_id eq {number}"


def tables(found: Iterable[Resource]) -> Iterator[str]:
    """The backends that remember their clients."""
    for one in found:
        if isinstance(one, ProxiedService) and any(
            line.lstrip().startswith("stick-table ") for line in one.lines
        ):
            yield tproxy(service_name(one.lines))


def places(state: State) -> dict[Endpoint, str]:
    """Where HAProxy listens, and for which service."""
    found = {}
    for service in state.values():
        if isinstance(service, ProxiedService):
            name = service_name(service.lines)
            for line in service.lines:
                if bind := _BIND.match(line):
                    address = parse_address(bind[1])
                    last = int(bind[3] or bind[2])
                    for port in range(int(bind[2]), last + 1):
                        found[Endpoint(address, port)] = name
    return found


def side_places(service: ProxiedService) -> list[Endpoint]:
    """Where it listens beside its own ports: in the midst of a switch of modes alone."""
    listen = service.listen
    if isinstance(listen, MarkListener):
        return []
    return [
        place
        for place in places({service.key: service})
        if not any(ports.first <= place.port <= ports.last for ports in listen.ports)
    ]


def to_wait_for(state: State) -> dict[str, float]:
    """Services that must have a server that is up before traffic is sent here, and their seconds.

    Only a switch of modes sends traffic here that is served elsewhere. Without one, a HAProxy whose
    servers are all down is better than none: they may come up.
    """
    loads = {
        server.owner
        for server in state.values()
        if isinstance(server, ProxiedServer) and server.weight > 0
    }
    return {
        service_name(service.lines): _patience(service)
        for key, service in state.items()
        if isinstance(service, ProxiedService) and key in loads and side_places(service)
    }


def not_up(rows: Iterable[Row], names: Iterable[str]) -> set[str]:
    """Those of the services of which no server has passed a check yet."""
    wanted = {tproxy(name): name for name in names}
    up = {wanted.get(row.get("pxname", "")) for row in rows if _passes(row)}
    return {name for name in wanted.values() if name not in up}


def observed_weights(
    servers: Iterable[ServerState],
) -> dict[tuple[str, str], int]:
    """Weights by backend and server, as they are in force."""
    return {(one.backend, one.server): 0 if one.forced else one.weight for one in servers}


def with_weights(
    state: Iterable[HaproxyResource], seen: Mapping[tuple[str, str], int]
) -> list[HaproxyResource]:
    """What the file says, with the weights that are in force."""
    resources = list(state)
    known = {resource.key: resource for resource in resources}
    return [
        resource.with_weight(_weight(resource, _name(known, resource), seen))
        if isinstance(resource, ProxiedServer)
        else resource
        for resource in resources
    ]


def _weight(server: ProxiedServer, name: str, seen: Mapping[tuple[str, str], int]) -> int:
    """That of both backends; where they differ, the one that is not what the file says."""
    place = server_name(server.endpoint)
    both = [seen.get((backend, place), server.weight) for backend in (tproxy(name), local(name))]
    return next((weight for weight in both if weight != server.weight), server.weight)


def _name(state: State, server: ProxiedServer) -> str:
    service = state.get(server.owner)
    return service_name(service.lines) if isinstance(service, ProxiedService) else ""


def _patience(service: ProxiedService) -> float:
    check = (service.service and haproxy_check(service.service)) or HealthCheck()
    return check.interval * check.rise + check.timeout + _MARGIN


def _passes(row: Row) -> bool:
    checked = row.get("check_status", "").removeprefix("* ")
    status = row.get("status", "")
    return status == "no check" or (status.startswith("UP") and checked not in {"", "INI"})
