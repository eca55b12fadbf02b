"""How many connections the old side of a switch still holds: what the next step would cut.

Those of IPVS are read one by one: its counters do not tell the ones that matter from others.
"""

from __future__ import annotations

from typing import Final

from lvsnat.director.carriers import CarriersAtWork
from lvsnat.director.ports import TrafficBackend
from lvsnat.ipvs import connections as lines
from lvsnat.ipvs.servicenames import ServiceNames
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Endpoint
from lvsnat.model.proxied import is_proxied, side_ports
from lvsnat.model.switch import OldSide

HOLDING: Final = frozenset({"ESTABLISHED", "SYN_RECV", "FIN_WAIT", "CLOSE_WAIT"})
"""States in which at least one side may still send.

Not SYN_SENT, which the kernel counts as active: a client of IPVS is never in it. An entry in
TIME_WAIT gets there when HAProxy happens to connect from the same address and port as the client
had, and that says nothing of clients.
"""


def count(side: OldSide, config: Config, carriers: CarriersAtWork) -> int:
    """Connections of the services that the switch is about, open or half open."""
    if side is OldSide.IPVS:
        return 0 if carriers.ipvs is None else _of_ipvs(config, carriers.ipvs)
    if carriers.proxy is None:
        return 0
    if side is OldSide.SIDE_PORTS:
        return carriers.proxy.held(_side_places(config))
    return carriers.proxy.ending()


def _of_ipvs(config: Config, ipvs: TrafficBackend) -> int:
    proxied = {service.name for service in config.services if is_proxied(service)}
    names = ServiceNames(config.services)
    held = 0
    for line in ipvs.connection_lines():
        fields = lines.split(line)
        if fields and fields[lines.STATE] in HOLDING and names.of(fields) in proxied:
            held += 1
    return held


def _side_places(config: Config) -> list[Endpoint]:
    return [Endpoint(place.address, port) for place, port in side_ports(config).items()]
