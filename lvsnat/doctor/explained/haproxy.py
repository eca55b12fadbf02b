"""The codes of HAProxy: the program, its process, what it may do. No I/O here."""

from __future__ import annotations

from typing import Final

from lvsnat.doctor.explained.entry import Entry
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code

_WEB = "web tcp/192.168.1.50:80"

HAPROXY: Final = (
    Entry(
        "HAProxy is not installed",
        "The mode is haproxy-tproxy and there is no program haproxy. `lvsnat` runs an instance of"
        " its own; the service that the distribution's package brings may stay disabled. Where a"
        " process still runs, this is a risk: it can be neither reloaded nor started again.",
        Finding(
            Code.HAPROXY_MISSING, Severity.BROKEN, "the program haproxy", "not installed",
            "HAProxy 2.6 or later", "TCP services have nobody to serve them",
            "apt install haproxy, or dnf install haproxy; its own service may stay disabled: lvsnat"
            " runs an instance of its own",
        ),
    ),
    Entry(
        "HAProxy cannot serve transparently",
        "The program is too old, was built without TPROXY, or cannot be started here: no user"
        " haproxy, no right to give it CAP_NET_RAW, too few open files. `haproxy -vv` shows what it"
        " was built with. Where a process still runs, this is a risk: the next start fails.",
        Finding(
            Code.HAPROXY_UNFIT, Severity.BROKEN, "the program haproxy",
            "this HAProxy was built without TPROXY: it cannot connect from the client's address",
            "HAProxy 2.6 or later that may be transparent",
            "TCP services have nobody to serve them",
            "install a distribution's own package, or build it with USE_LINUX_TPROXY=1",
        ),
    ),
    Entry(
        "HAProxy does not run",
        "No process of ours takes new connections: it was killed, ended softly by a signal, or"
        " never started. Clients are refused. The kernel's log tells of a process that was killed"
        " for want of memory.",
        Finding(
            Code.HAPROXY_DOWN, Severity.BROKEN, "HAProxy", "no process of ours runs", "it runs",
            "TCP services have nobody to serve them: clients are refused",
            "'lvsnat apply'; 'journalctl -t haproxy' may have why it ended",
        ),
        frozenset({Code.PORT_TAKEN, Code.HAPROXY_MISSING, Code.HAPROXY_UNFIT}),
    ),
    Entry(
        "HAProxy runs, and does not answer",
        "Its sockets are gone, or it hangs or is stopped. If it only lost its sockets, clients are"
        " served all the while, and it can be neither asked nor told anything: a risk. `lvsnat"
        " apply` starts another one, and the old one ends with its last connection.",
        Finding(
            Code.HAPROXY_SILENT, Severity.BROKEN, "HAProxy",
            "HAProxy does not answer on /run/lvsnat/haproxy/runtime.sock within 10 s", "an answer",
            "it cannot be asked, and clients get no answer either",
            "it hangs or is stopped: look at it with 'ps -C haproxy'; once it is killed (kill -9),"
            " 'lvsnat apply' starts it anew",
        ),
    ),
    Entry(
        "HAProxy does not run what its file says",
        "A process says which file it has read, and that is another one: the file was edited by"
        " hand, or a reload failed and the process of before goes on. The last configuration that"
        " served lies beside it, with the ending .lkg.",
        Finding(
            Code.HAPROXY_STALE, Severity.RISK, "HAProxy", "it runs another configuration than"
            " its file has, and the last reload failed", "the configuration of its file",
            "what was changed is not in force, and the next start may fail", "'lvsnat apply'",
        ),
    ),
    Entry(
        "IPVS takes what is HAProxy's",
        "A service of IPVS on the same address and port gets every packet before HAProxy is asked,"
        " also when it has no server: then clients are refused, and HAProxy's counters stay at 0."
        " While a switch of modes runs, both have it, and nothing is said.",
        Finding(
            Code.IPVS_FIRST, Severity.BROKEN, _WEB,
            "IPVS has a service there, too: tcp/192.168.1.50:80", "HAProxy alone",
            "IPVS takes every packet before HAProxy is asked",
            "'ipvsadm -D -t 192.168.1.50:80', or the configuration of whoever made it",
        ),
    ),
    Entry(
        "HAProxy does not listen for a service",
        "The process runs, and nobody listens where a service should be. Somebody has disabled the"
        " frontend at HAProxy's own socket.",
        Finding(
            Code.HAPROXY_DEAF, Severity.BROKEN, _WEB, "nobody listens on 192.168.1.50:80",
            "HAProxy listens", "clients are refused",
            "'echo enable frontend web | socat - UNIX-CONNECT:/run/lvsnat/haproxy/runtime.sock'",
        ),
        frozenset({Code.HAPROXY_DOWN, Code.HAPROXY_SILENT, Code.HAPROXY_STALE, Code.PORT_TAKEN}),
    ),
    Entry(
        "HAProxy has as many connections as it takes",
        "From nine tenths of `maxconn` on, of the process or of a service, this is a risk. At the"
        " limit HAProxy accepts nothing: the kernel completes the handshake, and the client waits"
        " until another one has gone.",
        Finding(
            Code.HAPROXY_FULL, Severity.BROKEN, "HAProxy", "20000 of 20000 connections",
            "less than 18000", "at the limit new clients wait until another one has gone",
            "a greater maxconn under [haproxy]; 'lvsnat connections --by client' shows who holds"
            " the most",
        ),
    ),
    Entry(
        "HAProxy may not connect from the clients' addresses",
        "The process lacks CAP_NET_RAW and CAP_NET_ADMIN: somebody started it by hand, or a unit"
        " takes them away. It starts all the same, its checks are up, and it closes each connection"
        " at once; its log says `SC`.",
        Finding(
            Code.HAPROXY_RIGHTS, Severity.BROKEN, "HAProxy (process 4711)",
            "it has neither CAP_NET_RAW nor CAP_NET_ADMIN", "CAP_NET_RAW",
            "it cannot connect from a client's address: each connection is closed at once",
            "'kill -TERM 4711' ends it with its connections, 'lvsnat apply' starts it with what it"
            " needs",
        ),
    ),
    Entry(
        "Source ports are used up",
        "HAProxy connects from the client's address with a port of the kernel's choice, and a port"
        " rests for a minute after a connection that HAProxy closed first. So there are as many"
        " connections from one address to one real server as net.ipv4.ip_local_port_range has"
        " ports, without those of ip_local_reserved_ports; only proxies and NAT gateways as clients"
        " come near. From nine tenths on it is a risk. HAProxy's log says `no free ports`.",
        Finding(
            Code.PORTS_EXHAUSTED, Severity.BROKEN, "web 192.168.2.55:8080",
            "203.0.113.10 has 22528 of 22528 ports", "less than 20275",
            "a connection from this client to this server finds no source port, and is closed",
            "more real servers, or 'sysctl -w net.ipv4.tcp_tw_reuse=1', so that resting ports are"
            " used again after a second",
            scope=("web", "192.168.2.55:8080"),
        ),
    ),
    Entry(
        "The range of source ports is not as it should be",
        "HAProxy's connections take their ports from this range. It is kept apart from the ports"
        " that clients use: while the modes are switched, a client may have a connection to the"
        " same real server through IPVS, from its own port, and the server would reset the second.",
        Finding(
            Code.PORT_RANGE, Severity.RISK, "net.ipv4.ip_local_port_range", "32768 60999",
            "10240 32767",
            "HAProxy connects from the client's address: a port that the client itself uses with"
            " IPVS would be one connection too many for the real server, which would reset the"
            " client's; clients use ports from 32768 on",
            "'lvsnat apply'",
        ),
    ),
)  # fmt: skip
