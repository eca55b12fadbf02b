"""The two ways in which TCP reaches the real servers."""

from __future__ import annotations

from enum import StrEnum


class Mode(StrEnum):
    """How TCP reaches the real servers; UDP, SCTP and firewall marks are IPVS's in both."""

    LVS_NAT = "lvs-nat"
    HAPROXY_TPROXY = "haproxy-tproxy"
