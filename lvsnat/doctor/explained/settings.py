"""The codes of kernel settings and known traps: it works, until something happens. No I/O here."""

from __future__ import annotations

from typing import Final

from lvsnat.doctor.explained.entry import Entry
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code

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
            "'sysctl -w net.ipv4.vs.conn_reuse_mode=1', and the same line in /etc/sysctl.d",
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
        " was edited and not applied, or an apply was cut off. Something missing is"
        " broken, something"
        " changed or left over a risk. Settings with a code of their own are told there.",
        Finding(
            Code.NOT_APPLIED, Severity.BROKEN, "web tcp/192.168.1.50:80",
            "192.168.2.56:8080 is missing", "as configured",
            "the kernel balances what it holds, not what the configuration says",
            "'lvsnat plan' shows what differs, 'lvsnat apply' ends it",
        ),
        frozenset({Code.IPVS_MISSING}),
    ),
)  # fmt: skip
