"""The codes of addresses, neighbours and the size of packets. No I/O here."""

from __future__ import annotations

from typing import Final

from lvsnat.doctor.explained.entry import Entry
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code
from lvsnat.doctor.typed import setting, settings

WIRES: Final = (
    Entry(
        "A VIP brings a whole network to the wrong interface",
        "A VIP is a host of its own (`/32`, `/128`). With `/24` it brings the route to its network"
        " along: on `lo` the kernel takes every address of it for its own, and answers no neighbour"
        " there any more (broken); on another interface than the network's own there are two routes"
        " to the neighbours, and a restart may change which one counts (a risk).",
        Finding(
            Code.VIP_NETMASK, Severity.BROKEN, "VIP 192.168.1.50", "192.168.1.50/24 on lo",
            "192.168.1.50/32",
            "the kernel takes all of 192.168.1.0/24 for addresses of its own, and answers no"
            " neighbour there",
            "'ip address del 192.168.1.50/24 dev lo', then 'lvsnat apply'",
        ),
    ),
    Entry(
        "Nobody answers who asks for the VIP's link address",
        "The router asks the wire for the VIP (ARP), and `arp_ignore` keeps this host from"
        " answering: 1 and 2 where the VIP is on another interface than the one asked, 8 always."
        " The greater of `all` and the interface's own value counts. Guides for direct routing set"
        " it, and mean real servers. EC2 asks nobody, so it is not looked at there.",
        Finding(
            Code.VIP_NO_ARP, Severity.BROKEN, "VIP 192.168.1.50",
            "on lo, and net.ipv4.conf.eth0.arp_ignore is 1", "an answer on eth0",
            "neighbours who ask for it get no answer, so that nothing is sent here",
            setting("net.ipv4.conf.eth0.arp_ignore", 0),
        ),
    ),
    Entry(
        "The table of neighbours is full, or nearly",
        "The kernel keeps the link address of each neighbour, in all at most `gc_thresh3` of a"
        " family. Beyond that it cannot reach one it does not know (`neighbour: arp_cache: neighbor"
        " table overflow!` in its log): new servers, or clients of the same network, get nothing."
        " Containers and other network namespaces have no such setting and are not looked at.",
        Finding(
            Code.NEIGHBOURS_FULL, Severity.BROKEN, "the table of IPv4 neighbours", "1024 of 1024",
            "less than 921", "when it is full, a neighbour that is not in it cannot be reached",
            settings({
                "net.ipv4.neigh.default.gc_thresh3": 4096,
                "net.ipv4.neigh.default.gc_thresh2": 2048,
            }),
        ),
    ),
    Entry(
        "Fragments do not become whole again",
        "Packets that came in pieces are put together before IPVS sees them. Where a piece is"
        " missing after half a minute, or there are too many at a time (`ipfrag_high_thresh`), all"
        " of it is dropped: large datagrams (DNS, SIP, VPN) fail, small ones do not. It is told"
        " from the kernel's counter ReasmFails, which grew between two looks.",
        Finding(
            Code.FRAGMENTS_LOST, Severity.RISK, "packets in fragments",
            "12 could not be put together within 3 s", "0",
            "large datagrams are lost, small ones are not",
            "'nstat -az | grep Reasm' counts them; let senders send smaller packets, or give them"
            " room: 'sysctl -w net.ipv4.ipfrag_high_thresh=16777216'",
        ),
    ),
    Entry(
        "Packets are too big for their next hop",
        "This host tells the sender by ICMP (fragmentation needed, packet too big), which then"
        " sends smaller ones: so now and then it is as it should be. Where it goes on, look after"
        " look, the sender does not hear of it: a firewall on the real server, or a security group,"
        " drops ICMP. Then only large answers fail, and a connection that began well hangs. It is"
        " told from the kernel's counter FragFails, which grew between two looks.",
        Finding(
            Code.TOO_BIG, Severity.NOTE, "the size of packets",
            "9 were too big for their way within 3 s", "0, or senders that learn of it",
            "where the sender does not hear of it, large transfers hang",
            "let ICMP through to the real servers (on each: 'iptables -I INPUT -p icmp -j ACCEPT'),"
            " or give both sides of this host one MTU: 'ip link' shows them",
        ),
    ),
)  # fmt: skip
