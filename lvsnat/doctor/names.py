"""The names of what can be wrong. They are for programs, too, and never change. No I/O here.

Where `lvsnat aws verify` or `lvsnat gateway show` finds the same thing, it has the same name there.
"""

from __future__ import annotations

from enum import StrEnum


class Group(StrEnum):
    """The parts of a packet's way, in its order."""

    HOST = "host"
    SERVICES = "services"
    SERVERS = "servers"
    SELF = "self"


class Code(StrEnum):
    """One thing that can be wrong; in the order in which a packet meets it."""

    IPVS_MISSING = "IPVS_MISSING"
    VIP_MISSING = "VIP_MISSING"
    VIP_DUPLICATE = "VIP_DUPLICATE"
    RP_FILTER = "RP_FILTER"
    CONNTRACK_FULL = "CONNTRACK_FULL"
    INPUT_DROPS = "INPUT_DROPS"
    TABLE_FULL = "TABLE_FULL"
    MASQUERADED = "MASQUERADED"
    IP_FORWARD = "IP_FORWARD"
    FORWARD_DROPS = "FORWARD_DROPS"
    SEND_REDIRECTS = "SEND_REDIRECTS"
    ACCEPT_RA = "ACCEPT_RA"
    EXPIRE_NODEST = "EXPIRE_NODEST"
    CONN_REUSE = "CONN_REUSE"
    NO_ESTIMATION = "NO_ESTIMATION"
    NOT_APPLIED = "NOT_APPLIED"
    SERVICE_EMPTY = "SERVICE_EMPTY"
    NO_SERVER_ALIVE = "NO_SERVER_ALIVE"
    ALL_WEIGHTS_0 = "ALL_WEIGHTS_0"
    THRESHOLD = "THRESHOLD"
    PERSISTENCE_DRAIN = "PERSISTENCE_DRAIN"
    UDP_STUCK = "UDP_STUCK"
    PORT_TAKEN = "PORT_TAKEN"
    SERVER_NO_ROUTE = "SERVER_NO_ROUTE"
    SERVER_UNREACHABLE = "SERVER_UNREACHABLE"
    SERVER_DOWN = "SERVER_DOWN"
    PORT_CLOSED = "PORT_CLOSED"
    CLIENT_SAME_SUBNET = "CLIENT_SAME_SUBNET"
    RS_GATEWAY = "RS_GATEWAY"
    RS_BYPASS = "RS_BYPASS"
    CONFIG_BROKEN = "CONFIG_BROKEN"
    STATE_BROKEN = "STATE_BROKEN"
    HEALTH_UNREADABLE = "HEALTH_UNREADABLE"
    FILE_MODE = "FILE_MODE"
    IDLE_SETTING = "IDLE_SETTING"
    NOT_AT_BOOT = "NOT_AT_BOOT"

    @property
    def group(self) -> Group:
        return GROUPS[self]


def _grouped() -> dict[Code, Group]:
    """Each group ends where the next one's first code stands."""
    begins = {
        Code.IPVS_MISSING: Group.HOST,
        Code.NOT_APPLIED: Group.SERVICES,
        Code.SERVER_NO_ROUTE: Group.SERVERS,
        Code.CONFIG_BROKEN: Group.SELF,
    }
    group, found = Group.HOST, {}
    for code in Code:
        group = begins.get(code, group)
        found[code] = group
    return found


GROUPS = _grouped()
ORDER = {code: number for number, code in enumerate(Code)}
"""The place of a code on a packet's way."""
