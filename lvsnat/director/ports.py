"""What a director asks of those who carry the traffic, and of those who know this host."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Protocol

from lvsnat.director.status import Stats
from lvsnat.director.traffic import ProxySource, TrafficSource
from lvsnat.model.caution import Caution
from lvsnat.model.config import Config, Timeouts
from lvsnat.model.endpoint import Endpoint
from lvsnat.model.resource import Resource
from lvsnat.plan.backend import Backend


class TrafficBackend(Backend, TrafficSource, Protocol):
    """The kernel's IPVS: it carries connections, and counts them."""

    def read(self) -> tuple[Iterable[Resource], Stats]:
        """What exists and what it has carried, from one reading."""
        ...

    def timeouts(self) -> Timeouts:
        """How long idle connections are kept now."""
        ...

    def is_loaded(self) -> bool:
        """Whether this kernel has IPVS at work; asking brings nothing into it."""
        ...


class ProxyBackend(Backend, ProxySource, Protocol):
    """HAProxy: it carries connections, counts them, and checks the real servers.

    The director touches it only where the phase or the ledger has something of it.
    """

    def read(self) -> tuple[Iterable[Resource], Stats]:
        """What exists and what it has carried, under the keys of the resources.

        A service has ``ServiceStats``, a server ``ServerStats`` with its ``health``: the sum of its
        lines in all backends of the service. What HAProxy does not count is None, never 0. What
        processes that end softly hold is not in it. Nothing where no process serves.
        """
        ...

    def held(self, places: Collection[Endpoint]) -> int:
        """How many connections clients have to these addresses and ports, half open ones too."""
        ...

    def ending(self) -> int:
        """How many connections the processes have that were told to end when they have none."""
        ...

    def end_now(self) -> None:
        """End these processes at once, with their connections; none there is fine."""
        ...


class Adviser(Protocol):
    """One who knows what on this host would stop the traffic."""

    def warnings(self, config: Config) -> Iterable[Caution]: ...
