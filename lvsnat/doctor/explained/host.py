"""The codes of the host: packets come in, and are kept. No I/O here."""

from __future__ import annotations

from typing import Final

from lvsnat.doctor.explained.entry import Entry
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code
from lvsnat.doctor.typed import UNSAVED, setting

HOST: Final = (
    Entry(
        "The kernel has no IPVS",
        "There are services for IPVS and no /proc/net/ip_vs_conn: the module ip_vs is not"
        " loaded, or this kernel does not have it. `lvsnat apply` loads it where it can."
        " A container"
        " cannot; a kernel of a cloud may have it in a package of its own (linux-modules-extra)."
        " Until then `lvsnat apply` makes nothing: addresses and settings are missing, too.",
        Finding(
            Code.IPVS_MISSING, Severity.BROKEN, "the module ip_vs", "not loaded", "loaded",
            "no packet is balanced without it",
            "'sudo modprobe ip_vs', then 'lvsnat apply'; if there is no such module: on Ubuntu"
            " install linux-modules-extra-$(uname -r), on Debian a kernel that is not the cloud or"
            " virtual one, and in a container load it on the host",
        ),
    ),
    Entry(
        "The kernel lacks a scheduler",
        "A scheduler is a module of its own, and so is the persistence engine `sip`. Kernels of"
        " clouds and containers may not have it, and Debian's has no `twos`: the kernel then"
        " refuses the service. It is told from /lib/modules, or from the configuration that the"
        " kernel was built with; where neither can be read, it is passed over.",
        Finding(
            Code.SCHEDULER_MISSING, Severity.BROKEN, "the module ip_vs_mh",
            "this kernel does not have it", "a kernel that has it",
            "it refuses web, which asks for mh",
            "'lvsnat service set web --scheduler sh', or another kernel (on Ubuntu the package"
            " linux-modules-extra)",
        ),
        frozenset({Code.IPVS_MISSING}),
    ),
    Entry(
        "A VIP is on no interface",
        "What is sent to an address that this host does not have, it forwards or drops: neither"
        " IPVS nor HAProxy ever sees it. With `manage_vip = false` somebody else adds"
        " the address, such"
        " as keepalived: on the standby this finding is then as it should be.",
        Finding(
            Code.VIP_MISSING, Severity.BROKEN, "VIP 192.168.1.50", "on no interface",
            "on an interface",
            "the kernel does not take what is sent to it for its own: web gets nothing",
            "'lvsnat apply'",
        ),
        frozenset({Code.IPVS_MISSING}),
    ),
    Entry(
        "Another host has the VIP, too",
        "Two hosts of one network answer for one address: the last director, one that never gave it"
        " up, or a typing error. Each neighbour keeps the answer that came last, so some clients"
        " reach one host and some the other. For IPv4 it is found out with `--probe` alone, as a"
        " host asks before it takes an address (RFC 5227); for IPv6 the kernel itself asks, unless"
        " the address was added with `nodad`, and does not use one that somebody has.",
        Finding(
            Code.VIP_DUPLICATE, Severity.BROKEN, "VIP 192.168.1.50",
            "another host answers for it, too: 06:1f:a2:33:44:55", "here alone",
            "some neighbours send their packets there, and these clients get no answer",
            "'ip neighbour | grep 06:1f:a2:33:44:55' on the router names the host: take the address"
            " from it, or stop the other director",
        ),
    ),
    Entry(
        "The reverse path filter drops packets",
        "With rp_filter 1 the kernel takes a packet by an interface only if it would answer by that"
        " interface. The greater of `all` and the interface's own value counts. A director with a"
        " default route on one side and the VIP on the other, or with two interfaces in the real"
        " servers' network, loses packets without a trace. 2 asks only that there is a way at all."
        " Clients with a route of their own are found by the kernel's count of what it drops while"
        " the doctor looks (IPReversePathFilter in /proc/net/netstat).",
        Finding(
            Code.RP_FILTER, Severity.BROKEN, "net.ipv4.conf.eth0.rp_filter", "1 (strict)",
            "2 (loose) or 0",
            "clients of 192.168.1.50 come in here, and the way back to them is eth1: the kernel"
            " drops their packets",
            setting("net.ipv4.conf.eth0.rp_filter", 2),
        ),
    ),
    Entry(
        "Netfilter's table of connections is full, or nearly",
        "Where any rule looks at connections, netfilter remembers each, and drops the"
        " packets of new"
        " ones when its table is full (`nf_conntrack: table full, dropping packet` in the kernel's"
        " log). From nine tenths on this is a risk, at the limit it is broken.",
        Finding(
            Code.CONNTRACK_FULL, Severity.BROKEN, "netfilter's table of connections",
            "65536 of 65536", "less than 58982",
            "when it is full, the kernel drops the packets of new connections",
            f"{setting('net.netfilter.nf_conntrack_max', 131072)}; or exempt the services from"
            " tracking ('notrack')",
        ),
    ),
    Entry(
        "A firewall here drops what clients send to a service",
        "A packet to a VIP goes through the hooks ingress, prerouting and input (INPUT in"
        " iptables), and then to IPVS or HAProxy. The rules are read as nft lists them; a chain is"
        " named only where it is sure that it drops a new connection of an unknown client.",
        Finding(
            Code.INPUT_DROPS, Severity.BROKEN, "the nft chain inet filter input",
            "drops what clients send to web (tcp/192.168.1.50:80)", "lets it pass",
            "packets to a VIP go through the hook input before IPVS or HAProxy gets them",
            "let them in: 'nft \"insert rule inet filter input ip daddr 192.168.1.50 tcp dport {"
            f" 80 }} accept\"'{UNSAVED}",
        ),
    ),
    Entry(
        "IPVS's own table of connections is full",
        "Newer kernels have `net.ipv4.vs.conn_max`: at that number IPVS drops the first packet of a"
        " new connection without an answer, so clients wait until they give up. From nine"
        " tenths on this is a risk.",
        Finding(
            Code.TABLE_FULL, Severity.BROKEN, "IPVS's table of connections", "2000 of 2000",
            "fewer", "a new connection beyond the limit is dropped without a word",
            "'sysctl -w net.ipv4.vs.conn_max=N' with a greater N; 'lvsnat connections --by client'"
            " shows who holds the most",
        ),
    ),
    Entry(
        "A firewall here hides the clients",
        "With `net.ipv4.vs.conntrack = 1` what IPVS passes on goes through the hook postrouting as"
        " any other connection, and a MASQUERADE or SNAT rule for everything gives it this host's"
        " address. Real servers answer, and see one client: the director.",
        Finding(
            Code.MASQUERADED, Severity.BROKEN, "the nft chain ip nat POSTROUTING",
            "gives what clients of web send this director's address, by the rule '-A POSTROUTING"
            " -j MASQUERADE'",
            "leaves it alone",
            "the real servers do not see their clients",
            "take it away: 'iptables -t nat -D POSTROUTING -j MASQUERADE'; or except the real"
            " servers: 'iptables -t nat -I POSTROUTING -d 192.168.2.55 -j ACCEPT'; the next boot"
            " has what your firewall's own configuration says",
        ),
    ),
    Entry(
        "This host does not forward",
        "Replies of the real servers are addressed to the clients: to pass them on is forwarding."
        " At 0 every connection stays half open: packets go to the servers, none come back. An"
        " interface has a setting of its own as well: where it is 0, what comes in there is not"
        " forwarded, and lvsnat leaves it alone. HAProxy's connections end here: with HAProxy alone"
        " it is a risk, for what the real servers begin themselves.",
        Finding(
            Code.IP_FORWARD, Severity.BROKEN, "net.ipv4.ip_forward", "0", "1",
            "the replies of the real servers pass through the director; at 0 it drops them",
            "'lvsnat apply'",
        ),
        frozenset({Code.IPVS_MISSING}),
    ),
    Entry(
        "A firewall here drops the replies",
        "A reply passes the hook forward (FORWARD in iptables) with the real server's address, and"
        " connection tracking does not take it for established. Docker and ufw set the policy of"
        " FORWARD to drop. A rule that cannot be read for sure is passed over.",
        Finding(
            Code.FORWARD_DROPS, Severity.BROKEN, "the nft chain ip filter FORWARD",
            "drops by its policy what 192.168.2.55 send to clients", "lets it pass",
            "replies go through the hook forward, with the real server's address",
            "let their packets pass: 'iptables -I DOCKER-USER -s 192.168.2.55 -j ACCEPT'"
            f"{UNSAVED}",
        ),
    ),
)  # fmt: skip
