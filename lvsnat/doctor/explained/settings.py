"""The codes of kernel settings and known traps: it works, until something happens. No I/O here."""

from __future__ import annotations

from typing import Final

from lvsnat.doctor.explained.entry import Entry
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code
from lvsnat.doctor.typed import setting

SETTINGS: Final = (
    Entry(
        "This host sends ICMP redirects",
        "Where clients' router and real servers are behind one interface, the kernel tells a real"
        " server of the shorter way past the director. A server that believes it answers clients"
        " directly from then on, and their connections hang. `all` and the interface must both be"
        " 0.",
        Finding(
            Code.SEND_REDIRECTS, Severity.RISK, "net.ipv4.conf.*.send_redirects", "all=1 eth0=1",
            "0",
            "with one interface for both sides, a redirect teaches a real server to bypass the"
            " director on the way back; 'all' and the interface must both be 0",
            "'lvsnat apply'",
        ),
    ),
    Entry(
        "Replies are not routed by their new address",
        "When IPVS has given a reply the VIP as its source, it asks the routing again, so that"
        " rules which go by the source (`ip rule from VIP`) apply: with two uplinks, replies leave"
        " by the one that the client came by. At 0 they leave by the way of the real server's"
        " address.",
        Finding(
            Code.SNAT_REROUTE, Severity.RISK, "net.ipv4.vs.snat_reroute", "0", "1",
            "replies take the way of the real server's address, not that of the VIP's",
            setting("net.ipv4.vs.snat_reroute", 1),
        ),
    ),
    Entry(
        "Netfilter remembers connections for much longer than IPVS",
        "With `net.ipv4.vs.conntrack` 1 netfilter keeps each connection of IPVS, too, by timeouts"
        " of its own: five days for an idle one of TCP, where IPVS keeps it for 15 minutes. Its"
        " table fills with what nobody uses.",
        Finding(
            Code.CONNTRACK_TIMEOUT, Severity.NOTE,
            "net.netfilter.nf_conntrack_tcp_timeout_established", "432000 s", "900 s, as IPVS",
            "netfilter keeps what IPVS has long forgotten, until its table is full",
            setting("net.netfilter.nf_conntrack_tcp_timeout_established", 900),
        ),
    ),
    Entry(
        "This host may forget its default route of IPv6",
        "A host that forwards IPv6 takes no router's word any more, unless accept_ra is 2: its"
        " default route ends with the last advertisement's lifetime.",
        Finding(
            Code.ACCEPT_RA, Severity.RISK, "net.ipv6.conf.*.accept_ra", "eth0=1", "2",
            "at 1 the director forgets its own default route as soon as it forwards IPv6; 0 is"
            " left",
            "'lvsnat apply'",
        ),
    ),
    Entry(
        "Connections to a removed server would hang",
        "At 0 the kernel drops what comes for a server that is gone, and the client waits. At 1 it"
        " answers TCP with a reset, and sends UDP to another server.",
        Finding(
            Code.EXPIRE_NODEST, Severity.RISK, "net.ipv4.vs.expire_nodest_conn", "0", "1",
            "connections to a removed server end at once (TCP reset; UDP moves on) instead of"
            " hanging",
            "'lvsnat apply'",
        ),
    ),
    Entry(
        "A setting does not fit this kernel",
        "conn_reuse_mode says what becomes of a client's port that is used again. Before 5.9, 1"
        " costs such a connection a second; from 5.9 on, 0 may send it to a server that is gone."
        " Old guides write 0 everywhere.",
        Finding(
            Code.CONN_REUSE, Severity.RISK, "net.ipv4.vs.conn_reuse_mode", "0 (kernel 6.1)", "1",
            "at 0 a client that uses a port again may be sent to a server that is gone",
            setting("net.ipv4.vs.conn_reuse_mode", 1),
        ),
    ),
    Entry(
        "Packets in midstream make connections",
        "With `net.ipv4.vs.sloppy_tcp` 1 IPVS takes a packet of a connection that it does not know"
        " for the beginning of one, and gives it to some server, which resets it. That serves where"
        " two directors are active at a time without telling each other, and nowhere else. It also"
        " keeps a switch of modes from beginning.",
        Finding(
            Code.SLOPPY_TCP, Severity.NOTE, "net.ipv4.vs.sloppy_tcp", "1", "0",
            "a packet of a connection that is not known goes to any server, instead of being"
            " refused",
            setting("net.ipv4.vs.sloppy_tcp", 0),
        ),
    ),
    Entry(
        "Idle connections are soon forgotten",
        "IPVS forgets a TCP connection that carried nothing for so long (`[ipvs] timeouts`, 900 s"
        " if nobody says otherwise), and tells neither side: the next packet is refused or lost. A"
        " client that is idle for longer, such as ssh or a pool of database connections, must send"
        " something by itself (TCP keepalive, 7200 s on Linux).",
        Finding(
            Code.IDLE_TIMEOUT, Severity.NOTE, "the IPVS timeout of TCP", "60 s",
            "300 s at least, more than clients are idle for",
            "a connection that carried nothing for so long is forgotten, and its next packet is"
            " lost",
            "tcp = 900 in timeouts under [ipvs], then 'lvsnat apply'",
        ),
    ),
    Entry(
        "The counters stand still",
        "IPVS copies its counters about every two seconds. With `net.ipv4.vs.run_estimation` 0, or"
        " an empty `est_cpulist`, it does not: rates are 0, and totals stay what they were. The"
        " doctor then tells one-way servers only with `--probe`.",
        Finding(
            Code.NO_ESTIMATION, Severity.RISK, "net.ipv4.vs.run_estimation",
            "off, or est_cpulist is empty", "on",
            "counters and rates stand still, and whether replies come back cannot be told from"
            " them",
            "'sysctl -w net.ipv4.vs.run_estimation=1'; if it is 1, write a processor's number to"
            " net.ipv4.vs.est_cpulist",
        ),
    ),
    Entry(
        "The kernel is not as the configuration says",
        "What `lvsnat plan` would change: somebody changed the kernel by hand, the configuration"
        " was edited and not applied, or an apply was cut off. Something missing is broken, and so"
        " is the weight 0 of all servers that the configuration does not ask for; something else"
        " that is changed, or left over, is a risk. Settings with a code of their own are told"
        " there.",
        Finding(
            Code.NOT_APPLIED, Severity.BROKEN, "web tcp/192.168.1.50:80",
            "192.168.2.56:8080 is missing", "as configured",
            "the kernel balances what it holds, not what the configuration says",
            "'lvsnat plan' shows what differs, 'lvsnat apply' ends it",
        ),
        frozenset(
            {
                Code.HAPROXY_DOWN,
                Code.HAPROXY_SILENT, Code.HAPROXY_STALE,
                Code.IPVS_FIRST,
                Code.IPVS_MISSING,
                Code.SCHEDULER_MISSING,
                Code.RIVAL,
            }
        ),
    ),
)  # fmt: skip
