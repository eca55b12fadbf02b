"""How long IPVS keeps idle connections, as settings that are put back one day."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from lvsnat.errors import LvsnatError
from lvsnat.ipvs.kernel import Kernel
from lvsnat.model.config import Config, Timeouts
from lvsnat.model.resource import Key, Resource, Setting, Stage, Standalone
from lvsnat.plan.apply import StepError
from lvsnat.plan.change import Change, Delete, Report, subject
from lvsnat.system import uninterrupted

TIMEOUT: Final = "timeout"


@dataclass(frozen=True)
class Timeout(Setting, Standalone):
    """One of the timeouts of this network namespace, in seconds."""

    stage: ClassVar[Stage] = Stage.HOST
    shared: ClassVar[bool] = True

    name: str
    """As in the configuration: tcp, tcp_fin, udp."""

    @property
    def key(self) -> Key:
        return Key(TIMEOUT, self.name)

    def settings(self) -> Mapping[str, str]:
        return {"seconds": self.value}


def expand(config: Config) -> Iterator[Timeout]:
    """The timeouts that a configuration asks for: none, while it has no services."""
    for name, seconds in config.ipvs.timeouts.given().items() if config.services else ():
        yield Timeout(name, value=str(seconds))


class TimeoutsBackend:
    """The timeouts of IPVS, over the session that ``kernel`` gives."""

    kinds: ClassVar[frozenset[str]] = frozenset({TIMEOUT})

    def __init__(self, kernel: Callable[[], Kernel]) -> None:
        self._kernel = kernel

    def expand(self, config: Config) -> Iterable[Resource]:
        return expand(config)

    def observe(self, keys: Collection[Key]) -> Iterator[Timeout]:
        """Those of ``keys``; IPVS is not asked where there are none."""
        asked = [key.name for key in keys if key.kind == TIMEOUT]
        if asked:
            seconds = self._kernel().timeouts().given()
            for name in asked:
                yield Timeout(name, value=str(seconds[name]))

    def prepare(self, changes: Sequence[Change]) -> None:
        """The kernel alone knows what it refuses; it says so in time for a rollback."""

    def apply(self, changes: Sequence[Change], done: Report) -> None:
        """Carry out the changes in order, calling ``done`` after each."""
        for change in changes:
            resource = subject(change)
            if not isinstance(resource, Timeout):
                raise TypeError(f"{resource.describe()} is no timeout")
            # A Ctrl-C between the doing and our knowing could not be undone.
            with uninterrupted():
                # One that the kernel had not before goes with what brought it.
                if not isinstance(change, Delete):
                    try:
                        self._kernel().set_timeouts(_only(resource))
                    except LvsnatError as error:
                        raise StepError(change, error.message, error.hint) from error
                done(change)


def _only(timeout: Timeout) -> Timeouts:
    """This one set, and the others left as they are."""
    return Timeouts(**{timeout.name: int(timeout.value)})
