"""Sysctls and addresses as values, and which of them a configuration asks for. No I/O here.

The value of a sysctl is text, chosen so that ``==`` is the drift test and so that writing a value
that was observed earlier puts everything back exactly:

``1``
    what the file says.
``0 net.ipv4.conf.eth1.forwarding=1``
    what the file says, then what the kernel would overwrite while that is written again. Off to on
    and back, ``net.ipv4.ip_forward`` leaves each interface's own ``forwarding`` at 0 and
    ``all.accept_redirects`` at 1, whatever they were: a hardened host would end up less so.
``all=1 eth0=1``
    for a name with ``*``: each place that is not as it should be, and only those. If there are
    none, the value is the one wished for, since that is then the truth everywhere that counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final

from lvsnat.host.routes import routes_for
from lvsnat.host.rules import WANTED
from lvsnat.host.table import table_for
from lvsnat.model.config import Config
from lvsnat.model.endpoint import IPAddress, MarkListener
from lvsnat.model.resource import Key, Resource, Setting, Stage, Standalone

SYSCTL: Final = "sysctl"
ADDRESS: Final = "address"


@dataclass(frozen=True)
class Sysctl(Setting, Standalone):
    """A kernel setting, by its name in sysctl(8); ``*`` is every interface."""

    stage: ClassVar[Stage] = Stage.HOST
    shared: ClassVar[bool] = True

    name: str
    known: bool = field(default=True, compare=False, repr=False)
    """False if this kernel lacks it: there is nothing to change, so it is never drift."""

    @property
    def key(self) -> Key:
        return Key(SYSCTL, self.name)

    def settings(self) -> Mapping[str, str]:
        return {"value": self.value if self.known else "not in this kernel"}


@dataclass(frozen=True, slots=True)
class Vip(Standalone):
    """A virtual IP on this host. It is there if any interface has it, so ``==`` asks no more."""

    stage: ClassVar[Stage] = Stage.HOST
    shared: ClassVar[bool] = True

    address: IPAddress
    interface: str | None = field(default=None, compare=False)
    """Where it is, or where to add it; None picks the interface whose network holds it."""

    @property
    def key(self) -> Key:
        return Key(ADDRESS, str(self.address))

    def settings(self) -> Mapping[str, str]:
        return {"interface": self.interface or "automatic"}


def expand(config: Config) -> Iterable[Resource]:
    """What the configuration asks of the host: nothing, while it has no services."""
    if config.host.manage_sysctl:
        for rule in WANTED:
            if rule.when.holds(config):
                yield Sysctl(rule.name, value=rule.value)
    if config.host.manage_vip:
        # A dict keeps the order of the configuration, so the same input gives the same plan.
        addresses = dict.fromkeys(
            service.listen.address
            for service in config.services
            if not isinstance(service.listen, MarkListener)
        )
        for address in addresses:
            yield Vip(address, config.host.vip_interface)
    yield from routes_for(config)
    if (table := table_for(config)) is not None:
        yield table
