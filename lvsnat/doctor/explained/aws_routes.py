"""The codes of a VPC: the way back, by route tables. No I/O here."""

from __future__ import annotations

from typing import Final

from lvsnat.doctor.explained.aws import example
from lvsnat.doctor.explained.entry import Entry
from lvsnat.doctor.finding import Severity
from lvsnat.doctor.names import Code

_APPLY: Final = "'lvsnat aws apply' puts it right"
_TABLE: Final = "rtb-0a1b2c3d 0.0.0.0/0"
_HERE: Final = "eni-0a1b2c3d"
_ELSEWHERE: Final = frozenset({Code.VIP_ELSEWHERE, Code.SAME_TABLE_LOOP})

WAY_BACK: Final = (
    Entry(
        "Director and real servers use one route table",
        "A table belongs to a subnet. A route of it that leads to the director takes what the"
        " director sends to the clients, too: it goes in circles until its TTL ends.",
        example(
            Code.SAME_TABLE_LOOP, Severity.BROKEN, "vpc-0a1b2c3d",
            "the director's subnet subnet-0a1b2c3d and the real servers' subnets use the same route"
            " table rtb-0a1b2c3d so the replies that the director sends out would come back to it",
            "tables of their own", "associate a route table of its own with each side",
        ),
    ),
    Entry(
        "The real servers' route table has no route to the clients",
        "A subnet without a table of its own uses the VPC's main one, which has the local route"
        " alone at first.",
        example(
            Code.ROUTE_MISSING, Severity.BROKEN, _TABLE, "no route", _HERE,
            f"replies to these clients are dropped: {_APPLY}",
        ),
        _ELSEWHERE,
    ),
    Entry(
        "The real servers' route to the clients leads elsewhere",
        "To a NAT gateway, most often, or an internet gateway.",
        example(
            Code.ROUTE_OTHER, Severity.BROKEN, _TABLE, "nat-0a1b2c3d", _HERE,
            f"replies to these clients pass the director by: {_APPLY}",
        ),
        _ELSEWHERE,
    ),
    Entry(
        "The route leads to an interface that is gone, or whose instance does not run",
        "EC2 keeps such a route, as `blackhole`, until somebody replaces it.",
        example(
            Code.ROUTE_BLACKHOLE, Severity.BROKEN, _TABLE, f"{_HERE} (blackhole)", _HERE,
            "the interface is gone, or its instance does not run: start it, or attach it",
        ),
        frozenset({Code.ENI_UNATTACHED}),
    ),
    Entry(
        "The route leads to the other director: half a failover",
        "The VIP is here, and the replies go to `peer_eni`.",
        example(
            Code.ROUTE_STALE_OWNER, Severity.BROKEN, _TABLE, "eni-0d1e2f3a", _HERE,
            "half a failover: 'lvsnat aws takeover' finishes it, on the active director",
        ),
    ),
    Entry(
        "VPC Route Server makes the route",
        "It writes what BGP tells it, and would put back what anybody else changes.",
        example(
            Code.ROUTE_SERVER, Severity.BROKEN, _TABLE, "eni-0d1e2f3a", _HERE,
            "VPC Route Server makes it: let that lead it to the director",
        ),
    ),
    Entry(
        "A more specific route takes some clients' replies past the director",
        "The longest prefix wins over the default route: a peering, a transit gateway, a VPN's"
        " propagated network. Broken where such a client is connected now, or where the"
        " configuration names the network; otherwise a note, as there may be no clients.",
        example(
            Code.CLIENT_BYPASS, Severity.BROKEN, "rtb-0a1b2c3d 10.8.0.0/16",
            "the replies to 10.8.0.10 take the route to pcx-0a1b2c3d",
            "the director, eni-0a1b2c3d",
            'clients = ["0.0.0.0/0", "10.8.0.0/16"] in [aws] of the configuration, then'
            " 'lvsnat aws apply'",
        ),
    ),
    Entry(
        "A client inside the VPC is answered past the director",
        "The local route is more specific than any default route. A route for exactly one whole"
        " subnet is more specific still, and may lead to the director.",
        example(
            Code.CLIENT_LOCAL, Severity.BROKEN, "rtb-0a1b2c3d 10.0.0.0/16",
            "the replies to 10.0.4.9 take the route to local", "the director, eni-0a1b2c3d",
            'clients = ["0.0.0.0/0", "10.0.4.0/24"] in [aws] of the configuration, then'
            " 'lvsnat aws apply'",
        ),
    ),
    Entry(
        "Clients with IPv6, and real servers' subnets without it",
        "No route of such a subnet can lead their replies anywhere.",
        example(
            Code.NO_IPV6, Severity.BROKEN, "vpc-0a1b2c3d",
            "::/0 is IPv6, and the real servers' subnets (subnet-0d1e2f3a) are not",
            "clients whom a route can serve",
            "give these subnets an IPv6 network, or leave this client out",
        ),
    ),
    Entry(
        "The source/destination check of the director's interface is on",
        "EC2 then drops what an interface sends or gets that is neither from it nor for it: all"
        " that a director forwards. It is on at first, and again on each instance that an"
        " auto-scaling group makes. With `peer_eni` the other director is looked at, too.",
        example(
            Code.SRC_DST_CHECK, Severity.BROKEN, "eni-0a1b2c3d source/dest check", "on", "off",
            "while it is on, EC2 drops what the director forwards: 'lvsnat aws apply' turns it off",
        ),
    ),
    Entry(
        "The director's own subnet has no way to the clients",
        "Its table has no route to them: none to an internet gateway, or to where they are.",
        example(
            Code.LB_EGRESS, Severity.BROKEN, "vpc-0a1b2c3d",
            "rtb-0d1e2f3a, which the director's subnet uses, has no route to 0.0.0.0/0",
            "a route to the clients",
            "lead it to an internet gateway, or to where these clients are",
        ),
        frozenset({Code.IGW}),
    ),
)  # fmt: skip
