"""Rules and routes of this host, by rtnetlink. Deciding is done elsewhere.

pyroute2 is imported when the first question is asked, so that lvs-nat does without.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self

from lvsnat.errors import LvsnatError
from lvsnat.host.netlink_errors import errors
from lvsnat.host.routes import ROUTE, RULE, LocalRoute, PolicyRule
from lvsnat.host.seen import EVERY_BIT, LOOPBACK, Answer, SeenRoute, SeenRule
from lvsnat.model.endpoint import Family, IPAddress
from lvsnat.model.resource import Key

if TYPE_CHECKING:
    from pyroute2 import IPRoute

FIB_RULE_INVERT = 0x2
"""linux/fib_rules.h."""
_EVERYTHING: Final = {Family.IPV4: "0.0.0.0/0", Family.IPV6: "::/0"}
_PLAIN: Final = frozenset(
    {
        "FRA_TABLE", "FRA_PRIORITY", "FRA_FWMARK", "FRA_FWMASK", "FRA_PROTOCOL", "FRA_GOTO",
        "FRA_SUPPRESS_PREFIXLEN",
    }
)  # fmt: skip
"""What a rule without a selector but the mark has."""


class Routing:
    """The routing of the network namespace that this thread is in. Used with ``with``."""

    def __init__(self) -> None:
        self._resources = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()

    def observe(self, keys: Collection[Key]) -> Iterator[PolicyRule | LocalRoute]:
        """Those of ``keys`` that exist, whoever made them."""
        for key in keys:
            resource = _named(key)
            if resource is not None and self._has(resource):
                yield resource

    def rules(self, family: Family) -> Iterator[SeenRule]:
        """Every routing rule of a family, in the order in which they are asked."""
        with errors("cannot list the routing rules"):
            answers = tuple(self._kernel.get_rules(family=int(family)))
        return (_rule(family, answer) for answer in answers)

    def routes(self, family: Family, table: int) -> Iterator[SeenRoute]:
        """Every route of a table."""
        answers: Iterable[Any] = ()
        # A table exists while it has routes.
        with errors("cannot list the routes", done=[errno.ENOENT]):
            answers = tuple(self._kernel.get_routes(family=int(family), table=table))
        names = dict(socket.if_nameindex())
        return (_route(family, table, answer, names) for answer in answers)

    def add(self, resource: PolicyRule | LocalRoute) -> None:
        """Make a rule or a route; that it is there is fine."""
        with errors(resource.family.label, done=[errno.EEXIST]):
            match resource:
                case PolicyRule():
                    self._kernel.rule("add", **_rule_words(resource))
                case LocalRoute():
                    self._kernel.route("add", **_route_words(resource))
        # The kernel also says so of a rule that asks for more, and of any other default route.
        if not self._has(resource):
            raise _taken(resource)

    def remove(self, resource: PolicyRule | LocalRoute) -> None:
        """Take a rule or a route away; that it is gone is fine."""
        with errors(resource.family.label, done=[errno.ENOENT, errno.ESRCH]):
            match resource:
                case PolicyRule():
                    self._kernel.rule("del", **_rule_words(resource))
                case LocalRoute():
                    self._kernel.route("del", **_route_words(resource))

    def lookup(
        self, to: IPAddress, *, origin: IPAddress | None = None, interface: str = "", mark: int = 0
    ) -> Answer:
        """Where a packet would go: of our own, or one that came in by an interface."""
        from pyroute2 import NetlinkError

        wish: dict[str, Any] = {"dst": str(to)} | ({"mark": mark} if mark else {})
        if origin is not None:
            wish["src"] = str(origin)
        if interface:
            wish["iif"] = socket.if_nametoindex(interface)
        try:
            (answer,) = self._kernel.route("get", family=int(Family.of(to)), **wish)
        except NetlinkError as error:
            return Answer(None, error=error.code)
        names = dict(socket.if_nameindex())
        return Answer(
            answer["type"], names.get(answer.get_attr("RTA_OIF")), answer.get_attr("RTA_GATEWAY")
        )

    def _has(self, resource: PolicyRule | LocalRoute) -> bool:
        match resource:
            case PolicyRule(family=family):
                return any(one.is_ours(resource) for one in self.rules(family))
            case LocalRoute(family, table):
                return any(one.returns_all for one in self.routes(family, table))

    @cached_property
    def _kernel(self) -> IPRoute:
        from pyroute2 import IPRoute

        # Strict: the kernel sends the table that is asked for, not all of them.
        return self._resources.enter_context(IPRoute(strict_check=True))


def _named(key: Key) -> PolicyRule | LocalRoute | None:
    if key.kind == RULE:
        return PolicyRule.parse(key.name)
    return LocalRoute.parse(key.name) if key.kind == ROUTE else None


def _taken(resource: PolicyRule | LocalRoute) -> LvsnatError:
    match resource:
        case PolicyRule(priority=priority):
            return LvsnatError(
                f"another routing rule has the priority {priority} already",
                f"'ip rule show pref {priority}' shows it; give another number as priority under"
                " [haproxy]",
            )
        case LocalRoute(table=table):
            return LvsnatError(
                f"the routing table {table} has another default route already",
                f"'ip route show table {table}' shows it; give another number as table under"
                " [haproxy]",
            )


def _rule_words(rule: PolicyRule) -> dict[str, Any]:
    return {
        "family": int(rule.family),
        "priority": rule.priority,
        "fwmark": rule.mark,
        "fwmask": rule.mark,
        "table": rule.table,
    }


def _route_words(route: LocalRoute) -> dict[str, Any]:
    # An IPv6 route has no scope.
    scope = {"scope": "host"} if route.family is Family.IPV4 else {}
    return {
        "family": int(route.family),
        "dst": _EVERYTHING[route.family],
        "oif": socket.if_nametoindex(LOOPBACK),
        "table": route.table,
        "type": "local",
        **scope,
    }


def _rule(family: Family, answer: Any) -> SeenRule:  # noqa: ANN401 - pyroute2 has no types
    attributes = dict(answer["attrs"])
    mark = attributes.get("FRA_FWMARK", 0)
    return SeenRule(
        family,
        attributes.get("FRA_PRIORITY", 0),
        mark,
        attributes.get("FRA_FWMASK", EVERY_BIT if mark else 0),
        attributes.get("FRA_TABLE", answer["table"]),
        answer["action"],
        inverted=bool(answer["flags"] & FIB_RULE_INVERT),
        narrow=bool(attributes.keys() - _PLAIN or answer["tos"]),
        spares_default=attributes.get("FRA_SUPPRESS_PREFIXLEN", EVERY_BIT) != EVERY_BIT,
    )


def _route(family: Family, table: int, answer: Any, names: Mapping[int, str]) -> SeenRoute:  # noqa: ANN401
    length = answer["dst_len"]
    destination = f"{answer.get_attr('RTA_DST')}/{length}" if length else "default"
    return SeenRoute(
        family,
        table,
        destination,
        answer["type"],
        names.get(answer.get_attr("RTA_OIF") or _first_hop(answer.get_attr("RTA_MULTIPATH"))),
        answer.get_attr("RTA_GATEWAY"),
    )


def _first_hop(multipath: Iterable[Any] | None) -> int:
    return next((hop["oif"] for hop in multipath or ()), 0)
