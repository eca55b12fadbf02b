"""What the doctor makes of HAProxy and of the way of the replies to it, cause by cause."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_address

import pytest
from unit.doctor.patients import ASSIGNED, CLIENT, FIRST, HOST, NEIGHBOUR, SECOND
from unit.doctor.proxied_patients import (
    FORWARDED,
    HEALTHY,
    PROXIED,
    ROUTE,
    RULE,
    SERVING,
    TABLE,
    V4,
    WEB_PLACE,
    carried,
    proxied,
    transparent,
)

from lvsnat.doctor.diagnose import diagnose
from lvsnat.doctor.facts import Facts, Probed, Probes, Reply
from lvsnat.doctor.finding import Severity
from lvsnat.doctor.names import Code
from lvsnat.doctor.proxyfacts import Load, ProxyFacts
from lvsnat.host.returns import Return
from lvsnat.host.routes import PolicyRule
from lvsnat.host.rulewords import Json
from lvsnat.host.seen import Answer, SeenRule
from lvsnat.host.transparency import SRC_VALID_MARK
from lvsnat.model.carrier import Carrier
from lvsnat.model.caution import Caution
from lvsnat.model.config import HaproxyOptions
from lvsnat.model.endpoint import Listener, parse_listener
from lvsnat.model.phase import Phase
from lvsnat.model.service import RealServer
from lvsnat.model.status import (
    DirectorStatus,
    Health,
    HealthState,
    HostStatus,
    ServerStats,
    ServiceStatus,
    Sync,
)


def found(facts: Facts) -> list[tuple[str, str]]:
    return [(str(one.code), str(one.severity)) for one in diagnose(facts)]


def firewalled(*listing: Mapping[str, Json], saved: str = "") -> Facts:
    return replace(transparent(), host=replace(HOST, listing=listing, saved=saved))


def setting(name: str, value: str, proxy: ProxyFacts = HEALTHY) -> Facts:
    settings = {**HOST.settings, name: value}
    return replace(transparent(proxy), host=replace(HOST, settings=settings))


def without(lacking: HostStatus, **seen: dict[str, str]) -> DirectorStatus:
    """A status in which something of the host is missing, or is another one."""
    changed = replace(lacking, sync=Sync.CHANGED if seen else Sync.MISSING, seen=seen.get("seen"))
    return proxied(host=tuple(changed if one is lacking else one for one in (ROUTE, RULE, TABLE)))


def gone() -> DirectorStatus:
    """Nothing of HAProxy's is there."""
    now = proxied()
    missing = [
        replace(one, sync=Sync.MISSING, seen=None, stats=None) for one in now.services[0].servers
    ]
    service = replace(now.services[0], sync=Sync.MISSING, seen=None, servers=tuple(missing))
    return replace(now, services=(service,))


def beside(listen: Listener) -> DirectorStatus:
    """Somebody else's service of IPVS."""
    theirs = ServiceStatus(listen, Sync.UNMANAGED)
    return replace(proxied(), services=(*proxied().services, theirs))


def probed(first: Probed) -> Facts:
    fine = Probed(Reply.ANSWERED, Reply.ANSWERED, Reply.ANSWERED)
    return replace(transparent(), probes=Probes({FIRST: first, SECOND: fine}))


DOWN = replace(
    HEALTHY, serving=None, lost="/run/x.sock", heard=frozenset(), processes=frozenset(), loads={}
)
UNFIT = Caution("HAProxy 2.4 is too old", "install 2.6 or later")
INPUT: dict[str, Json] = {
    "family": "inet", "table": "f", "name": "i", "type": "filter", "hook": "input", "prio": 0,
    "policy": "drop",
}  # fmt: skip
SERVED: dict[str, Json] = {
    "family": "inet", "table": "f", "chain": "i",
    "expr": [
        {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}},
                   "right": 80}},
        {"accept": None},
    ],
}  # fmt: skip
LATE: dict[str, Json] = {
    "family": "ip", "table": "m", "name": "late", "type": "filter", "hook": "prerouting",
    "prio": 0, "policy": "accept",
}  # fmt: skip
ZERO: dict[str, Json] = {
    "family": "ip", "table": "m", "chain": "late",
    "expr": [{"mangle": {"key": {"meta": {"key": "mark"}}, "value": 0}}],
}  # fmt: skip
POSTROUTING: dict[str, Json] = {
    "family": "ip", "table": "nat", "name": "POSTROUTING", "type": "nat", "hook": "postrouting",
    "prio": 100, "policy": "accept",
}  # fmt: skip
MASQUERADE: dict[str, Json] = {
    "family": "ip", "table": "nat", "chain": "POSTROUTING", "expr": [{"masquerade": None}],
}  # fmt: skip
FIRST_RULE = SeenRule(V4, 10, table=254)
SHADOWED = replace(
    HEALTHY,
    rules={V4: (FIRST_RULE, *HEALTHY.rules[V4])},
    routes={**HEALTHY.routes, (V4, 254): (replace(HEALTHY.routes[V4, 233][0], kind=1),)},
)
BUSY = replace(carried(FIRST), seen=RealServer(FIRST, 1, 2), stats=ServerStats(2))

