"""HAProxy's backend, loaded when something of it is asked for: lvs-nat does without its code."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from lvsnat.director.paths import Paths
from lvsnat.director.status import Stats
from lvsnat.haproxy.resources import INSTANCE_KIND, SERVER_KIND, SERVICE_KIND
from lvsnat.model.config import Config
from lvsnat.model.connection import Connection
from lvsnat.model.endpoint import Endpoint
from lvsnat.model.proxied import proxied_services
from lvsnat.model.resource import Key, Resource
from lvsnat.plan.change import Change, Report

if TYPE_CHECKING:
    from lvsnat.haproxy.backend import HaproxyBackend


class LazyHaproxy:
    """What ``HaproxyBackend`` does, for the files of a director."""

    kinds: ClassVar[frozenset[str]] = frozenset({INSTANCE_KIND, SERVICE_KIND, SERVER_KIND})

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    @cached_property
    def _backend(self) -> HaproxyBackend:
        from lvsnat.haproxy.backend import HaproxyBackend
        from lvsnat.haproxy.process import Files

        return HaproxyBackend(Files(self._paths.haproxy_config, self._paths.haproxy_run))

    def expand(self, config: Config) -> Iterable[Resource]:
        return self._backend.expand(config) if proxied_services(config) else ()

    def observe(self, keys: Collection[Key]) -> Iterable[Resource]:
        return self._backend.observe(keys)

    def read(self) -> tuple[Iterable[Resource], Stats]:
        return self._backend.read()

    def sessions(self) -> Iterator[Connection]:
        return self._backend.sessions()

    def waiting(self) -> Mapping[Endpoint, int]:
        return self._backend.waiting()

    def zero(self) -> None:
        self._backend.zero()

    def held(self, places: Collection[Endpoint]) -> int:
        return self._backend.held(places)

    def ending(self) -> int:
        return self._backend.ending()

    def end_now(self) -> None:
        self._backend.end_now()

    def prepare(self, changes: Sequence[Change]) -> None:
        self._backend.prepare(changes)

    def apply(self, changes: Sequence[Change], done: Report) -> None:
        self._backend.apply(changes, done)
