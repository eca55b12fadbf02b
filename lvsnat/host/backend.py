"""The host as a backend: kernel settings, addresses, routing, the nft table. Decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import ClassVar

from lvsnat.errors import LvsnatError
from lvsnat.host import advice, nft, preflight, resources
from lvsnat.host.netlink import Addresses
from lvsnat.host.placement import AssignedAddress
from lvsnat.host.resources import ADDRESS, SYSCTL, Sysctl, Vip
from lvsnat.host.routes import ROUTE, RULE, LocalRoute, PolicyRule
from lvsnat.host.routing import Routing
from lvsnat.host.sysctl import PROC_SYS, SysctlTree
from lvsnat.host.table import NFT, NftTable
from lvsnat.model.caution import Caution
from lvsnat.model.config import Config
from lvsnat.model.resource import Key, Resource
from lvsnat.plan.apply import StepError
from lvsnat.plan.change import Change, Create, Delete, Report, Update, subject
from lvsnat.system import uninterrupted


class HostBackend:
    """What lvsnat changes in the network namespace that this thread is in, beside IPVS."""

    kinds: ClassVar[frozenset[str]] = frozenset({SYSCTL, ADDRESS, RULE, ROUTE, NFT})

    def __init__(self, proc_sys: Path = PROC_SYS) -> None:
        self._sysctls = SysctlTree(proc_sys)

    def expand(self, config: Config) -> Iterable[Resource]:
        """The resources that a configuration asks for. Reads nothing."""
        return resources.expand(config)

    def observe(self, keys: Collection[Key]) -> Iterator[Resource]:
        """Those of ``keys`` that exist. Loads the module ip_vs if a key is a setting of it."""
        for key in keys:
            if key.kind == SYSCTL and (seen := self._sysctls.observe(key.name)) is not None:
                yield seen
        names = [key.name for key in keys if key.kind == ADDRESS]
        if names:
            yield from _observe_addresses(names)
        if any(key.kind in (RULE, ROUTE) for key in keys):
            with Routing() as routing:
                yield from routing.observe(keys)
        # A configuration that needs no table needs no nft either.
        if any(key.kind == NFT for key in keys) and (table := nft.observe()) is not None:
            yield table

    def warnings(self, config: Config) -> Iterator[Caution]:
        """What of others' making on this host would stop the traffic of a configuration."""
        yield from advice.cautions(config, self._sysctls)

    def prepare(self, changes: Sequence[Change]) -> None:
        """Refuse what can be seen to fail, or to cut connections, in haproxy-tproxy."""
        preflight.check(changes, self._sysctls)

    def apply(self, changes: Sequence[Change], done: Report) -> None:
        """Carry out the changes in order, calling ``done`` after each."""
        with Addresses() as addresses, Routing() as routing:
            for change in changes:
                # A Ctrl-C between the doing and our knowing could not be undone.
                with uninterrupted():
                    try:
                        self._carry_out(change, addresses, routing)
                    except LvsnatError as error:
                        raise StepError(change, error.message, error.hint) from error
                    done(change)

    def _carry_out(self, change: Change, addresses: Addresses, routing: Routing) -> None:
        resource = subject(change)
        match change, resource:
            case Create(), Vip():
                addresses.add(resource)
            case Delete(), Vip():
                addresses.remove(resource)
            case Create(), PolicyRule() | LocalRoute():
                routing.add(resource)
            case Delete(), PolicyRule() | LocalRoute():
                routing.remove(resource)
            case Create(), NftTable():
                nft.create(resource)
            case Update(), NftTable():
                nft.replace(resource)
            case Delete(), NftTable():
                nft.delete()
            case Delete(), Sysctl():
                pass  # A setting that the kernel had not before goes with what brought it.
            case _, Sysctl():
                self._sysctls.assign(resource.name, resource.value)
            case _:
                raise AssertionError(change)  # The planner makes no such change.


def _observe_addresses(names: Iterable[str]) -> Iterator[Vip]:
    with Addresses() as addresses:
        # One that lvsnat may have added is the one to show if several interfaces have it.
        seen: dict[object, AssignedAddress] = {}
        for one in addresses.assigned():
            if one.address not in seen or (one.is_host and not seen[one.address].is_host):
                seen[one.address] = one
    for name in names:
        address = ip_address(name)
        if address in seen:
            yield Vip(address, seen[address].interface)
