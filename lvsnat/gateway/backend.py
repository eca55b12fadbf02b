"""This server as a backend: rules, routes, the default route, settings. Decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import ClassVar

from lvsnat.errors import LvsnatError
from lvsnat.gateway.expand import seen_hop
from lvsnat.gateway.kernel import Kernel
from lvsnat.gateway.resources import (
    DEFAULT,
    ROUTE,
    RULE,
    DefaultRoute,
    Destination,
    ReplyRule,
    Route,
)
from lvsnat.gateway.seen import FLOOR, MAIN, PROTOCOL_NUMBERS, UNICAST, SeenRule
from lvsnat.gateway.ways import Hop, Way
from lvsnat.host.resources import SYSCTL, Sysctl
from lvsnat.host.sysctl import PROC_SYS, SysctlTree
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Family
from lvsnat.model.resource import Key, Resource
from lvsnat.plan.apply import StepError
from lvsnat.plan.change import Change, Create, Delete, Report, Update, subject
from lvsnat.system import uninterrupted


class GatewayBackend:
    """What lvsnat changes on a real server, in the network namespace that this thread is in."""

    kinds: ClassVar[frozenset[str]] = frozenset({RULE, ROUTE, DEFAULT, SYSCTL})

    def __init__(self, proc_sys: Path = PROC_SYS) -> None:
        self._sysctls = SysctlTree(proc_sys)

    def expand(self, config: Config) -> Iterable[Resource]:
        """Nothing: a director's configuration asks nothing of a real server."""
        del config
        return ()

    def observe(self, keys: Collection[Key]) -> Iterator[Resource]:
        """Those of ``keys`` that exist, whoever made them."""
        with Kernel() as kernel:
            for key in keys:
                if (seen := self._observe(kernel, key)) is not None:
                    yield seen

    def prepare(self, changes: Sequence[Change]) -> None:
        """Nothing that could be seen to fail."""

    def apply(self, changes: Sequence[Change], done: Report) -> None:
        """Carry out the changes in order, calling ``done`` after each."""
        with Kernel() as kernel:
            for change in changes:
                # A Ctrl-C between the doing and our knowing could not be undone.
                with uninterrupted():
                    try:
                        self._carry_out(kernel, change)
                    except LvsnatError as error:
                        raise StepError(change, error.message, error.hint) from error
                    done(change)

    def _observe(self, kernel: Kernel, key: Key) -> Resource | None:
        if key.kind == SYSCTL:
            return self._sysctls.observe(key.name)
        if key.kind == RULE:
            return _observe_rule(kernel, key.name)
        if key.kind == ROUTE:
            return _observe_route(kernel, key.name)
        return _observe_default(kernel, Family[key.name.upper()])

    def _carry_out(self, kernel: Kernel, change: Change) -> None:
        resource = subject(change)
        match change, resource:
            case Create(), ReplyRule():
                kernel.add_rule(resource)
            case Delete(), ReplyRule():
                kernel.remove_rule(resource)
            case Create(), Route(where, hop):
                kernel.add_route(where, _way(where, hop))
            case Update(), Route(where, hop):
                kernel.replace_route(where, _way(where, hop))
            case Delete(), Route(where, hop):
                kernel.remove_route(where, _way(where, hop))
            case Create() | Update(), DefaultRoute():
                kernel.replace_route(_floor(resource.family), Way.parse(resource.value))
            case Delete(), DefaultRoute():
                kernel.remove_route(_floor(resource.family), Way.parse(resource.value))
            case Delete(), Sysctl():
                pass  # A setting that the kernel had not before goes with what brought it.
            case _, Sysctl():
                self._sysctls.assign(resource.name, resource.value)
            case _:
                raise AssertionError(change)  # The planner makes no such change.


def _observe_rule(kernel: Kernel, name: str) -> ReplyRule | None:
    rule = ReplyRule.parse(name)
    if rule is None:
        return None
    wanted = SeenRule(
        rule.family,
        rule.priority,
        rule.table,
        None if rule.source.is_unspecified else ip_network(rule.source),
        PROTOCOL_NUMBERS[rule.port.protocol],
        (rule.port.port, rule.port.port),
        ("iif lo",) if rule.source.is_unspecified else (),
    )
    return rule if wanted in kernel.rules(rule.family) else None


def _observe_route(kernel: Kernel, name: str) -> Route | None:
    where = Destination.parse(name)
    if where is None:
        return None
    for one in kernel.routes(where.family, where.table):
        # In a table of our own IPv6 has a metric that nobody gave.
        placed = where.table != MAIN or one.metric == where.metric
        if one.network == where.network and placed:
            return Route(where, seen_hop(one))
    return None


def _observe_default(kernel: Kernel, family: Family) -> DefaultRoute | None:
    for one in kernel.routes(family, MAIN):
        if one.network is None and one.metric == FLOOR[family] and one.kind == UNICAST:
            return DefaultRoute(family, value=str(one.way))
    return None


def _floor(family: Family) -> Destination:
    return Destination(family, None, MAIN, FLOOR[family])


def _way(where: Destination, hop: Hop) -> Way | None:
    """A table of our own holds no network that the next hop would be a neighbour in."""
    return Way(hop.via, hop.interface, onlink=where.table != MAIN) if hop.via else None
