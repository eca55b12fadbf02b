"""What the doctor makes of facts, cause by cause."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest
from unit.doctor.cases_more import HARMLESS, MORE
from unit.doctor.patients import (
    ASSIGNED,
    CLIENT,
    CONFIG,
    FIRST,
    HOST,
    NEIGHBOUR,
    SECOND,
    VIP,
    WAYS,
    WEB,
    address,
    given_up,
    healthy,
    held_back,
    on,
    refusing,
    rising,
    seen,
    server,
    setting,
    status,
    waiting,
    way,
)

from lvsnat.doctor.diagnose import diagnose
from lvsnat.doctor.facts import (
    Facts,
    Fault,
    FileMode,
    Flow,
    Neighbour,
    Probed,
    Probes,
    Reply,
    Sample,
    SelfFacts,
    Socket,
    SocketState,
)
from lvsnat.doctor.finding import Severity
from lvsnat.host.rulewords import Json
from lvsnat.host.seen import Answer
from lvsnat.model.config import Config
from lvsnat.model.connection import TableState
from lvsnat.model.endpoint import Endpoint, Protocol, parse_listener
from lvsnat.model.health import CheckType, HealthCheck
from lvsnat.model.mode import Mode
from lvsnat.model.phase import Phase
from lvsnat.model.service import Persistence, RealServer, VirtualService
from lvsnat.model.status import (
    Health,
    HealthState,
    HostStatus,
    ServerStats,
    ServerStatus,
    Sync,
)
from lvsnat.model.switch import Standing


def found(facts: Facts) -> list[tuple[str, str]]:
    return [(str(one.code), str(one.severity)) for one in diagnose(facts)]


def own(facts: SelfFacts) -> Facts:
    return replace(healthy(), own=facts)


def probed(first: Probed) -> Facts:
    fine = Probed(Reply.ANSWERED, Reply.ANSWERED)
    return replace(healthy(), probes=Probes({FIRST: first, SECOND: fine}))


def table(state: TableState) -> Facts:
    return replace(healthy(), status=replace(status(), table=state))


def down(detail: str = "connection refused", *, weight: int = 1) -> ServerStatus:
    return replace(server(FIRST, weight=weight), checked=Health(HealthState.DOWN, detail, 3))


INPUT: dict[str, Json] = {
    "family": "inet",
    "table": "f",
    "name": "i",
    "type": "filter",
    "hook": "input",
    "prio": 0,
    "policy": "drop",
}
FORWARD: dict[str, Json] = {**INPUT, "name": "forward", "hook": "forward"}
POSTROUTING: dict[str, Json] = {
    "family": "ip",
    "table": "nat",
    "name": "POSTROUTING",
    "type": "nat",
    "hook": "postrouting",
    "prio": 100,
    "policy": "accept",
}
MASQUERADE: dict[str, Json] = {
    "family": "ip",
    "table": "nat",
    "chain": "POSTROUTING",
    "expr": [{"masquerade": None}],
}

CHECKED = replace(WEB, check=HealthCheck(CheckType.TCP))
DNS = VirtualService("dns", parse_listener("udp/192.168.1.50:53"), servers=(RealServer(FIRST),))

PORT_TAKEN = Socket(
    Protocol.TCP, Endpoint(VIP, 80), Endpoint.parse("0.0.0.0:0"), SocketState.LISTENING
)

FILTERED = "TcpExtIPReversePathFilter"
CASES: dict[str, tuple[Facts, str, Severity]] = {
    "no module": (
        replace(on(replace(HOST, ipvs=False)), status=None, samples=None),
        "IPVS_MISSING", Severity.BROKEN,
    ),
    "no VIP": (on(replace(HOST, assigned=ASSIGNED[:2] + ASSIGNED[3:])),
               "VIP_MISSING", Severity.BROKEN),
    "two have the VIP": (
        replace(healthy(), probes=Probes({}, {VIP: "06:1f:a2:33:44:55"})),
        "VIP_DUPLICATE", Severity.BROKEN,
    ),
    "strict, and the default route is elsewhere": (
        on(replace(HOST, filters={"eth0": "1"},
                   ways={one: way("eth1") for one in WAYS})),
        "RP_FILTER", Severity.BROKEN,
    ),
    "strict, and two interfaces in the servers' network": (
        on(replace(HOST, filters={"all": "1"},
                   assigned=(*ASSIGNED, address("192.168.2.11/24", "eth2")))),
        "RP_FILTER", Severity.RISK,
    ),
    "strict, and packets are dropped": (
        rising(FILTERED, replace(HOST, filters={"all": "1"}), by=3), "RP_FILTER", Severity.BROKEN,
    ),
    "connections are refused": (refusing(), "PORT_CLOSED", Severity.BROKEN),
    "conntrack nearly full": (
        on(replace(HOST, settings={**HOST.settings, "net.netfilter.nf_conntrack_count": "95",
                                   "net.netfilter.nf_conntrack_max": "100"})),
        "CONNTRACK_FULL", Severity.RISK,
    ),
    "conntrack full": (
        on(replace(HOST, settings={**HOST.settings, "net.netfilter.nf_conntrack_count": "100",
                                   "net.netfilter.nf_conntrack_max": "100"})),
        "CONNTRACK_FULL", Severity.BROKEN,
    ),
    "input drops": (on(replace(HOST, listing=({"chain": INPUT},))),
                    "INPUT_DROPS", Severity.BROKEN),
    "forward drops": (on(replace(HOST, listing=({"chain": FORWARD},))),
                      "FORWARD_DROPS", Severity.BROKEN),
    "masquerading": (
        on(replace(HOST, listing=({"chain": POSTROUTING}, {"rule": MASQUERADE}),
                   settings={**HOST.settings, "net.ipv4.vs.conntrack": "1"})),
        "MASQUERADED", Severity.BROKEN,
    ),
    "table full": (table(TableState(2, 2)), "TABLE_FULL", Severity.BROKEN),
    "no estimation": (table(TableState(estimating=False)), "NO_ESTIMATION", Severity.RISK),
    "no forwarding": (setting("net.ipv4.ip_forward", "0 net.ipv4.conf.eth0.forwarding=1"),
                      "IP_FORWARD", Severity.BROKEN),
    "redirects": (setting("net.ipv4.conf.*.send_redirects", "all=1 eth0=1"),
                  "SEND_REDIRECTS", Severity.RISK),
    "nodest": (setting("net.ipv4.vs.expire_nodest_conn", "0"), "EXPIRE_NODEST", Severity.RISK),
    "reuse on a new kernel": (setting("net.ipv4.vs.conn_reuse_mode", "0"),
                              "CONN_REUSE", Severity.RISK),
    "reuse on an old kernel": (on(replace(HOST, kernel=(5, 4))), "CONN_REUSE", Severity.RISK),
    "a server missing": (
        seen(status(replace(server(FIRST), sync=Sync.MISSING), server(SECOND))),
        "NOT_APPLIED", Severity.BROKEN,
    ),
    "a server of others' weight": (
        seen(status(replace(server(FIRST), sync=Sync.CHANGED), server(SECOND))),
        "NOT_APPLIED", Severity.RISK,
    ),
    "weights that somebody set to 0": (
        seen(status(held_back(FIRST), held_back(SECOND))), "NOT_APPLIED", Severity.BROKEN,
    ),
    "one weight that somebody set to 0": (
        seen(status(held_back(FIRST), server(SECOND))), "NOT_APPLIED", Severity.RISK,
    ),
    "no configuration": (
        Facts(Config(), own=SelfFacts(config="/etc/lvsnat/lvsnat.toml", absent=True, owned=2)),
        "CONFIG_MISSING", Severity.BROKEN,
    ),
    "a configuration that was emptied": (
        Facts(Config(), own=SelfFacts(config="/etc/lvsnat/lvsnat.toml", owned=1)),
        "CONFIG_MISSING", Severity.BROKEN,
    ),
    "no nft table": (
        seen(replace(status(), host=(HostStatus("nft table inet lvsnat", Sync.MISSING, {}),))),
        "NOT_APPLIED", Severity.BROKEN,
    ),
    "nobody alive": (seen(status(down())), "NO_SERVER_ALIVE", Severity.BROKEN),
    "nobody alive, and a sorry server": (
        seen(status(down(), replace(server(SECOND), sorry=True))),
        "NO_SERVER_ALIVE", Severity.RISK,
    ),
    "all weights 0": (seen(status(server(FIRST, weight=0))), "ALL_WEIGHTS_0", Severity.BROKEN),
    "no server": (
        seen(replace(status(), services=(replace(status().services[0], servers=()),))),
        "SERVICE_EMPTY", Severity.BROKEN,
    ),
    "a threshold": (
        seen(status(
            replace(server(FIRST), seen=RealServer(FIRST, 1, 2), stats=ServerStats(1, 1)),
            server(SECOND),
        )),
        "THRESHOLD", Severity.RISK,
    ),
    "a program listens": (on(replace(HOST, listening=(PORT_TAKEN,))),
                          "PORT_TAKEN", Severity.RISK),
    "no route to a server": (
        on(replace(HOST, ways={**WAYS, FIRST.address: Answer(None, error=101)})),
        "SERVER_NO_ROUTE", Severity.BROKEN,
    ),
    "nobody at a server's address": (
        on(replace(HOST, neighbours={FIRST.address: Neighbour.FAILED})),
        "SERVER_UNREACHABLE", Severity.BROKEN,
    ),
    "nobody at the router before a server": (
        on(replace(HOST, neighbours={ip_address("192.168.2.1"): Neighbour.FAILED},
                   ways={**WAYS, FIRST.address: way("eth1", "192.168.2.1")})),
        "SERVER_UNREACHABLE", Severity.BROKEN,
    ),
    "a server's check fails": (seen(status(down(), server(SECOND))),
                               "SERVER_DOWN", Severity.BROKEN),
    "a server was taken out": (seen(status(down(weight=0), server(SECOND))),
                               "SERVER_DOWN", Severity.RISK),
    "a server does not answer": (probed(Probed(Reply.SILENT, Reply.SILENT)),
                                 "SERVER_DOWN", Severity.BROKEN),
    "a server refuses": (probed(Probed(Reply.REFUSED, Reply.REFUSED)),
                         "PORT_CLOSED", Severity.BROKEN),
    "replies go elsewhere, proven": (probed(Probed(Reply.ANSWERED, Reply.SILENT)),
                                     "RS_GATEWAY", Severity.BROKEN),
    "replies go elsewhere, by all appearances": (waiting(CLIENT), "RS_GATEWAY", Severity.BROKEN),
    "replies went elsewhere lately": (
        given_up(CLIENT, now=status(server(FIRST, packets_out=0), server(SECOND))),
        "RS_GATEWAY", Severity.NOTE,
    ),
    "a client beside the server": (waiting(NEIGHBOUR), "CLIENT_SAME_SUBNET", Severity.BROKEN),
    "some clients only": (
        replace(waiting(CLIENT), probes=Probes({FIRST: Probed(Reply.ANSWERED, Reply.ANSWERED)})),
        "RS_BYPASS", Severity.RISK,
    ),
    "configuration": (
        Facts(own=SelfFacts(Fault("/etc/lvsnat/lvsnat.toml", "line 3", ""))),
        "CONFIG_BROKEN", Severity.BROKEN,
    ),
    "ledger": (Facts(own=SelfFacts(broken_state=(Fault("ledger.json", "not one", "move it"),))),
               "STATE_BROKEN", Severity.BROKEN),
    "health": (own(SelfFacts(health_problem="unreadable")), "HEALTH_UNREADABLE", Severity.RISK),
    "writable": (own(SelfFacts(files=(FileMode("lvsnat.toml", 0o664, root=True),))),
                 "FILE_MODE", Severity.RISK),
    "somebody else's": (own(SelfFacts(files=(FileMode("lvsnat.toml", 0o644, root=False),))),
                        "FILE_MODE", Severity.RISK),
    "not at boot": (own(SelfFacts(systemd=True)), "NOT_AT_BOOT", Severity.NOTE),
    "a check that nobody makes": (
        replace(healthy(), config=CONFIG.with_services((CHECKED,))),
        "IDLE_SETTING", Severity.RISK,
    ),
    **MORE,
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_cause_is_found_and_nothing_else(case: str) -> None:
    facts, code, severity = CASES[case]

    assert found(facts) == [(code, str(severity))]


@pytest.mark.parametrize("case", HARMLESS)
def test_what_only_looks_like_a_cause_is_no_finding(case: str) -> None:
    assert found(HARMLESS[case]) == []


@pytest.mark.parametrize(
    ("filters", "subjects"),
    [({"eth0": "1"}, ["net.ipv4.conf.eth0.rp_filter"]),
     ({"all": "1"}, ["net.ipv4.conf.eth0.rp_filter"]),
     ({"eth1": "1"}, ["net.ipv4.conf.eth1.rp_filter"]),
     ({"all": "2", "eth0": "1"}, []), ({"eth7": "1"}, [])],
)  # fmt: skip
def test_dropped_packets_are_told_of_where_clients_or_servers_are(
    filters: dict[str, str], subjects: list[str]
) -> None:
    host = replace(HOST, filters=filters)

    told = diagnose(rising(FILTERED, host, by=12))

    assert [one.subject for one in told] == subjects
    assert all("has dropped 12 packets within 3 seconds" in one.seen for one in told)
    assert found(rising(FILTERED, host, by=2)) == []


def test_dropped_packets_whose_cause_is_known_are_told_of_once() -> None:
    elsewhere = replace(HOST, filters={"all": "1"}, ways={one: way("eth1") for one in WAYS})

    assert found(rising(FILTERED, elsewhere, by=3)) == [("RP_FILTER", "broken")]


def test_replies_by_a_second_interface_are_lost_where_packets_are_dropped() -> None:
    second = (*ASSIGNED, address("192.168.2.11/24", "eth2"))

    (told,) = diagnose(
        rising(FILTERED, replace(HOST, filters={"eth2": "1"}, assigned=second), by=3)
    )

    assert (told.severity, told.subject) == (Severity.BROKEN, "net.ipv4.conf.eth2.rp_filter")
    assert told.why.startswith("replies of 192.168.2.55 that come in here")


UDP_WEB = replace(WEB, listen=parse_listener("udp/192.168.1.50:80"))


@pytest.mark.parametrize(
    "facts",
    [
        refusing(2),
        refusing(9, packets=8),
        refusing(9, size=44),  # Each was opened, and reset by its client.
        refusing(0, packets=9),  # Connections that were open are reset.
        refusing(9, packets=0),
        refusing(service=UDP_WEB),
    ],
)
def test_resets_are_no_sign_unless_each_of_several_connections_is_refused(facts: Facts) -> None:
    assert ("PORT_CLOSED", "broken") not in found(facts)


def test_a_look_that_is_shorter_than_the_kernels_beat_blames_nobody_for_sure() -> None:
    facts = waiting(CLIENT, now=status(server(FIRST, packets_out=0), server(SECOND)))
    assert facts.samples is not None
    first, second = facts.samples

    assert found(facts) == [("RS_GATEWAY", "broken")]
    assert found(replace(facts, samples=(first, replace(second, at=0.5)))) == [
        ("RS_GATEWAY", "note")
    ]


def test_old_attempts_that_are_kept_alive_blame_nobody_for_sure() -> None:
    for out, expected in ((0, [("RS_GATEWAY", "note")]), (5, [])):
        facts = waiting(CLIENT, now=status(server(FIRST, packets_out=out), server(SECOND)))
        assert facts.samples is not None
        first, second = facts.samples
        kept = replace(second, opening=first.opening)

        assert found(replace(facts, samples=(first, kept))) == expected


def test_after_a_look_that_took_its_time_nobody_seems_to_have_asked_again() -> None:
    facts = waiting(CLIENT)
    assert facts.samples is not None
    first, second = facts.samples
    counted = replace(second, opening={**second.opening, **dict.fromkeys(first.opening, 58)})

    assert found(replace(facts, samples=(first, counted))) == [("RS_GATEWAY", "broken")]
    assert found(replace(facts, samples=(replace(first, took=2), counted))) == []


def test_without_a_probe_a_server_that_is_off_is_not_ruled_out() -> None:
    (guessed,) = diagnose(waiting(CLIENT))
    (proven,) = diagnose(probed(Probed(Reply.ANSWERED, Reply.SILENT)))

    assert guessed.why.endswith("or it does not answer anybody")
    assert guessed.remedy.startswith("'lvsnat doctor --probe' tells which; ")
    assert "--probe" not in proven.remedy
    assert proven.why.endswith("does not lead here")


def test_no_finding_of_a_healthy_director() -> None:
    assert found(healthy()) == []


def test_a_weight_that_differs_is_told_with_both() -> None:
    (finding,) = diagnose(seen(status(held_back(FIRST), held_back(SECOND))))

    assert finding.seen == (f"{FIRST} weight 0, should be 1, {SECOND} weight 0, should be 1")
    assert "refused" in finding.why


def test_what_follows_from_a_kernel_without_ipvs_is_left_out() -> None:
    host = replace(
        HOST,
        ipvs=False,
        assigned=ASSIGNED[:2] + ASSIGNED[3:],
        settings={**HOST.settings, "net.ipv4.ip_forward": "0"},
    )

    assert found(replace(on(host), status=None, samples=None)) == [("IPVS_MISSING", "broken")]


def test_a_configuration_that_is_gone_is_why_the_mode_is_not_in_force() -> None:
    here = Standing(Phase.HAPROXY_TPROXY, Mode.LVS_NAT)
    own = SelfFacts(config="lvsnat.toml", absent=True, owned=1, standing=here)

    assert found(Facts(Config(), own=own)) == [("CONFIG_MISSING", "broken")]
    assert found(Facts(Config(), own=replace(own, owned=0))) == [("SWITCH_HALFWAY", "note")]


def test_persistence_and_the_setting_that_keeps_clients() -> None:
    service = replace(WEB, persistence=Persistence(60))
    facts = setting("net.ipv4.vs.expire_quiescent_template", "0")

    assert found(facts) == []
    assert found(replace(facts, config=CONFIG.with_services((service,)))) == [
        ("PERSISTENCE_DRAIN", "risk")
    ]


@pytest.mark.parametrize(
    ("weight", "left", "expected"), [(0, 299, True), (0, 296, False), (1, 299, False)]
)
def test_a_flow_is_stuck_while_packets_come(weight: int, left: int, *, expected: bool) -> None:
    now = status(server(FIRST, weight=weight), server(SECOND), service=DNS)
    flows = [(Flow(CLIENT, FIRST, "dns", 299),), (Flow(CLIENT, FIRST, "dns", left),)]
    samples = (Sample(0, now, {}, flows[0]), Sample(3, now, {}, flows[1]))
    facts = replace(healthy(), config=CONFIG.with_services((DNS,)), status=now, samples=samples)

    assert found(facts) == ([("UDP_STUCK", "risk")] if expected else [])


@pytest.mark.parametrize(
    "cause",
    ["no forwarding", "forward drops", "conntrack full", "two have the VIP",
     "strict, and the default route is elsewhere", "masquerading"],
)  # fmt: skip
def test_what_this_host_does_wrong_explains_that_replies_are_lost(cause: str) -> None:
    facts, code, _ = CASES[cause]

    for client in (CLIENT, NEIGHBOUR):
        assert found(replace(facts, samples=waiting(client).samples)) == [(code, "broken")]


def test_a_service_of_which_nobody_lives_needs_no_word_for_each_server() -> None:
    facts = seen(status(down(), replace(server(SECOND), checked=Health(HealthState.DOWN))))

    assert found(facts) == [("NO_SERVER_ALIVE", "broken")]


def test_a_client_that_has_given_up_is_no_sign_where_replies_came_before() -> None:
    assert found(given_up(CLIENT, now=status())) == []


def test_this_host_itself_is_no_client() -> None:
    assert found(waiting(Endpoint.parse("192.168.2.10:40000"))) == []


def test_counters_that_stand_still_prove_nothing() -> None:
    still = replace(status(), table=TableState(estimating=False))

    assert ("RS_GATEWAY", "broken") not in found(waiting(CLIENT, now=still))


def test_a_flood_of_strangers_is_no_bypass() -> None:
    clients = [Endpoint.parse(f"203.0.{third}.9:1") for third in range(40)]
    fine = Probes({FIRST: Probed(Reply.ANSWERED, Reply.ANSWERED)})

    assert found(replace(waiting(*clients), probes=fine)) == []


def test_the_remedy_of_a_setting_is_sysctls_where_lvsnat_sets_none() -> None:
    facts = setting("net.ipv4.conf.*.send_redirects", "all=1 eth0.5=1")
    unmanaged = replace(CONFIG, host=replace(CONFIG.host, manage_sysctl=False))

    (managed,) = diagnose(facts)
    (by_hand,) = diagnose(replace(facts, config=unmanaged))

    assert managed.remedy == "'lvsnat apply'"
    assert managed.fix is not None
    assert by_hand.fix is None
    assert by_hand.remedy == (
        "'sysctl -w net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth0/5.send_redirects=0'"
    )


def test_ec2_is_mentioned_where_it_is() -> None:
    (elsewhere,) = diagnose(waiting(CLIENT))
    (there,) = diagnose(replace(waiting(CLIENT), host=replace(HOST, ec2=True)))

    assert "aws verify" not in elsewhere.remedy
    assert "aws verify" in there.remedy
