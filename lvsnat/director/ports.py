"""What a director asks of the place that carries the traffic, and of those who know this host."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from lvsnat.director.status import Stats
from lvsnat.director.traffic import TrafficSource
from lvsnat.model.caution import Caution
from lvsnat.model.config import Config, Timeouts
from lvsnat.model.resource import Resource
from lvsnat.plan.backend import Backend


class TrafficBackend(Backend, TrafficSource, Protocol):
    """The backend that carries connections, and counts them."""

    def read(self) -> tuple[Iterable[Resource], Stats]:
        """What exists and what it has carried, from one reading."""
        ...

    def timeouts(self) -> Timeouts:
        """How long idle connections are kept now."""
        ...


class Adviser(Protocol):
    """One who knows what on this host would stop the traffic."""

    def warnings(self, config: Config) -> Iterable[Caution]: ...
