"""One VPC as it was seen, and what can be asked of it. Pure: no call is made here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from lvsnat.aws.network import (
    ElasticIp,
    Interface,
    Machine,
    NetworkAcl,
    PrefixList,
    Route,
    RouteTable,
    SecurityGroup,
    Subnet,
)
from lvsnat.model.config import IPNetwork
from lvsnat.model.endpoint import IPAddress


@dataclass(frozen=True)
class TableUse:
    """Which table a subnet uses, and why."""

    table: RouteTable
    implicit: bool
    """The subnet has no association of its own: it shares the VPC's main table."""


@dataclass(frozen=True)
class Way:
    """How a subnet's packets to a network leave."""

    network: IPNetwork
    """All of the network that was asked for, or the part that this route takes."""
    route: Route


@dataclass(frozen=True)
class Details:
    """What only a thorough look sees. A takeover has no time for it."""

    acls: tuple[NetworkAcl, ...] = ()
    machines: tuple[Machine, ...] = ()
    """The directors."""
    endpoints: tuple[str, ...] = ()
    """The services that the VPC has an endpoint of: ``com.amazonaws.eu-west-1.ec2``."""
    unread: tuple[str, ...] = ()
    """The calls that were denied: what they would have told is missing here."""

    def acl_of(self, subnet: str) -> NetworkAcl | None:
        return next((one for one in self.acls if subnet in one.subnets), None)

    def machine(self, instance: str | None) -> Machine | None:
        return next((one for one in self.machines if one.instance == instance), None)


@dataclass(frozen=True)
class Picture:
    """A VPC with all that matters to a way back."""

    region: str
    partition: str
    account: str
    """The owner of the director's interface."""
    vpc: str
    networks: tuple[IPNetwork, ...] = ()
    internet_gateway: str | None = None
    interfaces: tuple[Interface, ...] = ()
    subnets: tuple[Subnet, ...] = ()
    tables: tuple[RouteTable, ...] = ()
    addresses: tuple[ElasticIp, ...] = ()
    groups: tuple[SecurityGroup, ...] = ()
    name: str = ""
    prefix_lists: tuple[PrefixList, ...] = field(default=())
    details: Details | None = None
    """None: not looked at."""

    def interface(self, eni: str) -> Interface | None:
        return self._interfaces.get(eni)

    def subnet(self, subnet: str) -> Subnet | None:
        return self._subnets.get(subnet)

    def table(self, table: str) -> RouteTable | None:
        return self._tables.get(table)

    def group(self, group: str) -> SecurityGroup | None:
        return next((one for one in self.groups if one.id == group), None)

    def elastic_ip(self, allocation: str) -> ElasticIp | None:
        return next((one for one in self.addresses if one.allocation == allocation), None)

    def subnet_of(self, address: IPAddress) -> Subnet | None:
        """The subnet in whose network an address is."""
        return next((subnet for subnet in self.subnets if subnet.holds(address)), None)

    def holder(self, address: IPAddress) -> Interface | None:
        """The interface that has an address, as its primary or another one."""
        return self._holders.get(address)

    def mapped_to(self, address: IPAddress) -> ElasticIp | None:
        """The Elastic IP that stands for a private address of this VPC."""
        holder = self.holder(address)
        if holder is None:
            return None
        return next(
            (
                one
                for one in self.addresses
                if one.interface == holder.id and one.private == address
            ),
            None,
        )

    def table_of(self, subnet: str) -> TableUse | None:
        """The table a subnet uses: its own, or else the main one.

        DescribeRouteTables does not name a subnet that uses the main table implicitly.
        """
        explicit = self._explicit.get(subnet)
        if explicit is not None:
            return TableUse(explicit, implicit=False)
        main = next((table for table in self.tables if table.main), None)
        return None if main is None else TableUse(main, implicit=True)

    def sharers(self, table: str) -> tuple[Subnet, ...]:
        """Every subnet whose packets a table steers, explicitly or as the main one."""
        return self._sharers.get(table, ())

    def ways(self, table: str, network: IPNetwork) -> tuple[Way, ...]:
        """How packets from a table's subnets to a network leave: see ``ways_of``."""
        found = self.table(table)
        return () if found is None else tuple(ways_of(found.routes, network))

    def attached(self, eni: str) -> bool:
        """Whether an interface is there and on an instance: else a route to it is a blackhole."""
        found = self.interface(eni)
        return found is not None and found.attached

    @cached_property
    def _interfaces(self) -> Mapping[str, Interface]:
        return {one.id: one for one in self.interfaces}

    @cached_property
    def _subnets(self) -> Mapping[str, Subnet]:
        return {one.id: one for one in self.subnets}

    @cached_property
    def _tables(self) -> Mapping[str, RouteTable]:
        return {one.id: one for one in self.tables}

    @cached_property
    def _holders(self) -> Mapping[IPAddress, Interface]:
        return {address: one for one in self.interfaces for address in _all_addresses(one)}

    @cached_property
    def _explicit(self) -> Mapping[str, RouteTable]:
        return {subnet: table for table in self.tables for subnet in table.subnets}

    @cached_property
    def _sharers(self) -> Mapping[str, tuple[Subnet, ...]]:
        found: dict[str, tuple[Subnet, ...]] = {}
        for subnet in self.subnets:
            use = self.table_of(subnet.id)
            if use is not None:
                found[use.table.id] = (*found.get(use.table.id, ()), subnet)
        return found


def _all_addresses(interface: Interface) -> Iterator[IPAddress]:
    yield from (one.address for one in interface.addresses)
    yield from interface.ipv6


def best_route(routes: Iterable[Route], network: IPNetwork) -> Route | None:
    """The route that takes a whole network, unless more specific ones take parts of it.

    The longest prefix wins; of several for one prefix, a static one, and of those the one that
    names the network itself before one that names a prefix list.
    https://docs.aws.amazon.com/vpc/latest/userguide/route-tables-priority.html
    """
    candidates = [
        (covering.prefixlen, route.static, route.destination == covering, -place, route)
        for place, route in enumerate(routes)
        for covering in route.networks
        if _within(network, covering)
    ]
    return max(candidates, key=lambda one: one[:4])[4] if candidates else None


def ways_of(routes: Iterable[Route], network: IPNetwork) -> Iterator[Way]:
    """Yield how packets to a network leave: the route for most of it, then those for parts of it.

    Where nothing covers the whole network, only the parts are told. A part with no route of its
    own but inside another part goes with that one; each part is the longest match for itself.
    """
    routes = tuple(routes)
    best = best_route(routes, network)
    if best is not None:
        yield Way(network, best)
    parts = {
        part
        for route in routes
        for part in route.networks
        if part != network and _within(part, network)
    }
    for part in sorted(parts, key=lambda one: (one.prefixlen, one.network_address)):
        taken = best_route(routes, part)
        if taken is not None:
            yield Way(part, taken)


def _within(inner: IPNetwork, outer: IPNetwork) -> bool:
    if inner.version != outer.version:
        return False
    return inner.prefixlen >= outer.prefixlen and inner.network_address in outer
