"""The routing of this server, read and changed by rtnetlink. Decides nothing.

pyroute2 is imported when the first question is asked.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Collection
from contextlib import ExitStack
from functools import cached_property
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, Self

from lvsnat.errors import LvsnatError
from lvsnat.gateway.resources import Destination, ReplyRule
from lvsnat.gateway.seen import (
    LOCAL,
    UNICAST,
    Answer,
    Neighbour,
    NeighbourState,
    Reply,
    SeenRoute,
    SeenRule,
)
from lvsnat.gateway.ways import Way
from lvsnat.host.netlink_errors import errors
from lvsnat.model.endpoint import Family, IPAddress

if TYPE_CHECKING:
    from pyroute2 import IPRoute

_NEWROUTE, _DELROUTE, _GETROUTE = 24, 25, 26
_NEWRULE, _DELRULE = 32, 33
"""linux/rtnetlink.h, RTM_*."""
_ACKNOWLEDGED: Final = 0x1 | 0x4
_REPLACE, _EXCLUSIVE, _CREATE = 0x100, 0x200, 0x400
"""linux/netlink.h, NLM_F_*."""
_LOOKUP_TABLE, _FIB_MATCH = 0x1000, 0x2000
"""linux/rtnetlink.h, RTM_F_*: name the table that answered; give the route and not the answer."""

_NAMES_TABLE: Final = {Family.IPV4: _LOOKUP_TABLE, Family.IPV6: 0}
"""IPv6 names the table unasked, and refuses to be asked."""


class Kernel:
    """The routing of the network namespace that this thread is in. Used with ``with``."""

    def __init__(self) -> None:
        self._resources = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()

    def rules(self, family: Family) -> tuple[SeenRule, ...]:
        """Every routing rule of a family, in the order in which they are asked."""
        from lvsnat.gateway.messages import seen_rule

        with errors("cannot list the routing rules"):
            answers = tuple(self._socket.get_rules(family=int(family)))
        return tuple(seen_rule(family, answer) for answer in answers)

    def routes(self, family: Family, table: int) -> tuple[SeenRoute, ...]:
        """Every route of a table."""
        from lvsnat.gateway.messages import seen_route

        answers: tuple[Any, ...] = ()
        # A table exists while it has routes.
        with errors("cannot list the routes", done=[errno.ENOENT]):
            answers = tuple(self._socket.get_routes(family=int(family), table=table))
        names = dict(socket.if_nameindex())
        return tuple(seen_route(family, answer, names) for answer in answers)

    def ask(self, reply: Reply) -> Answer:
        """Where the kernel would send a packet of this server's own."""
        from pyroute2 import NetlinkError

        from lvsnat.gateway.messages import hop_of, table_of

        try:
            answer = self._question(reply, _NAMES_TABLE[Family.of(reply.client)])
            route = self._question(reply, _FIB_MATCH)
        except NetlinkError as error:
            return Answer(None, problem=os.strerror(error.code))
        if answer["type"] != UNICAST:
            local = answer["type"] == LOCAL
            return Answer(None, problem="this host itself" if local else "nowhere")
        names = dict(socket.if_nameindex())
        hop, told = hop_of(answer, names), hop_of(route, names)
        # Where the routes of several hops share the packets, the route tells none of them.
        redirected = bool(told.via) and hop.via != told.via
        return Answer(hop, table_of(answer), route["dst_len"] == 0, redirected)

    def neighbour(self, address: IPAddress, interface: str) -> Neighbour | None:
        """What is known of a neighbour; None while nothing is."""
        family = int(Family.of(address))
        with errors("cannot list the neighbours"):
            found = tuple(self._socket.get_neighbours(family=family))
        index = _indexes().get(interface)
        for one in found:
            told = one.get_attr("NDA_DST")
            if one["ifindex"] != index or told is None or ip_address(told) != address:
                continue
            if one["state"] in set(NeighbourState):
                return Neighbour(NeighbourState(one["state"]), one.get_attr("NDA_LLADDR"))
        return None

    def add_rule(self, rule: ReplyRule) -> None:
        """Make a rule; that it is there is fine."""
        from lvsnat.gateway.messages import rule_message

        flags = _ACKNOWLEDGED | _CREATE | _EXCLUSIVE
        self._send(rule_message(rule), _NEWRULE, flags, done=[errno.EEXIST])

    def remove_rule(self, rule: ReplyRule) -> None:
        """Take a rule away; that it is gone is fine."""
        from lvsnat.gateway.messages import rule_message

        self._send(rule_message(rule), _DELRULE, _ACKNOWLEDGED, done=[errno.ENOENT])

    def add_route(self, where: Destination, way: Way | None) -> None:
        """Make a route. One that is there already is an error."""
        self._route(where, way, _NEWROUTE, _ACKNOWLEDGED | _CREATE | _EXCLUSIVE)

    def replace_route(self, where: Destination, way: Way | None) -> None:
        """Change a route in one step: there is no moment without one."""
        self._route(where, way, _NEWROUTE, _ACKNOWLEDGED | _CREATE | _REPLACE)

    def remove_route(self, where: Destination, way: Way | None) -> None:
        """Take a route away; that it is gone is fine."""
        self._route(where, way, _DELROUTE, _ACKNOWLEDGED, done=[errno.ESRCH, errno.ENOENT])

    def _route(
        self,
        where: Destination,
        way: Way | None,
        kind: int,
        flags: int,
        done: Collection[int] = (),
    ) -> None:
        from lvsnat.gateway.messages import route_message

        interfaces = _indexes()
        if way is not None and way.interface not in interfaces:
            if kind == _DELROUTE:  # It went with its routes.
                return
            raise LvsnatError(f"the interface {way.interface} is gone")
        self._send(route_message(where, way, interfaces), kind, flags, done)

    def _send(self, message: Any, kind: int, flags: int, done: Collection[int] = ()) -> None:  # noqa: ANN401
        with errors("the kernel refuses it", done=done):
            self._exchange(message, kind, flags)

    def _question(self, reply: Reply, flags: int) -> Any:  # noqa: ANN401
        from lvsnat.gateway.messages import question

        (answer,) = self._exchange(question(reply, flags), _GETROUTE, _ACKNOWLEDGED)
        return answer

    def _exchange(self, message: Any, kind: int, flags: int) -> Any:  # noqa: ANN401
        message["header"]["type"], message["header"]["flags"] = kind, flags
        # Of one message, the synchronous class of pyroute2 0.9 knows no such call.
        return self._socket.nlm_request_batch([message])

    @cached_property
    def _socket(self) -> IPRoute:
        from pyroute2 import IPRoute

        # Strict: the kernel sends the table that is asked for, not all of them.
        return self._resources.enter_context(IPRoute(strict_check=True))


def _indexes() -> dict[str, int]:
    return {name: index for index, name in socket.if_nameindex()}