CASES: dict[str, tuple[Facts, str, Severity]] = {
    "not installed": (
        transparent(replace(DOWN, installed=False, unfit=UNFIT), gone()),
        "HAPROXY_MISSING", Severity.BROKEN,
    ),
    "removed while it runs": (
        transparent(replace(HEALTHY, installed=False, unfit=UNFIT)),
        "HAPROXY_MISSING", Severity.RISK,
    ),
    "too old": (transparent(replace(DOWN, unfit=UNFIT), gone()), "HAPROXY_UNFIT", Severity.BROKEN),
    "killed": (transparent(DOWN, gone()), "HAPROXY_DOWN", Severity.BROKEN),
    "killed, and another has the port": (
        transparent(replace(DOWN, takers={WEB_PLACE: "nginx (process 12)"}), gone()),
        "PORT_TAKEN", Severity.BROKEN,
    ),
    "stopped": (
        transparent(replace(HEALTHY, serving=None, hangs=Caution("no answer", "kill it")), gone()),
        "HAPROXY_SILENT", Severity.BROKEN,
    ),
    "its socket is gone": (
        transparent(replace(HEALTHY, serving=None, lost="/run/x.sock"), gone()),
        "HAPROXY_SILENT", Severity.RISK,
    ),
    "its master hangs": (
        transparent(replace(HEALTHY, hangs=Caution("no answer", "kill it"))),
        "HAPROXY_SILENT", Severity.RISK,
    ),
    "another configuration": (
        transparent(replace(HEALTHY, serving=replace(SERVING, current=False))),
        "HAPROXY_STALE", Severity.RISK,
    ),
    "a reload failed": (
        transparent(replace(HEALTHY, serving=replace(SERVING, current=False), failed=1)),
        "HAPROXY_STALE", Severity.RISK,
    ),
    "IPVS has the port": (
        transparent(now=beside(parse_listener("tcp/192.168.1.50:80"))),
        "IPVS_FIRST", Severity.BROKEN,
    ),
    "nobody listens": (
        transparent(replace(HEALTHY, heard=frozenset())), "HAPROXY_DEAF", Severity.BROKEN
    ),
    "the process is full": (
        transparent(replace(HEALTHY, serving=replace(SERVING, connections=20_000))),
        "HAPROXY_FULL", Severity.BROKEN,
    ),
    "a service is nearly full": (
        transparent(replace(HEALTHY, loads={"web": Load(9, 10)})), "HAPROXY_FULL", Severity.RISK
    ),
    "no right to be transparent": (
        transparent(replace(HEALTHY, serving=replace(SERVING, transparent=False)), None, CLIENT),
        "HAPROXY_RIGHTS", Severity.BROKEN,
    ),
    "no source port": (
        transparent(replace(HEALTHY, ports={(CLIENT.address, FIRST): 22_528}), None, CLIENT),
        "PORTS_EXHAUSTED", Severity.BROKEN,
    ),
    "few source ports": (
        transparent(replace(HEALTHY, ports={(CLIENT.address, FIRST): 21_000})),
        "PORTS_EXHAUSTED", Severity.RISK,
    ),
    "another range of source ports": (
        setting("net.ipv4.ip_local_port_range", "32768 60999"), "PORT_RANGE", Severity.RISK
    ),
    "connections wait for a server": (
        transparent(replace(HEALTHY, loads={"web": Load(3, 100, 1)}), proxied(BUSY)),
        "THRESHOLD", Severity.BROKEN,
    ),
    "input drops replies": (
        replace(
            transparent(now=proxied(replace(carried(FIRST), checked=Health(HealthState.DOWN)))),
            host=replace(HOST, listing=({"chain": INPUT}, {"rule": SERVED})),
        ),
        "INPUT_REPLIES", Severity.BROKEN,
    ),
    "no nft table": (transparent(HEALTHY, without(TABLE), CLIENT),
                     "DIVERT_MISSING", Severity.BROKEN),
    "another nft table": (
        transparent(HEALTHY, without(TABLE, seen={"divert": "accept"}), CLIENT),
        "DIVERT_MISSING", Severity.BROKEN,
    ),
    "the mark is taken away": (
        replace(transparent(HEALTHY, None, CLIENT),
                host=replace(HOST, listing=({"chain": LATE}, {"rule": ZERO}))),
        "REPLY_MARK_LOST", Severity.BROKEN,
    ),
    "iptables takes the mark away": (
        firewalled(saved="*mangle\n-A PREROUTING -j MARK --set-xmark 0x0/0xffffffff\n"),
        "REPLY_MARK_LOST", Severity.BROKEN,
    ),
    "no routing rule": (
        transparent(replace(HEALTHY, rules={V4: ()}, returns=()), without(RULE), CLIENT),
        "MARK_RULE_MISSING", Severity.BROKEN,
    ),
    "another rule is first": (
        transparent(replace(SHADOWED, returns=FORWARDED), None, CLIENT),
        "MARK_RULE_SHADOWED", Severity.BROKEN,
    ),
    "another rule is first, and does no harm": (
        transparent(SHADOWED), "MARK_RULE_SHADOWED", Severity.RISK
    ),
    "no route": (
        transparent(replace(HEALTHY, routes={}, returns=FORWARDED), without(ROUTE), CLIENT),
        "MARK_ROUTE_MISSING", Severity.BROKEN,
    ),
    "src_valid_mark": (
        setting(SRC_VALID_MARK, "all=1", replace(
            HEALTHY, returns=(Return(FIRST.address, "eth1", Answer(None, error=errno.EINVAL)),)
        )),
        "SRC_VALID_MARK", Severity.BROKEN,
    ),
    "src_valid_mark that does no harm": (
        setting(SRC_VALID_MARK, "eth7=1"), "SRC_VALID_MARK", Severity.RISK
    ),
    "no forwarding, and HAProxy alone": (
        setting("net.ipv4.ip_forward", "0"), "IP_FORWARD", Severity.RISK
    ),
    "the kernel would forward, and nobody knows why": (
        transparent(replace(HEALTHY, returns=FORWARDED), None, CLIENT),
        "REPLY_LOST", Severity.BROKEN,
    ),
    "the reply comes here and not to the socket": (
        probed(Probed(Reply.ANSWERED, Reply.ANSWERED, Reply.SILENT)),
        "REPLY_LOST", Severity.BROKEN,
    ),
    "masquerading": (
        firewalled({"chain": POSTROUTING}, {"rule": MASQUERADE}),
        "MASQUERADED", Severity.BROKEN,
    ),
    "replies go elsewhere, proven": (
        probed(Probed(Reply.ANSWERED, Reply.SILENT, Reply.SILENT)), "RS_GATEWAY", Severity.BROKEN
    ),
    "replies go elsewhere, by all appearances": (
        transparent(HEALTHY, None, CLIENT), "RS_GATEWAY", Severity.BROKEN
    ),
    "a client beside the server": (
        transparent(HEALTHY, None, NEIGHBOUR), "CLIENT_SAME_SUBNET", Severity.BROKEN
    ),
    "HAProxy's own check fails": (
        transparent(now=proxied(
            replace(carried(FIRST), stats=ServerStats(health=Health(HealthState.DOWN))),
            carried(SECOND),
        )),
        "SERVER_DOWN", Severity.RISK,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_cause_is_found_and_nothing_else(case: str) -> None:
    facts, code, severity = CASES[case]

    assert found(facts) == [(code, str(severity))]


def test_no_finding_of_a_healthy_director() -> None:
    assert found(transparent()) == []


def test_nothing_of_haproxy_is_told_in_lvs_nat() -> None:
    facts = transparent(replace(DOWN, unfit=UNFIT))

    assert found(replace(facts, config=replace(PROXIED, mode=PROXIED.mode.LVS_NAT))) == []


def test_while_the_modes_are_switched_both_may_have_a_port() -> None:
    facts = transparent(now=beside(parse_listener("tcp/192.168.1.50:80")))
    switching = replace(PROXIED, switching=Phase.BOTH)

    assert "IPVS_FIRST" not in dict(found(replace(facts, config=switching)))


@pytest.mark.parametrize(
    ("listen", "first"),
    [
        ("tcp/192.168.1.50:80", True),
        ("tcp/192.168.1.50:79-81", True),
        ("tcp/192.168.1.50:81", False),
        ("udp/192.168.1.50:80", False),
        ("tcp/192.168.1.51:80", False),
        ("fwmark/80", False),
    ],
)
def test_ipvs_is_first_only_where_a_port_is_the_same(
    listen: str,
    first: bool,  # noqa: FBT001 - a test's own
) -> None:
    codes = dict(found(transparent(now=beside(parse_listener(listen)))))

    assert ("IPVS_FIRST" in codes) is first


def test_what_was_not_applied_is_not_called_deaf() -> None:
    assert found(transparent(replace(HEALTHY, heard=frozenset()), gone())) == [
        ("NOT_APPLIED", "broken")
    ]


def test_of_several_addresses_the_one_with_most_ports_is_named() -> None:
    other = ip_address("203.0.113.99")
    ports = {(CLIENT.address, FIRST): 21_000, (other, FIRST): 22_000, (other, SECOND): 2}

    (finding,) = diagnose(transparent(replace(HEALTHY, ports=ports)))

    assert finding.seen == "203.0.113.99 has 22000 of 22528 ports"


def test_a_neighbour_is_served_from_the_directors_own_address() -> None:
    (finding,) = diagnose(transparent(HEALTHY, None, NEIGHBOUR))

    assert 'local_networks = ["192.168.2.0/24"]' in finding.remedy


def test_some_clients_only() -> None:
    now, later = (proxied(carried(FIRST, came=came), carried(SECOND)) for came in (5, 500))
    facts = transparent(HEALTHY, now, CLIENT)
    assert facts.samples is not None
    first, second = facts.samples

    assert found(replace(facts, samples=(first, replace(second, status=later)))) == [
        ("RS_BYPASS", "risk")
    ]


def test_what_is_missing_has_the_resource_that_mends_it() -> None:
    (finding,) = diagnose(CASES["no routing rule"][0])

    assert finding.fix is not None
    assert finding.fix.keys == (PolicyRule(V4, 1, 233, 100).key,)


def test_the_remedy_of_a_range_can_be_typed() -> None:
    facts, _, _ = CASES["another range of source ports"]
    unmanaged = replace(PROXIED, host=replace(PROXIED.host, manage_sysctl=False))

    (finding,) = diagnose(replace(facts, config=unmanaged))

    assert finding.remedy == "'sysctl -w net.ipv4.ip_local_port_range=\"10240 32767\"'"


def test_a_server_of_udp_is_judged_by_its_own_answers() -> None:
    service = replace(
        proxied().services[0], listen=parse_listener("udp/192.168.1.50:53"), name="dns",
        carriers=(Carrier.IPVS,),
    )  # fmt: skip
    now = replace(proxied(), services=(service,))
    fine = Probed(Reply.ANSWERED, Reply.ANSWERED)
    silent = Probes({FIRST: fine}, datagrams={FIRST: Probed(Reply.ANSWERED, Reply.SILENT)})

    assert found(replace(transparent(now=now), probes=silent)) == [("RS_GATEWAY", "broken")]
    assert found(replace(transparent(now=now), probes=Probes({FIRST: fine}))) == []


def test_local_networks_that_are_given_stay_in_the_remedy() -> None:
    given = replace(PROXIED, haproxy=HaproxyOptions((ASSIGNED[1].network,)))

    (finding,) = diagnose(replace(transparent(HEALTHY, None, NEIGHBOUR), config=given))

    assert 'local_networks = ["192.168.1.0/24", "192.168.2.0/24"]' in finding.remedy


def test_each_code_of_haproxy_is_made_here() -> None:
    made = {code for _, code, _ in CASES.values()}

    assert {one for one in Code if str(one.group) == "haproxy"} <= made
