"""Which services HAProxy serves in haproxy-tproxy, what it checks, where it listens. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lvsnat.model.config import Config
from lvsnat.model.endpoint import MAX_PORT, Endpoint, IPAddress, MarkListener, Protocol
from lvsnat.model.health import CheckType, HealthCheck
from lvsnat.model.service import VirtualService

_UNPRIVILEGED = 1024


def is_proxied(service: VirtualService) -> bool:
    """Whether haproxy-tproxy serves it: TCP on a port; UDP, SCTP and marks are always IPVS's."""
    listen = service.listen
    return not isinstance(listen, MarkListener) and listen.protocol is Protocol.TCP


def proxied_services(config: Config) -> tuple[VirtualService, ...]:
    """Those that HAProxy has in the present phase."""
    return tuple(filter(is_proxied, config.services)) if config.phase.proxy else ()


def ipvs_services(config: Config) -> tuple[VirtualService, ...]:
    """Those that IPVS has in the present phase."""
    if config.phase.ipvs:
        return config.services
    return tuple(service for service in config.services if not is_proxied(service))


def haproxy_check(service: VirtualService) -> HealthCheck | None:
    """The one check that HAProxy makes of a service that it has: a server of it has no second one.

    It has no source address for checks alone; and the weights that an agent asks for are the
    daemon's to write, in both backends, as every other weight is.
    """
    known = {CheckType.TCP, CheckType.HTTP, CheckType.HTTPS}
    found = (check for check in service.checks if check.type in known and check.source is None)
    return next(found, None)


def daemon_checks(service: VirtualService, *, proxied: bool) -> tuple[HealthCheck, ...]:
    """What the daemon asks of a service's servers; ``proxied``: HAProxy has the service now."""
    haproxys = haproxy_check(service) if proxied else None
    return tuple(check for check in service.checks if check != haproxys)


def side_ports(config: Config) -> Mapping[Endpoint, int]:
    """Where new connections to each address and port of a proxied service go in a switch.

    The port plus ``side_port_offset``, or the next one that no service of the address listens on.
    """
    places = [place for service in config.services for place in own_places(service)]
    taken: dict[IPAddress, set[int]] = {}
    for place in places:
        taken.setdefault(place.address, set()).add(place.port)
    return {
        place: _free(place.port + config.haproxy.side_port_offset, taken[place.address])
        for place in places
    }


def places_of(config: Config) -> tuple[Endpoint, ...]:
    """Where HAProxy listens in the present phase, side ports included."""
    own = [place for service in proxied_services(config) for place in own_places(service)]
    sides = side_ports(config) if config.phase.side_ports else {}
    return (*own, *(Endpoint(place.address, sides[place]) for place in own if place in sides))


def own_places(service: VirtualService) -> Iterator[Endpoint]:
    """The addresses and ports of a service that HAProxy may have."""
    if is_proxied(service) and not isinstance(service.listen, MarkListener):
        for ports in service.listen.ports:
            for port in range(ports.first, ports.last + 1):
                yield Endpoint(service.listen.address, port)


def _free(wished: int, taken: set[int]) -> int:
    """The first free port from the wished one on; it is taken now."""
    span = MAX_PORT + 1 - _UNPRIVILEGED
    for step in range(span):
        port = _UNPRIVILEGED + (wished + step - _UNPRIVILEGED) % span
        if port not in taken:
            taken.add(port)
            return port
    raise AssertionError(wished)  # There are more ports than a configuration may list.
