"""Facts of one cause each: addresses, rulesets, schedulers, and who else is at work here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_address

from unit.doctor.patients import (
    ASSIGNED,
    CONFIG,
    FIRST,
    HOST,
    SECOND,
    WEB,
    address,
    healthy,
    on,
    seen,
    server,
    setting,
    status,
)

from lvsnat.doctor.beside import Listens, Program, Rival
from lvsnat.doctor.facts import Facts, Neighbour, Sample, SelfFacts
from lvsnat.doctor.finding import Severity
from lvsnat.doctor.rules.wires import ARP_IGNORE, FORWARDING, GC_THRESH
from lvsnat.host.rulewords import Json
from lvsnat.model.config import Timeouts
from lvsnat.model.connection import TableState
from lvsnat.model.endpoint import Endpoint, Family, parse_listener
from lvsnat.model.health import CheckType, HealthCheck
from lvsnat.model.mode import Mode
from lvsnat.model.phase import Phase
from lvsnat.model.service import RealServer, Scheduler, SchedulerFlag, VirtualService
from lvsnat.model.status import Counters, ServiceStats, Sync
from lvsnat.model.switch import Standing

MARKED = VirtualService("ftp", parse_listener("fwmark/7"), servers=(RealServer(FIRST),))
SEVERAL = replace(WEB, listen=parse_listener("tcp/192.168.1.50:21,40000-40100"))
KEEPALIVED = Program(812, "keepalived", "/etc/keepalived/keepalived.conf")


def chain(name: str, hook: str, kind: str = "filter", **more: Json) -> Mapping[str, Json]:
    place: dict[str, Json] = {"family": "ip", "table": "t", "name": name, "hook": hook}
    return {"chain": {**place, "type": kind, "prio": 0, "policy": "accept", **more}}


def rule(name: str, *statements: Json) -> Mapping[str, Json]:
    return {"rule": {"family": "ip", "table": "t", "chain": name, "expr": [*statements]}}


def port(number: int) -> Json:
    left: Json = {"payload": {"protocol": "tcp", "field": "dport"}}
    return {"match": {"op": "==", "left": left, "right": number}}


def listed(*listing: Mapping[str, Json], **settings: str) -> Facts:
    known = {**HOST.settings, **{name.replace("__", "."): v for name, v in settings.items()}}
    return on(replace(HOST, listing=listing, settings=known))


TRACKED = {"net__ipv4__vs__conntrack": "1"}


def counted(**grown: int) -> Facts:
    now = status()
    zero = dict.fromkeys(grown, 0)
    samples = (Sample(0, now, counters=zero), Sample(3, now, counters=grown))
    return replace(healthy(), samples=samples)


def scheduled(scheduler: Scheduler, first: int, *flags: SchedulerFlag) -> Facts:
    service = replace(WEB, scheduler=scheduler, flags=frozenset(flags))
    return seen(status(server(FIRST, weight=first), server(SECOND), service=service))


def serving(service: VirtualService, *, packets: int = 0) -> Facts:
    now = status(server(FIRST), service=service)
    stats = ServiceStats(Counters(packets_in=packets))
    known = tuple(replace(one, stats=stats) for one in now.services)
    return replace(seen(replace(now, services=known)), config=CONFIG.with_services((service,)))


def own(facts: SelfFacts) -> Facts:
    return replace(healthy(), own=facts)


def rival(*, places: tuple[str, ...] = (), marks: tuple[int, ...] = ()) -> Facts:
    what = Listens(frozenset(map(Endpoint.parse, places)), frozenset(marks))
    return on(replace(HOST, rivals=(Rival(KEEPALIVED, what),)))


OTHERS = replace(
    status(), services=tuple(replace(one, sync=Sync.UNMANAGED) for one in status().services)
)
TO_HAPROXY = Standing(Phase.BOTH, Mode.HAPROXY_TPROXY)
BROKEN, RISK, NOTE = Severity.BROKEN, Severity.RISK, Severity.NOTE

MORE: dict[str, tuple[Facts, str, Severity]] = {
    "no scheduler": (
        replace(on(replace(HOST, lacking=frozenset({"ip_vs_wlc"}))), status=None, samples=None),
        "SCHEDULER_MISSING", BROKEN,
    ),
    "a VIP whose network is on lo": (
        on(replace(HOST, assigned=(*ASSIGNED, address("192.168.1.50/24", "lo")))),
        "VIP_NETMASK", BROKEN,
    ),
    "a VIP whose network is on another interface": (
        on(replace(HOST, assigned=(*ASSIGNED, address("192.168.1.50/24", "eth1")))),
        "VIP_NETMASK", RISK,
    ),
    "a VIP elsewhere, and arp_ignore 1": (
        on(replace(HOST, assigned=(*ASSIGNED[:2], address("192.168.1.50/32", "lo"), ASSIGNED[3]),
                   places={ARP_IGNORE: {"all": "1", "eth0": "0"}})),
        "VIP_NO_ARP", BROKEN,
    ),
    "arp_ignore 8": (on(replace(HOST, places={ARP_IGNORE: {"all": "0", "eth0": "8"}})),
                     "VIP_NO_ARP", BROKEN),
    "an IPv6 VIP that somebody has": (
        on(replace(HOST, assigned=(*ASSIGNED,
                                   replace(address("192.168.1.50/32", "eth0"), duplicate=True)))),
        "VIP_DUPLICATE", BROKEN,
    ),
    "neighbours nearly full": (
        on(replace(
            HOST, settings={**HOST.settings, GC_THRESH[Family.IPV4]: "10"},
            neighbours={ip_address(f"192.168.2.{n}"): Neighbour.ANSWERS for n in range(9)})),
        "NEIGHBOURS_FULL", RISK,
    ),
    "neighbours full": (
        on(replace(HOST, settings={**HOST.settings, GC_THRESH[Family.IPV4]: "2"},
                   neighbours=dict.fromkeys((FIRST.address, SECOND.address), Neighbour.ANSWERS))),
        "NEIGHBOURS_FULL", BROKEN,
    ),
    "fragments": (counted(IpReasmFails=4, Ip6ReasmFails=1), "FRAGMENTS_LOST", RISK),
    "too big": (counted(IpFragFails=1), "TOO_BIG", NOTE),
    "an interface that does not forward": (
        on(replace(HOST, places={FORWARDING: {"all": "1", "eth0": "1", "eth1": "0"}})),
        "IP_FORWARD", BROKEN,
    ),
    "prerouting drops": (listed(chain("p", "prerouting", policy="drop")), "INPUT_DROPS", BROKEN),
    "ingress drops": (listed(chain("p", "ingress", policy="drop", family="netdev")),
                      "INPUT_DROPS", BROKEN),
    "icmp is dropped": (
        listed(chain("i", "input", policy="drop"), rule("i", port(80), {"accept": None})),
        "ICMP_DROPS", RISK,
    ),
    "output drops": (listed(chain("o", "output", policy="drop")), "OUTPUT_DROPS", BROKEN),
    "a port of a container": (
        listed(chain("p", "prerouting", "nat"), chain("d", ""),
               rule("p", {"xt": {"type": "match", "name": "addrtype"}},
                    {"jump": {"target": "d"}}),
               rule("d", port(80), {"xt": {"type": "target", "name": "DNAT"}})),
        "REDIRECTED", BROKEN,
    ),
    "a redirect": (
        listed(chain("p", "prerouting", "nat"), rule("p", port(80), {"redirect": {"port": 8080}})),
        "REDIRECTED", BROKEN,
    ),
    "a rule of ipvs without conntrack": (
        listed(chain("p", "postrouting", "nat"),
               rule("p", {"xt": {"type": "match", "name": "ipvs"}}, {"masquerade": None}),
               net__ipv4__vs__conntrack="0"),
        "RULE_NEEDS_CONNTRACK", RISK,
    ),
    "a rule of ipvs, and a kernel without": (
        listed(chain("p", "postrouting", "nat"),
               rule("p", {"xt": {"type": "match", "name": "ipvs"}}, {"masquerade": None})),
        "RULE_NEEDS_CONNTRACK", RISK,
    ),
    "a flowtable": (
        listed(chain("f", "forward"), rule("f", {"flow": {"op": "add", "flowtable": "@f"}}),
               **TRACKED),
        "FLOWTABLE", BROKEN,
    ),
    "a flowtable for some": (
        listed(chain("f", "forward"),
               rule("f", {"limit": {"rate": 1, "per": "second"}},
                    {"flow": {"op": "add", "flowtable": "@f"}}),
               **TRACKED),
        "FLOWTABLE", RISK,
    ),
    "no rule for a mark": (serving(MARKED), "MARK_UNSET", BROKEN),
    "no rule for a mark any more": (serving(MARKED, packets=7), "MARK_UNSET", RISK),
    "a rule that takes marks away": (
        replace(serving(SEVERAL), host=replace(HOST, listing=(
            chain("p", "prerouting", prio=0),
            rule("p", {"mangle": {"key": {"meta": {"key": "mark"}}, "value": 1}})))),
        "MARK_LOST", BROKEN,
    ),
    "no rerouting": (setting("net.ipv4.vs.snat_reroute", "0"), "SNAT_REROUTE", RISK),
    "sloppy": (setting("net.ipv4.vs.sloppy_tcp", "1"), "SLOPPY_TCP", NOTE),
    "short timeouts": (replace(healthy(), timeouts=Timeouts(60, 30, 300)), "IDLE_TIMEOUT", NOTE),
    "long memory": (
        replace(listed(**TRACKED, net__netfilter__nf_conntrack_tcp_timeout_established="432000"),
                timeouts=Timeouts(900, 120, 300)),
        "CONNTRACK_TIMEOUT", NOTE,
    ),
    "table nearly full": (
        replace(healthy(), status=replace(status(), table=TableState(95, 100))),
        "TABLE_FULL", RISK,
    ),
    "keepalived": (rival(places=("192.168.1.50:80",)), "RIVAL", RISK),
    "keepalived, and a mark": (
        replace(serving(MARKED, packets=3), host=replace(
            rival(marks=(7,)).host or HOST, saved="-A PREROUTING -j MARK --set-mark 7")),
        "RIVAL", RISK,
    ),
    "made by others": (seen(OTHERS), "MADE_BY_OTHERS", RISK),
    "hashed and drained": (scheduled(Scheduler.SH, 0), "HASH_DRAINED", BROKEN),
    "hashed by Maglev, and drained": (scheduled(Scheduler.MH, 0), "HASH_DRAINED", BROKEN),
    "one server for all": (scheduled(Scheduler.LBLC, 1), "ONE_SERVER", RISK),
    "one server for all, and it may be drained": (scheduled(Scheduler.DH, 0), "HASH_DRAINED", RISK),
    "two configurations": (own(SelfFacts(config="a", others=("process 8 reads b",))),
                           "OTHER_CONFIG", RISK),
    "a trial": (own(SelfFacts(trial="/var/lib/lvsnat/try.json")), "TRIAL_PENDING", RISK),
    "a switch that stands": (own(SelfFacts(standing=TO_HAPROXY, overdue=True)),
                             "SWITCH_HALFWAY", RISK),
    "a switch that waits": (own(SelfFacts(standing=TO_HAPROXY)), "SWITCH_HALFWAY", NOTE),
    "a daemon that hangs": (own(SelfFacts(daemon=True, daemon_quiet=140.0)), "DAEMON_STUCK", RISK),
    "a daemon that is refused": (own(SelfFacts(daemon=True, daemon_problems=("refused: x",))),
                                 "DAEMON_STUCK", RISK),
    "a daemon that is not there after a boot": (
        replace(own(SelfFacts(systemd=True, enabled=True, daemon=True)),
                config=CONFIG.with_services((replace(WEB, check=HealthCheck(CheckType.TCP)),))),
        "NOT_AT_BOOT", NOTE,
    ),
    "a table that ipvsadm restores": (
        on(replace(HOST, restoring="/etc/default/ipvsadm")), "RESTORE_AT_BOOT", RISK,
    ),
}  # fmt: skip

HARMLESS: dict[str, Facts] = {
    "a VIP with the network of its own interface": on(
        replace(HOST, assigned=(*ASSIGNED, address("192.168.1.50/24", "eth0")))
    ),
    "arp_ignore 1 where the VIP is": on(
        replace(HOST, places={ARP_IGNORE: {"all": "1", "eth0": "1"}})
    ),
    "another's keepalived": rival(places=("192.168.1.51:80",), marks=(8,)),
    "a fallback": scheduled(Scheduler.SH, 0, SchedulerFlag.SH_FALLBACK),
    "dh with one server": seen(status(server(FIRST), service=replace(WEB, scheduler=Scheduler.DH))),
    "a mark that iptables sets": replace(
        serving(MARKED),
        host=replace(HOST, saved="-A PREROUTING -p tcp -j MARK --set-xmark 0x7/0xffffffff"),
    ),
    "a mark that comes from elsewhere": replace(
        serving(MARKED),
        host=replace(
            HOST,
            listing=(
                chain("p", "prerouting"),
                rule(
                    "p",
                    {
                        "mangle": {
                            "key": {"meta": {"key": "mark"}},
                            "value": {"ct": {"key": "mark"}},
                        }
                    },
                ),
            ),
        ),
    ),
    "a flowtable without conntrack": listed(
        chain("f", "forward"), rule("f", {"flow": {"op": "add", "flowtable": "@f"}})
    ),
    "a redirect of another port": listed(
        chain("p", "prerouting", "nat"), rule("p", port(81), {"redirect": {"port": 8080}})
    ),
    "ICMP is let in": listed(
        chain("i", "input", policy="drop"),
        rule("i", port(80), {"accept": None}),
        rule(
            "i",
            {
                "match": {
                    "op": "==",
                    "left": {"payload": {"protocol": "icmp", "field": "type"}},
                    "right": {"set": ["echo-request", "destination-unreachable"]},
                }
            },
            {"accept": None},
        ),
    ),
}
"""What looks like one of these causes, and is none."""
