"""The codes of transparency: what this host must do with replies to HAProxy. No I/O here."""

from __future__ import annotations

from typing import Final

from lvsnat.doctor.explained.entry import Entry
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code

_LOST = "the kernel forwards the replies to HAProxy's connections, or drops them"

TRANSPARENT: Final = (
    Entry(
        "A firewall here drops what real servers answer to HAProxy",
        "HAProxy's connections end on this host, so what real servers answer goes through the hook"
        " input (INPUT in iptables). A firewall that lets in the services' ports alone, and not"
        " what is established, drops it; then HAProxy's own checks fail as well.",
        Finding(
            Code.INPUT_REPLIES, Severity.BROKEN, "the hook input",
            "the nft chain inet filter input drops what real servers answer to HAProxy",
            "lets it pass", "HAProxy's connections to the real servers do not open",
            "let established connections in: nft 'insert rule inet filter input ct state"
            " established accept'",
        ),
    ),
    Entry(
        "The rule that catches the replies is missing",
        "The chain `divert` of the nft table `inet lvsnat` marks what belongs to HAProxy's"
        " connections, by asking for transparent sockets. Somebody flushed it, as `nft flush"
        " ruleset` and the restart of a firewall do, or changed it. If the table cannot be loaded,"
        " `lvsnat apply` says why: a kernel without nft_socket cannot be transparent.",
        Finding(
            Code.DIVERT_MISSING, Severity.BROKEN, "nft table inet lvsnat", "not there",
            "the chain divert", _LOST, "'lvsnat apply'",
        ),
    ),
    Entry(
        "Another rule takes the mark away",
        "A chain that comes later at the hook prerouting sets the mark of every packet, or restores"
        " it from connection tracking: the routing rule then does not see it. The kernel's answer"
        " to where a marked reply would go is right all the while, and connections hang.",
        Finding(
            Code.REPLY_MARK_LOST, Severity.BROKEN, "the mark of the replies",
            "the nft chain ip mangle late takes the mark 0x1 away from replies to HAProxy",
            "it stays", _LOST,
            "let it leave those bits alone, or give others as mark under [haproxy]",
        ),
    ),
    Entry(
        "The routing rule for the mark is missing",
        "`ip rule` has no rule that sends marked replies to the table of HAProxy. A program that"
        " manages the network, and flushes rules that it does not know, takes it away.",
        Finding(
            Code.MARK_RULE_MISSING, Severity.BROKEN,
            "routing rule ipv4 100: fwmark 0x1/0x1 lookup 233", "not there", "there", _LOST,
            "'lvsnat apply'",
        ),
    ),
    Entry(
        "Another routing rule or route is in the way of HAProxy's",
        "A rule that comes first and takes everything, one with the same mark, or somebody else's"
        " route in the same table. It is broken where the kernel, asked for the way of a marked"
        " reply, does not hand it to this host, and a risk where it still does.",
        Finding(
            Code.MARK_RULE_SHADOWED, Severity.BROKEN, "the routing rule for HAProxy",
            "a routing rule stands before that of HAProxy, priority 100, and takes everything: ipv4"
            " 10: from all lookup main", "nothing in its way", _LOST,
            "write priority = 9 under [haproxy], or remove the rule",
        ),
    ),
    Entry(
        "The route that keeps the replies here is missing",
        "In the table that the mark leads to, every address is to be local: `ip route show table"
        " 233` has `local default dev lo`. Without it the next rule is asked, and that forwards.",
        Finding(
            Code.MARK_ROUTE_MISSING, Severity.BROKEN, "local route ipv4 default dev lo table 233",
            "not there", "there", _LOST, "'lvsnat apply'",
        ),
    ),
    Entry(
        "src_valid_mark makes the kernel drop the replies",
        "At 1, on `all` or on the interface, the check of a packet's source asks the routing with"
        " the packet's mark, finds this host itself, and drops the packet without a word, also with"
        " rp_filter 0. wg-quick and Tailscale (since 1.98) set it at each start; new network"
        " namespaces may inherit it. It is a risk where the kernel still takes such replies, as"
        " with accept_local 1. IPv6 has no such setting.",
        Finding(
            Code.SRC_VALID_MARK, Severity.BROKEN, "net.ipv4.conf.*.src_valid_mark", "all=1", "0",
            "at 1, on 'all' or the interface, the kernel drops the replies to HAProxy's connections"
            " without a trace",
            "'lvsnat apply'",
        ),
    ),
    Entry(
        "Replies do not come to HAProxy, and this host loses them",
        "Without `--probe`: the kernel was asked where a marked reply of a real server would go,"
        " and does not hand it to this host. With `--probe`: the server answers a foreign address"
        " by way of this host, and the answer does not come to a transparent socket as HAProxy has"
        " them. The causes that are known have codes of their own.",
        Finding(
            Code.REPLY_LOST, Severity.BROKEN, "the way of the replies",
            "a reply of 192.168.2.55 that comes in by eth1 would not come to HAProxy, but be"
            " forwarded via 192.168.1.1",
            "the kernel hands it to HAProxy", _LOST,
            "a routing rule of somebody else comes first: 'ip rule' shows it, and priority under"
            " [haproxy] is to be smaller",
        ),
        frozenset(
            {
                Code.RP_FILTER, Code.HAPROXY_RIGHTS, Code.INPUT_REPLIES, Code.DIVERT_MISSING,
                Code.REPLY_MARK_LOST, Code.MARK_RULE_MISSING, Code.MARK_RULE_SHADOWED,
                Code.MARK_ROUTE_MISSING, Code.SRC_VALID_MARK,
            }
        ),
    ),
)  # fmt: skip
