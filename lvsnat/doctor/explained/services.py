"""The codes of services. No I/O here."""

from __future__ import annotations

from typing import Final

from lvsnat.doctor.explained.aws import UNREACHED_IN_VPC
from lvsnat.doctor.explained.entry import Entry
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code

_WEB = "web tcp/192.168.1.50:80"

SERVICES: Final = (
    Entry(
        "Another program writes the same service",
        "keepalived or ldirectord runs here, and its configuration has a service with the address"
        " and port, or the mark, of one of lvsnat's. Each undoes what the other does, and"
        " keepalived takes the service away when it stops. Services of its own beside lvsnat's are"
        " no harm, and neither is a keepalived that does VRRP alone.",
        Finding(
            Code.RIVAL, Severity.RISK, "web tcp/192.168.1.50:80",
            "keepalived (process 812, /etc/keepalived/keepalived.conf) has it, too",
            "one program that writes it", "each undoes what the other does",
            "take it out of /etc/keepalived/keepalived.conf and reload keepalived, then 'lvsnat"
            " apply --adopt'",
        ),
    ),
    Entry(
        "A service of the configuration is somebody else's",
        "The kernel had it before lvsnat was asked for it, made by ipvsadm or another program, so"
        " that no command touches it: clients are served as the other one says, not as the"
        " configuration does.",
        Finding(
            Code.MADE_BY_OTHERS, Severity.RISK, _WEB,
            "in the kernel, and not made by lvsnat", "made by lvsnat",
            "lvsnat leaves it as it is, whatever the configuration says",
            "'lvsnat apply --adopt' takes it over: it is then as the configuration says",
        ),
        frozenset({Code.RIVAL}),
    ),
    Entry(
        "A service has no real server",
        "IPVS refuses clients of a service without servers at once (connection refused).",
        Finding(
            Code.SERVICE_EMPTY, Severity.BROKEN, _WEB, "no real server", "at least one",
            "clients are refused", "'lvsnat server add web ADDRESS:PORT'",
        ),
        frozenset({Code.NOT_APPLIED}),
    ),
    Entry(
        "No real server of a service is alive",
        "All checks fail, those of the daemon or HAProxy's own, or servers say that they are in"
        " maintenance. Where a sorry server answers, this is a risk and not broken. Check the"
        " check, too: a wrong path or port looks the same.",
        Finding(
            Code.NO_SERVER_ALIVE, Severity.BROKEN, _WEB,
            "192.168.2.55:8080 is down (connection refused), 192.168.2.56:8080 is down (no answer"
            " within 2 s)",
            "at least one server that answers its check", "clients get no answer",
            "start the program on the servers, or look at these machines: 'lvsnat health web' shows"
            " each check and its answer",
        ),
        UNREACHED_IN_VPC | {Code.NOT_APPLIED, Code.INPUT_REPLIES},
    ),
    Entry(
        "Every server of a service has the weight 0",
        "Weight 0 takes no new connections: of the configuration, or of `server drain` and `server"
        " disable`. New clients are refused; the connections that exist go on.",
        Finding(
            Code.ALL_WEIGHTS_0, Severity.BROKEN, _WEB,
            "every server has the weight 0, drained or disabled by hand", "a weight above 0",
            "no server takes new connections: clients are refused",
            "'lvsnat server enable web 192.168.2.55:8080'",
        ),
        frozenset({Code.NOT_APPLIED}),
    ),
    Entry(
        "Servers have reached their upper threshold",
        "IPVS counts closed connections, too, until it has forgotten them: after a minute or two,"
        " by the timeouts. A server that has reached `upper` gets new connections again below"
        " `lower`. Where all have reached it, clients are refused, and this is broken. HAProxy has"
        " connections wait instead, for `queue_timeout` at most, and this is told while some wait.",
        Finding(
            Code.THRESHOLD, Severity.RISK, _WEB,
            "192.168.2.55:8080 3 active + 97 inactive of 100",
            "fewer connections than the upper threshold", "it gets no new connections",
            "'lvsnat server set web ADDRESS:PORT --upper N' with a greater N; inactive connections"
            " count until the kernel forgets them",
        ),
    ),
    Entry(
        "Clients that are hashed to a server of weight 0 are refused",
        "`sh`, `mh` and `dh` choose by a hash, and go on choosing a server that was drained or"
        " found down: its share of the clients is refused, always the same ones. With the flag"
        " `sh-fallback` or `mh-fallback` they choose the next one; `dh` has none, and as it goes by"
        " the VIP it refuses all clients or none (a risk).",
        Finding(
            Code.HASH_DRAINED, Severity.BROKEN, _WEB,
            "the scheduler sh without sh-fallback, and the weight 0: 192.168.2.55:8080",
            "the flag sh-fallback",
            "clients that the hash gives to such a server are refused, the others are not",
            "'lvsnat service set web --sched-flags sh-fallback'",
        ),
    ),
    Entry(
        "All clients of a service go to one server",
        "`dh`, `lblc` and `lblcr` choose by the destination, which is the VIP for everybody: they"
        " are made for caches that clients reach through a firewall mark. So one server has all the"
        " work.",
        Finding(
            Code.ONE_SERVER, Severity.RISK, _WEB, "the scheduler dh for one address",
            "one that goes by the client, or by load",
            "it chooses by the VIP: one server gets everything",
            "'lvsnat service set web --scheduler wlc'",
        ),
    ),
    Entry(
        "Persistence would keep clients on a drained server",
        "At 0 a client that persistence knows is sent to its server for ever, also at weight 0: a"
        " drain never ends.",
        Finding(
            Code.PERSISTENCE_DRAIN, Severity.RISK, "net.ipv4.vs.expire_quiescent_template", "0",
            "1", "a returning client leaves a server of weight 0; at 0 it is sent there for ever",
            "'lvsnat apply'",
        ),
    ),
    Entry(
        "Datagrams go on to a server that takes no new ones",
        "IPVS keeps a flow of UDP with its server for as long as packets come. A weight of 0 does"
        " not move it, and a server that was removed with expire_nodest_conn 0 leaves a black hole."
        " It is told from two looks: the flow was used in between.",
        Finding(
            Code.UDP_STUCK, Severity.RISK, "dns 192.168.2.55:53",
            "its weight is 0 or it is gone, and these still send there: 203.0.113.10:40112",
            "no packets",
            "IPVS keeps a flow where it is as long as packets come: a weight of 0 does not move it",
            "'lvsnat server remove dns 192.168.2.55:53' moves them at once, if"
            " net.ipv4.vs.expire_nodest_conn is 1",
        ),
    ),
    Entry(
        "A program of this host listens where a service does",
        "In lvs-nat, IPVS comes first: the program gets nothing, and nobody notices, until the"
        " service is removed or this host boots without it; then clients talk to that program. A"
        " risk; programs that listen on every address are not told of. In haproxy-tproxy, HAProxy"
        " cannot listen there, and where it does not run yet it does not start: clients talk to"
        " that program now, also where it listens on every address.",
        Finding(
            Code.PORT_TAKEN, Severity.RISK, _WEB,
            "a program of this host listens on 192.168.1.50:80, too", "IPVS alone",
            "it gets nothing while IPVS serves, and every client when the service is gone",
            "'ss -lnp \"src 192.168.1.50:80\"' names the program: stop it, or give it another"
            " address",
        ),
    ),
)  # fmt: skip
