"""Which servers are down, told by a process to the one that takes its place. Pure.

A new process takes every server as up until its first check, so without this each reload sends
clients to dead servers for a moment. HAProxy's own means, ``server-state-file``, carries more: a
weight set at run time goes before the file's while that is the same in both, and so do forced
states; and a server that is checked no more stays down for good. So no more than this is carried:
servers that a check holds down, as long as the same check is asked of them.

Form: HAProxy's Management Guide, section 9.3, "show servers state".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from lvsnat.haproxy import answers
from lvsnat.haproxy.resources import ProxiedServer, ProxiedService
from lvsnat.haproxy.serverlines import service_name
from lvsnat.haproxy.words import server_name, tproxy
from lvsnat.model.endpoint import Listener
from lvsnat.model.health import HealthCheck
from lvsnat.model.proxied import haproxy_check
from lvsnat.model.resource import Key, Resource
from lvsnat.model.service import ProxyOptions

State = Mapping[Key, Resource]
Place = tuple[str, str]
"""The backend that checks, and a server in it; the other backend's server follows."""

NOTHING: Final = "1\n"
"""Nothing is known of any server. Of a file that is missing or empty HAProxy complains."""

_STOPPED: Final = "0"
"""SRV_ST_STOPPED of HAProxy's server-t.h."""
_NOT_FORCED: Final = "0"


def held_down(said: str, places: Collection[Place]) -> str:
    """A file for the next process, of what ``show servers state`` says of some of the servers.

    Raises LvsnatError if that cannot be read.
    """
    lines = [
        # A weight that is the configured one changes no weight.
        " ".join({**row, "srv_uweight": row["srv_iweight"]}.values())
        for row in answers.server_rows(said)
        if (row["be_name"], row["srv_name"]) in places
        and (row["srv_op_state"], row["srv_admin_state"]) == (_STOPPED, _NOT_FORCED)
    ]
    return NOTHING + "".join(f"{line}\n" for line in lines)


def alike(before: State, wanted: State) -> set[Place]:
    """The servers that are checked, and in the same way as before."""
    was, now = _checks(before), _checks(wanted)
    return {place for place, asked in now.items() if was.get(place) == asked}


_Asked = tuple[Listener, HealthCheck, ProxyOptions]
"""All that a check is made of; lines that a person adds are of the options."""


def _checks(state: State) -> dict[Place, _Asked]:
    found = {}
    for server in state.values():
        owner = state.get(server.owner)
        if isinstance(server, ProxiedServer) and isinstance(owner, ProxiedService):
            service = owner.service
            check = None if service is None else haproxy_check(service)
            if service is not None and check is not None:
                place = tproxy(service_name(owner.lines)), server_name(server.endpoint)
                found[place] = (service.listen, check, service.proxy)
    return found
