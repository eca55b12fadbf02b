"""The codes of what other people's rules do with the packets of services. No I/O here."""

from __future__ import annotations

from typing import Final

from lvsnat.doctor.explained.entry import Entry
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code
from lvsnat.doctor.typed import UNSAVED, setting

RULESETS: Final = (
    Entry(
        "A firewall here drops the ICMP that a VIP needs",
        "A router that cannot pass on a large packet says so by ICMP, to the VIP, from which it"
        " came. IPVS hands it on to the real server, which sends smaller ones. Connection tracking"
        " does not know the connections of IPVS (unless `net.ipv4.vs.conntrack` is 1), so that"
        " `ct state related` does not let it in. Without it, clients behind a tunnel or DSL get"
        " small answers, and wait for large ones.",
        Finding(
            Code.ICMP_DROPS, Severity.RISK, "the nft chain ip filter INPUT",
            "drops ICMP that is sent to 192.168.1.50", "lets it pass",
            "a router that asks for smaller packets is not heard: large answers do not reach some"
            " clients",
            f"let it in: 'iptables -I INPUT -p icmp -d 192.168.1.50 -j ACCEPT'{UNSAVED}",
        ),
        frozenset({Code.INPUT_DROPS}),
    ),
    Entry(
        "A rule leads a service's clients elsewhere",
        "A rule of DNAT or REDIRECT at the hook prerouting gives the packet another destination"
        " before IPVS or HAProxy sees it. Docker makes one for every published port, on every"
        " address of this host: `docker run -p 80:80` takes port 80 of the VIP, too.",
        Finding(
            Code.REDIRECTED, Severity.BROKEN, "the nft chain ip nat PREROUTING",
            "gives what clients of web (tcp/192.168.1.50:80) send another destination",
            "leaves it alone", "it comes before IPVS and HAProxy, which get nothing",
            "except the VIP: 'iptables -t nat -I PREROUTING -d 192.168.1.50 -j ACCEPT'; or publish"
            " the port on one address ('docker run -p 127.0.0.1:80:80')",
        ),
    ),
    Entry(
        "Nothing sets the mark that a service takes",
        "A service of a firewall mark takes the packets that a rule has marked, and there is no"
        " such rule: none of nft, none of iptables, and no packet has come yet. Where packets have"
        " come before, it is a risk: the rule may have been lost. What tc sets is not seen.",
        Finding(
            Code.MARK_UNSET, Severity.BROKEN, "ftp fwmark/7", "no rule sets the mark 7",
            "a rule at the hook prerouting that does", "it gets no packet",
            "'iptables -t mangle -I PREROUTING -d VIP -p tcp --dport 21 -j MARK --set-mark 7', with"
            ' your addresses; or let lvsnat do it: listen = "tcp/VIP:21,40000-40100"',
        ),
    ),
    Entry(
        "A rule takes a service's mark away again",
        "lvsnat marks the packets of a service of several ports at the hook prerouting, -150. A"
        " chain that comes later gives every packet another mark, so that IPVS does not know them.",
        Finding(
            Code.MARK_LOST, Severity.BROKEN, "the nft chain inet f pre",
            "gives packets of ftp (tcp/192.168.1.50:21,40000-40100) another mark",
            "leaves it alone", "IPVS knows the service's packets by their mark 0x4c000002",
            "let its rule set its own bits alone ('meta mark set mark or 0x1'), or come first"
            " (priority -160)",
        ),
    ),
    Entry(
        "A firewall here drops what goes to the real servers",
        "What IPVS passes on goes through the hook output (OUTPUT in iptables), with the client's"
        " address, and connection tracking calls it untracked; so do the connections that HAProxy"
        " makes from the clients' addresses, which are new there.",
        Finding(
            Code.OUTPUT_DROPS, Severity.BROKEN, "the nft chain ip filter OUTPUT",
            "drops what is sent to 192.168.2.55:8080", "lets it pass",
            "IPVS and HAProxy send to the real servers by the hook output",
            f"let it out: 'iptables -I OUTPUT -d 192.168.2.55 -j ACCEPT'{UNSAVED}",
        ),
    ),
    Entry(
        "A rule waits for connections of IPVS that netfilter does not know",
        "A rule with `-m ipvs`, such as one that masquerades for clients beside the servers, never"
        " matches while `net.ipv4.vs.conntrack` is 0: netfilter is not told of the connections. A"
        " kernel without that setting was built without CONFIG_IP_VS_NFCT.",
        Finding(
            Code.RULE_NEEDS_CONNTRACK, Severity.RISK, "the nft chain ip nat POSTROUTING",
            "a rule with -m ipvs, and net.ipv4.vs.conntrack is 0", "1",
            "the rule never matches: netfilter is not told of connections of IPVS",
            setting("net.ipv4.vs.conntrack", 1),
        ),
    ),
    Entry(
        "Replies are passed on without IPVS",
        "A rule puts forwarded connections on a flowtable, which passes their packets on by itself,"
        " without any hook. With `net.ipv4.vs.conntrack` 1 that takes the replies of real servers,"
        " too, which then reach clients with the server's own address. Where the rule has a"
        " condition that cannot be read for sure, this is a risk only.",
        Finding(
            Code.FLOWTABLE, Severity.BROKEN, "the nft chain inet f forward",
            "puts connections on a flowtable, and net.ipv4.vs.conntrack is 1",
            "that leaves replies of real servers alone",
            "what a flowtable passes on does not come to IPVS, which has to give it the VIP",
            "except the real servers: 'nft \"insert rule inet f forward ip saddr { 192.168.2.55 }"
            " accept\"'; or 'sysctl -w net.ipv4.vs.conntrack=0'",
        ),
    ),
)  # fmt: skip
