"""Where a packet meets what each code stands for. A table; no I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lvsnat.doctor.names import Code, Group
from lvsnat.doctor.trace.step import Place

_CODES: Final[Mapping[Place, tuple[Code, ...]]] = {
    Place.ARRIVAL: (
        Code.VIP_IS_EIP, Code.ENI_UNATTACHED, Code.VIP_NOT_ON_ENI, Code.VIP_ELSEWHERE, Code.IGW,
        Code.EIP_BORDER, Code.EIP_UNCLEAR, Code.EIP_MOVES, Code.EIP_MAP, Code.SG_LB_IN, Code.NACL,
        Code.EC2_ALLOWANCE, Code.NO_IPV6, Code.VIP_NETMASK, Code.VIP_NO_ARP, Code.VIP_DUPLICATE,
    ),
    Place.PREROUTING: (
        Code.CONNTRACK_FULL, Code.REDIRECTED, Code.MARK_UNSET, Code.MARK_LOST, Code.FRAGMENTS_LOST,
    ),
    Place.ROUTING: (Code.VIP_MISSING, Code.RP_FILTER),
    Place.INPUT: (Code.INPUT_DROPS, Code.ICMP_DROPS),
    Place.SERVICE: (
        Code.IPVS_MISSING, Code.SCHEDULER_MISSING, Code.PORT_TAKEN, Code.SLOPPY_TCP,
        Code.HAPROXY_MISSING, Code.HAPROXY_UNFIT, Code.HAPROXY_DOWN, Code.HAPROXY_SILENT,
        Code.HAPROXY_STALE, Code.IPVS_FIRST, Code.HAPROXY_DEAF, Code.HAPROXY_FULL, Code.RIVAL,
        Code.MADE_BY_OTHERS, Code.NOT_APPLIED,
    ),
    Place.SERVERS: (
        Code.TABLE_FULL, Code.EXPIRE_NODEST, Code.CONN_REUSE, Code.SERVICE_EMPTY,
        Code.NO_SERVER_ALIVE, Code.ALL_WEIGHTS_0, Code.THRESHOLD, Code.HASH_DRAINED,
        Code.ONE_SERVER, Code.PERSISTENCE_DRAIN, Code.UDP_STUCK,
    ),
    Place.TO_SERVER: (
        Code.SG_LB_OUT, Code.SG_RS_CLIENT, Code.OUTPUT_DROPS, Code.NEIGHBOURS_FULL,
        Code.MASQUERADED, Code.RULE_NEEDS_CONNTRACK, Code.HAPROXY_RIGHTS, Code.PORTS_EXHAUSTED,
        Code.PORT_RANGE, Code.SERVER_NO_ROUTE,
    ),
    Place.SERVER: (Code.SERVER_UNREACHABLE, Code.SERVER_DOWN, Code.PORT_CLOSED),
    Place.VPC: (
        Code.SAME_TABLE_LOOP, Code.ROUTE_MISSING, Code.ROUTE_OTHER, Code.ROUTE_BLACKHOLE,
        Code.ROUTE_STALE_OWNER, Code.ROUTE_SERVER, Code.TARGET_UNKNOWN, Code.PROPAGATED_ROUTE,
        Code.CLIENT_BYPASS, Code.CLIENT_LOCAL, Code.SRC_DST_CHECK,
    ),
    Place.WAY_BACK: (
        Code.SEND_REDIRECTS, Code.CLIENT_SAME_SUBNET, Code.RS_GATEWAY, Code.RS_BYPASS,
    ),
    Place.REPLY: (
        Code.IP_FORWARD, Code.DIVERT_MISSING, Code.REPLY_MARK_LOST, Code.MARK_RULE_MISSING,
        Code.MARK_RULE_SHADOWED, Code.MARK_ROUTE_MISSING, Code.SRC_VALID_MARK, Code.REPLY_LOST,
    ),
    Place.FORWARD: (Code.FLOWTABLE, Code.FORWARD_DROPS, Code.INPUT_REPLIES),
    Place.TO_CLIENT: (Code.SNAT_REROUTE, Code.ACCEPT_RA, Code.TOO_BIG),
}  # fmt: skip
PLACES: Final[Mapping[Code, Place]] = {
    code: place for place, codes in _CODES.items() for code in codes
}
"""The step that a finding is filed under."""
NOWHERE: Final = frozenset(
    {
        *(code for code in Code if code.group is Group.SELF),
        Code.ENI_MANAGED, Code.VIP_MANAGED, Code.SG_SHARED, Code.SG_UNKNOWN, Code.FOREIGN_TABLE,
        Code.SHARED_MAIN_TABLE, Code.SHARED_TABLE, Code.RS_EGRESS_MOVES, Code.NAT_REPLACED,
        Code.TARGET_REPLACED, Code.UNDO_TAGS_FULL, Code.LB_EGRESS, Code.EGRESS_UNMAPPED,
        Code.CT_TIMEOUT, Code.IMDS_EXPOSED, Code.SG_VRRP, Code.ENI_AZ, Code.API_REACH, Code.QUOTA,
        Code.PERM, Code.CONNTRACK_TIMEOUT, Code.IDLE_TIMEOUT, Code.NO_ESTIMATION,
    }
)  # fmt: skip
"""What no packet of a client meets by itself."""
READ_HERE: Final = frozenset(
    {
        Code.REDIRECTED, Code.VIP_MISSING, Code.RP_FILTER, Code.INPUT_DROPS, Code.OUTPUT_DROPS,
        Code.MASQUERADED, Code.ROUTE_MISSING, Code.ROUTE_OTHER, Code.ROUTE_BLACKHOLE,
        Code.ROUTE_SERVER, Code.SAME_TABLE_LOOP, Code.CLIENT_BYPASS, Code.CLIENT_LOCAL,
        Code.IP_FORWARD, Code.MARK_RULE_MISSING, Code.MARK_RULE_SHADOWED, Code.MARK_ROUTE_MISSING,
        Code.SRC_VALID_MARK, Code.REPLY_LOST, Code.FORWARD_DROPS, Code.INPUT_REPLIES,
    }
)  # fmt: skip
"""What a step finds out for its own client, and the doctor for any."""
