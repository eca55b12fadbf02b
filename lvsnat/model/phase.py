"""The steps between the two modes: who has the TCP services, and where new connections go. Pure.

A switch is make before break in both directions, one phase at a time. In each phase the
configuration expands to other resources, and the difference to the phase before is an ordinary
plan. Why these and in this order: docs/explanation/switching-modes.md.
"""

from __future__ import annotations

from enum import StrEnum

from lvsnat.model.mode import Mode


class Phase(StrEnum):
    """Who serves the TCP services now.

    | phase           | IPVS | HAProxy        | new connections go to     |
    |-----------------|------|----------------|---------------------------|
    | LVS_NAT         | yes  | no             | IPVS                      |
    | BOTH            | yes  | with side port | HAProxy, by the side port |
    | PROXY_STEERED   | no   | with side port | HAProxy, by the side port |
    | PROXY_SETTLING  | no   | with side port | HAProxy                   |
    | HAPROXY_TPROXY  | no   | yes            | HAProxy                   |
    | IPVS_SETTLING   | yes  | ends softly    | IPVS                      |
    """

    LVS_NAT = "lvs-nat"
    BOTH = "both"
    """IPVS keeps the connections that it holds, until they end."""
    PROXY_STEERED = "proxy-steered"
    """Without IPVS the VIP's port is HAProxy's; only then may the steering end."""
    PROXY_SETTLING = "proxy-settling"
    """Connections that came by the side port live on until they end."""
    HAPROXY_TPROXY = "haproxy-tproxy"
    IPVS_SETTLING = "ipvs-settling"
    """HAProxy takes nothing new, and its connections live on until they end."""

    @classmethod
    def of(cls, mode: Mode) -> Phase:
        """Where a switch to this mode ends."""
        return cls.LVS_NAT if mode is Mode.LVS_NAT else cls.HAPROXY_TPROXY

    @property
    def ipvs(self) -> bool:
        """Whether IPVS has the TCP services."""
        return self in {Phase.LVS_NAT, Phase.BOTH, Phase.IPVS_SETTLING}

    @property
    def proxy(self) -> bool:
        """Whether HAProxy has them and takes new connections."""
        return self not in {Phase.LVS_NAT, Phase.IPVS_SETTLING}

    @property
    def side_ports(self) -> bool:
        """Whether HAProxy listens on the side ports as well."""
        return self in {Phase.BOTH, Phase.PROXY_STEERED, Phase.PROXY_SETTLING}

    @property
    def steers(self) -> bool:
        """Whether new connections are redirected from the VIP's port to the side port."""
        return self in {Phase.BOTH, Phase.PROXY_STEERED}

    @property
    def settles(self) -> bool:
        """Whether connections that were redirected may live: conntrack must stay."""
        return self not in {Phase.LVS_NAT, Phase.HAPROXY_TPROXY}

    @property
    def diverts(self) -> bool:
        """Whether replies to HAProxy's spoofed connections must be caught."""
        return self is not Phase.LVS_NAT

    def towards(self, mode: Mode) -> Phase:
        """The next phase on the way to a mode; the same one at the end of it."""
        return _NEXT[mode].get(self, self)


_NEXT = {
    Mode.HAPROXY_TPROXY: {
        Phase.LVS_NAT: Phase.BOTH,
        Phase.IPVS_SETTLING: Phase.BOTH,
        Phase.BOTH: Phase.PROXY_STEERED,
        Phase.PROXY_STEERED: Phase.PROXY_SETTLING,
        Phase.PROXY_SETTLING: Phase.HAPROXY_TPROXY,
    },
    Mode.LVS_NAT: {
        Phase.HAPROXY_TPROXY: Phase.PROXY_STEERED,
        Phase.PROXY_SETTLING: Phase.PROXY_STEERED,
        Phase.PROXY_STEERED: Phase.BOTH,
        Phase.BOTH: Phase.IPVS_SETTLING,
        Phase.IPVS_SETTLING: Phase.LVS_NAT,
    },
}
