"""Who carries the connections of a service."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from lvsnat.model.proxied import is_proxied

if TYPE_CHECKING:
    from lvsnat.model.phase import Phase
    from lvsnat.model.service import VirtualService


class Carrier(StrEnum):
    """In a switch of modes a service has both for a while."""

    IPVS = "ipvs"
    HAPROXY = "haproxy"


def carriers(service: VirtualService, phase: Phase) -> tuple[Carrier, ...]:
    """Who serves it in a phase; the first takes new connections."""
    if not is_proxied(service):
        return (Carrier.IPVS,)
    proxy = (Carrier.HAPROXY,) if phase.proxy else ()
    return (*proxy, Carrier.IPVS) if phase.ipvs else proxy
