"""The codes of real servers and of the way back. No I/O here."""

from __future__ import annotations

from typing import Final

from lvsnat.doctor.explained.aws import LOST_IN_VPC, UNREACHED_IN_VPC
from lvsnat.doctor.explained.entry import Entry
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code

_SERVER = "web 192.168.2.55:8080"
_LOST_HERE: Final = frozenset(
    {
        Code.VIP_DUPLICATE,
        Code.RP_FILTER,
        Code.CONNTRACK_FULL,
        Code.IP_FORWARD,
        Code.FORWARD_DROPS,
        Code.MASQUERADED,
        Code.HAPROXY_RIGHTS,
        Code.PORTS_EXHAUSTED,
        Code.INPUT_REPLIES,
        Code.DIVERT_MISSING,
        Code.REPLY_MARK_LOST,
        Code.MARK_RULE_MISSING,
        Code.REPLY_LOST,
    }
)
"""Where this host drops replies itself, that they do not come back says nothing of the server."""

SERVERS: Final = (
    Entry(
        "There is no route to a real server",
        "The kernel's own answer: no route, or one that says unreachable, prohibit or blackhole.",
        Finding(
            Code.SERVER_NO_ROUTE, Severity.BROKEN, _SERVER, "this host has no route to it",
            "a route", "what clients send cannot be passed on",
            "'ip route get 192.168.2.55' says what the kernel does: add the route",
        ),
    ),
    Entry(
        "Nobody answers for a real server's address",
        "The kernel asked the wire for the link address of the server, or of the router before it"
        " (ARP, neighbour discovery), and got no answer. The machine is off, its network is not"
        " this one, or its address is another.",
        Finding(
            Code.SERVER_UNREACHABLE, Severity.BROKEN, _SERVER,
            "the next hop to it does not answer the question for its link address", "an answer",
            "the machine is off, or its network is not this host's",
            "'ip neighbour get 192.168.2.55 dev eth1' and a look at the machine; 'lvsnat"
            " server disable web 192.168.2.55:8080' keeps clients from it",
        ),
        frozenset({Code.NO_SERVER_ALIVE}),
    ),
    Entry(
        "A real server does not answer",
        "Its check fails, or with `--probe`: it does not answer this host's own address. So the way"
        " back is not to blame. A server that has been taken out is a risk, one that gets clients"
        " is broken.",
        Finding(
            Code.SERVER_DOWN, Severity.BROKEN, _SERVER,
            "it does not answer this host's own address either", "an answer",
            "its share of the clients gets no answer",
            "start its program, or look at the machine; 'lvsnat server disable web"
            " 192.168.2.55:8080' keeps clients from it",
        ),
        UNREACHED_IN_VPC | {Code.NO_SERVER_ALIVE, Code.INPUT_REPLIES},
    ),
    Entry(
        "A real server refuses connections",
        "With `--probe`: the machine is there and says that nobody listens on the port. The program"
        " is stopped, or listens on another port or on 127.0.0.1 alone. Without it, where IPVS has"
        " the service: at least three connections were begun while the doctor looked, and nothing"
        " but resets came back; a firewall on the server that rejects strangers looks the same.",
        Finding(
            Code.PORT_CLOSED, Severity.BROKEN, _SERVER,
            "the machine answers, and refuses the connection",
            "a program that listens on this port", "its share of the clients is refused",
            "start the program there ('ss -ltn' shows what listens); 'lvsnat server disable web"
            " 192.168.2.55:8080' keeps clients from it",
        ),
        frozenset({Code.NO_SERVER_ALIVE}),
    ),
    Entry(
        "A client in the real servers' own network waits in vain",
        "A server answers a neighbour directly, with its own address and not the VIP's, and the"
        " client drops that. A default gateway does not help; other clients are served all the"
        " while. In lvs-nat nothing on the director cures it; a routing rule on the server does. In"
        " haproxy-tproxy the director can serve these clients from its own address:"
        " `local_networks` under `[haproxy]`.",
        Finding(
            Code.CLIENT_SAME_SUBNET, Severity.BROKEN, _SERVER,
            "waiting, and in the server's own network: 192.168.2.200",
            "replies by way of this host",
            "the server answers a neighbour directly, with an address that the client did not ask",
            "on the server: 'lvsnat gateway set 192.168.2.10 --reply-only tcp/8080"
            " --local-clients'; without lvsnat there, until its next boot: 'ip route replace"
            " default via 192.168.2.10 table 100 && ip rule add ipproto tcp sport 8080 lookup 100'",
        ),
        _LOST_HERE,
    ),
    Entry(
        "The replies of a real server do not come back through the director",
        "Without `--probe`: connections stay half open (SYN_RECV), and no packet comes from the"
        " server meanwhile; what this host itself would do wrong is ruled out, and so is a server"
        " that is known to be down. That is nearly always the server's gateway; on EC2 also the"
        " source/destination check or the route table, which have codes of their own. A firewall on"
        " the server that drops strangers looks the same. So have somebody try while the doctor"
        " looks: where the last one has given up, or asks again too seldom for `--seconds`, it is a"
        " note. With `--probe` it is proven: the server answers this host's own address, and does"
        " not answer a foreign one. The kernel's counters lag by two seconds: a shorter look gives"
        " a note at most. HAProxy counts no packets: its bytes are looked at instead.",
        Finding(
            Code.RS_GATEWAY, Severity.BROKEN, _SERVER,
            "no packet comes back; waiting: 203.0.113.10", "replies by way of this host",
            "its replies go another way, or it does not answer anybody",
            "'lvsnat doctor --probe' tells which; on the server: 'lvsnat gateway show 192.168.2.10'"
            " says where they go, 'lvsnat gateway set 192.168.2.10' leads them here;"
            " without lvsnat there, until its next boot: 'ip route replace default via"
            " 192.168.2.10'",
        ),
        _LOST_HERE | LOST_IN_VPC,
    ),
    Entry(
        "Connections from some networks do not open, from others they do",
        "The server answers somebody, so it lives and its default route serves. A narrower route"
        " there sends the replies to these clients elsewhere; or their own side drops them.",
        Finding(
            Code.RS_BYPASS, Severity.RISK, _SERVER,
            "connections of 203.0.113.0/24 do not open, those of others do",
            "connections that open",
            "the server has a narrower route to these clients, or they do not get its replies, or"
            " their own side drops them",
            "on the server: 'ip route get 203.0.113.1 from 192.168.2.55' must name this host",
        ),
        _LOST_HERE | LOST_IN_VPC,
    ),
)  # fmt: skip
