"""What each step says of a packet, from values."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import cast

import pytest
from unit.doctor.patients import (
    ASSIGNED,
    CLIENT,
    CONFIG,
    FIRST,
    HOST,
    NEIGHBOUR,
    SECOND,
    WAYS,
    WEB,
    address,
    given_up,
    healthy,
    held_back,
    on,
    seen,
    server,
    setting,
    status,
    waiting,
    way,
)
from unit.doctor.trace.travellers import (
    FINE,
    HERE,
    LOOKUPS,
    MARKED,
    RANGE,
    ROUTER,
    at,
    chain,
    failing,
    followed,
    held,
    probed,
    rule,
    template,
)

from lvsnat.doctor.facts import (
    Facts,
    HostFacts,
    Neighbour,
    Probed,
    Probes,
    Reply,
    Socket,
    SocketState,
)
from lvsnat.doctor.trace.journey import Lookups
from lvsnat.doctor.trace.step import Place, Verdict
from lvsnat.host.rulewords import Json
from lvsnat.host.seen import Answer
from lvsnat.model.carrier import Carrier
from lvsnat.model.endpoint import Endpoint, Protocol
from lvsnat.model.mode import Mode
from lvsnat.model.override import Override, Reason
from lvsnat.model.phase import Phase
from lvsnat.model.service import Persistence, RealServer, Scheduler
from lvsnat.model.status import (
    DirectorStatus,
    Health,
    HealthState,
    HostStatus,
    ServerStats,
    Sync,
)

QUIESCENT = "net.ipv4.vs.expire_quiescent_template"
PORT_22: Json = {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}},
                           "right": 22}}  # fmt: skip
FROM_CLIENT: Json = {
    "match": {
        "op": "==",
        "left": {"payload": {"protocol": "ip", "field": "saddr"}},
        "right": {"prefix": {"addr": "203.0.113.0", "len": 24}},
    }
}
SOMETIMES: Json = {"match": {"op": "==", "left": {"meta": {"key": "hour"}}, "right": "12:00"}}


def ruled(*listing: Json, tracked: bool = False, facts: Facts | None = None) -> Facts:
    """Facts with these rules of others."""
    known = facts or probed()
    assert known.host is not None
    settings = {**known.host.settings, "net.ipv4.vs.conntrack": "1" if tracked else "0"}
    rules = tuple(cast("Mapping[str, Json]", one) for one in listing)
    return replace(known, host=replace(known.host, listing=rules, settings=settings))


def hosted(facts: Facts, host: HostFacts) -> Facts:
    return replace(facts, host=host)


def test_a_healthy_way_is_all_ok_and_works() -> None:
    trace = followed()

    assert {one.verdict for one in trace.steps} == {Verdict.OK}
    assert trace.works is True
    assert trace.failing is None


def test_without_a_probe_nobody_knows_whether_the_server_answers() -> None:
    trace = followed(healthy())

    assert failing(trace) is None
    assert trace.works is None
    assert at(trace, Place.SERVER).verdict is Verdict.UNKNOWN
    assert at(trace, Place.WAY_BACK).verdict is Verdict.UNKNOWN


# --- in


@pytest.mark.parametrize(
    ("client", "interface"),
    [("203.0.113.10:1", "eth0"), ("192.168.2.200:1", "eth1"), ("192.168.1.7:1", "eth0")],
)
def test_a_client_comes_in_where_its_own_network_is_or_the_vips(
    client: str, interface: str
) -> None:
    trace = followed(client=Endpoint.parse(client))

    assert at(trace, Place.ARRIVAL).seen == f"comes in by {interface}"


def test_a_vip_of_no_network_here_is_reached_by_the_way_to_the_client() -> None:
    host = replace(HOST, assigned=(address("192.168.1.50/32", "lo"), ASSIGNED[3]))

    assert at(followed(on(host)), Place.ARRIVAL).seen == "comes in by eth0"


def test_a_vip_that_is_gone_fails_at_routing() -> None:
    host = replace(HOST, assigned=ASSIGNED[:2] + ASSIGNED[3:])
    sent_on = replace(LOOKUPS, incoming=ROUTER)

    assert failing(followed(on(host), lookups=sent_on)) == ("routing", "VIP_MISSING")
    assert failing(followed(on(host), lookups=Lookups())) == ("routing", "VIP_MISSING")

    bare = replace(on(replace(host, ipvs=False)), status=None, samples=None)
    assert failing(followed(bare, lookups=sent_on)) == ("routing", "IPVS_MISSING")


def test_a_strict_filter_drops_who_would_be_answered_elsewhere() -> None:
    host = replace(HOST, filters={"eth0": "1"})
    lookups = replace(LOOKUPS, incoming=Answer(None, error=errno.EXDEV), back=way("eth1"))

    step = followed(on(host), lookups=lookups).failing

    assert step is not None
    assert (step.place, step.code) == (Place.ROUTING, "RP_FILTER")
    assert step.remedy.startswith("'sysctl -w net.ipv4.conf.eth0.rp_filter=2'")


def test_a_client_without_any_way_back_is_refused_by_the_kernel() -> None:
    nowhere = Answer(None, error=errno.ENETUNREACH)
    lookups = replace(LOOKUPS, incoming=Answer(None, error=errno.EINVAL), back=nowhere)

    assert failing(followed(lookups=lookups)) == ("routing", None)


def test_a_chain_that_drops_by_policy_is_named_with_its_remedy() -> None:
    step = followed(ruled(chain("input", policy="drop"), rule("input", PORT_22, {"accept": None})))

    assert failing(step) == ("input", "INPUT_DROPS")
    (failed,) = (one for one in step.steps if one.fails)
    assert failed.seen == "the nft chain inet t input drops it by its policy"
    assert failed.remedy.startswith("let them in: 'nft \"insert rule inet t input")


def test_a_rule_for_this_client_alone_is_found_too() -> None:
    facts = ruled(chain("input"), rule("input", FROM_CLIENT, {"drop": None}))
    other = Endpoint.parse("198.51.100.7:1")

    assert failing(followed(facts)) == ("input", "INPUT_DROPS")
    assert failing(followed(facts, client=other)) is None


def test_a_rule_that_lets_this_client_pass_is_found_too() -> None:
    """The doctor knows of no client that it would hold for."""
    facts = ruled(chain("input", policy="drop"), rule("input", FROM_CLIENT, {"accept": None}))

    assert failing(followed(facts)) is None
    assert failing(followed(facts, client=Endpoint.parse("198.51.100.7:1"))) is not None


def test_a_rule_that_cannot_be_read_is_named_and_fails_nothing() -> None:
    facts = ruled(chain("input"), rule("input", SOMETIMES, {"drop": None}))

    trace = followed(facts)

    step = at(trace, Place.INPUT)
    assert step.verdict is Verdict.DEPENDS
    assert step.seen == "the nft chain inet t input drops it if 'meta hour 12:00 drop' is for it"
    assert trace.works is None
    assert failing(trace) is None


def test_what_stands_behind_ipvs_at_input_is_not_met() -> None:
    behind = chain("input", policy="drop", prio=150)

    assert failing(followed(replace(ruled(behind), config=None))) is None


@pytest.mark.parametrize(
    ("statement", "kind", "code"),
    [
        ({"drop": None}, "filter", "INPUT_DROPS"),
        ({"dnat": {"family": "ip", "addr": "172.17.0.2"}}, "nat", "REDIRECTED"),
    ],
)
def test_a_packet_that_is_dropped_or_taken_before_routing(
    statement: Json, kind: str, code: str | None
) -> None:
    facts = ruled(chain("prerouting", kind=kind, prio=-100), rule("prerouting", statement))

    assert failing(followed(facts)) == ("prerouting", code)


def test_rules_that_could_not_be_read_are_unknown() -> None:
    trace = followed(hosted(probed(), replace(HOST, listing=None)))

    assert at(trace, Place.INPUT).verdict is Verdict.UNKNOWN
    assert failing(trace) is None


# --- the service, and the choice of a server


def test_a_service_that_ipvs_has_not() -> None:
    whole = status()
    gone = replace(whole.services[0], sync=Sync.MISSING, seen=None)
    trace = followed(seen(replace(whole, services=(gone,))))

    assert failing(trace) == ("service", "NOT_APPLIED")
    assert failing(followed(seen(replace(whole, services=())))) == ("service", "NOT_APPLIED")


def test_a_kernel_without_ipvs() -> None:
    facts = replace(on(replace(HOST, ipvs=False)), status=None, samples=None)

    assert failing(followed(facts)) == ("service", "IPVS_MISSING")


def test_a_firewall_mark_depends_on_somebodys_rule() -> None:
    facts = replace(
        seen(status(service=MARKED)), config=CONFIG.with_services((MARKED,)), probes=FINE
    )
    trace = followed(facts, service=MARKED, lookups=replace(LOOKUPS, incoming=None))

    assert at(trace, Place.PREROUTING).verdict is Verdict.DEPENDS
    assert at(trace, Place.SERVICE).seen == "IPVS takes it by its mark: fwmark/7, wlc"
    assert failing(trace) is None


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (HostStatus("nft table inet lvsnat", Sync.MISSING, {"prerouting": "x"}),
         ("prerouting", "NOT_APPLIED")),
        (HostStatus("nft table inet lvsnat", Sync.CHANGED, {"prerouting": "x"}, {}),
         ("prerouting", "NOT_APPLIED")),
        (HostStatus("nft table inet lvsnat", Sync.CHANGED, {"prerouting": "x", "forward": "y"},
                    {"prerouting": "x"}), None),
    ],
)  # fmt: skip
def test_several_ports_need_the_mark_of_our_table(
    table: HostStatus, expected: tuple[str, str] | None
) -> None:
    whole = replace(status(service=RANGE), host=(table,))
    facts = replace(seen(whole), config=CONFIG.with_services((RANGE,)), probes=FINE)

    assert failing(followed(facts, service=RANGE)) == expected


@pytest.mark.parametrize(
    ("servers", "code"),
    [
        ((server(FIRST, weight=0), server(SECOND, weight=0)), "ALL_WEIGHTS_0"),
        ((held_back(FIRST), held_back(SECOND)), "NOT_APPLIED"),
        ((), "SERVICE_EMPTY"),
        (
            (replace(server(FIRST), seen=RealServer(FIRST, 1, 2), stats=ServerStats(1, 1)),),
            "THRESHOLD",
        ),
    ],
)
def test_no_server_that_takes_connections(servers: tuple[object, ...], code: str) -> None:
    whole = status()
    facts = seen(replace(whole, services=(replace(whole.services[0], servers=servers),)))  # type: ignore[arg-type]

    trace = followed(facts)

    assert failing(trace) == ("servers", code)
    assert trace.server is None
    assert [one.place for one in trace.steps] == [one for one in Place if one is not Place.VPC]


def test_each_server_has_its_fate() -> None:
    drained = replace(server(FIRST, weight=0), override=Override(Reason.DRAINED))
    trace = followed(replace(seen(status(drained, server(SECOND))), probes=FINE))

    first, second = trace.outlooks
    assert (first.takes, first.why) == (False, "drained by hand")
    assert second.takes
    assert trace.server == SECOND
    assert failing(trace) is None
    assert at(trace, Place.SERVERS).seen == f"{SECOND}, the only one that takes connections"


def test_a_server_that_would_fail_is_followed_first() -> None:
    dead = Probes({**FINE.servers, SECOND: Probed(Reply.SILENT, Reply.SILENT)})

    trace = followed(replace(healthy(), probes=dead))

    assert trace.server == SECOND
    assert failing(trace) == ("server", "SERVER_DOWN")
    assert trace.outlooks[0].fails is None
    assert trace.outlooks[1].fails is not None


def test_a_server_that_is_asked_for_is_followed() -> None:
    dead = Probes({**FINE.servers, SECOND: Probed(Reply.REFUSED, Reply.REFUSED)})
    facts = replace(healthy(), probes=dead)

    assert failing(followed(facts, server=FIRST)) is None
    assert failing(followed(facts, server=SECOND)) == ("server", "PORT_CLOSED")
    out = replace(seen(status(server(FIRST, weight=0), server(SECOND))), probes=FINE)
    assert failing(followed(out, server=FIRST)) == ("servers", None)


def test_an_existing_connection_decides_whatever_the_weights_are() -> None:
    facts = replace(seen(status(server(FIRST, weight=0), server(SECOND, weight=0))), probes=FINE)
    lookups = replace(LOOKUPS, held=(held("ESTABLISHED"),))

    trace = followed(facts, lookups=lookups)

    assert trace.server == SECOND
    assert failing(trace) is None
    assert "its connection is there already" in at(trace, Place.SERVERS).seen
    without_port = Endpoint(CLIENT.address, 0)
    assert failing(followed(facts, lookups=lookups, client=without_port)) == (
        "servers", "ALL_WEIGHTS_0",
    )  # fmt: skip


def test_persistence_decides_while_it_remembers() -> None:
    lookups = replace(LOOKUPS, held=(template(),))

    trace = followed(lookups=lookups)

    assert trace.server == SECOND
    assert "persistence remembers the client" in at(trace, Place.SERVERS).seen
    assert [one.decided for one in trace.outlooks] == [False, True]
    assert failing(followed(lookups=lookups, server=FIRST)) == ("servers", None)


@pytest.mark.parametrize(("value", "server_"), [("1", FIRST), ("0", SECOND)])
def test_persistence_leaves_a_server_of_weight_0_where_the_kernel_is_told_to(
    value: str, server_: Endpoint
) -> None:
    service = replace(WEB, persistence=Persistence(60))
    facts = replace(
        setting(QUIESCENT, value),
        status=status(server(FIRST), server(SECOND, weight=0), service=service),
        config=CONFIG.with_services((service,)),
        probes=FINE,
    )
    lookups = replace(LOOKUPS, held=(template(),))

    assert followed(facts, service=service, lookups=lookups).server == server_


def test_a_hash_refuses_the_clients_of_a_server_that_takes_none() -> None:
    hashed = replace(WEB, scheduler=Scheduler.SH)
    facts = replace(seen(status(server(FIRST, weight=0), server(SECOND), service=hashed)),
                    config=CONFIG.with_services((hashed,)), probes=FINE)  # fmt: skip

    assert failing(followed(facts, service=hashed)) == ("servers", "HASH_DRAINED")


# --- to the server


def test_a_server_without_a_route() -> None:
    facts = on(replace(HOST, ways={**WAYS, FIRST.address: Answer(None, error=101)}))

    assert failing(followed(facts)) == ("to-server", "SERVER_NO_ROUTE")


@pytest.mark.parametrize("hook", ["output", "postrouting"])
def test_what_ipvs_passes_on_goes_through_output_and_postrouting(hook: str) -> None:
    """Connection tracking does not know it: no rule for a new connection takes it."""
    new: Json = {"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": "new"}}
    facts = ruled(chain(hook, policy="drop"), rule(hook, new, {"accept": None}))

    assert failing(followed(facts)) == ("to-server", "OUTPUT_DROPS")
    tracked = ruled(*facts.host.listing or (), tracked=True) if facts.host else facts  # type: ignore[arg-type]
    assert at(followed(tracked), Place.TO_SERVER).verdict is Verdict.OK


@pytest.mark.parametrize("tracked", [True, False])
def test_masquerading_hides_the_client_from_the_server(*, tracked: bool) -> None:
    facts = ruled(
        chain("postrouting", kind="nat", prio=100),
        rule("postrouting", {"masquerade": None}),
        tracked=tracked,
    )

    expected = ("to-server", "MASQUERADED") if tracked else None
    for place in (Place.FORWARD,) if tracked else (Place.TO_SERVER, Place.FORWARD):
        seen_there = at(followed(facts), place).seen
        assert seen_there.endswith("passes inet t postrouting: masquerade, which leaves it alone")
    assert failing(followed(facts)) == expected


# --- the server


def test_a_machine_that_is_off() -> None:
    facts = on(replace(HOST, neighbours={FIRST.address: Neighbour.FAILED}))

    assert failing(followed(facts)) == ("server", "SERVER_UNREACHABLE")


@pytest.mark.parametrize(
    ("state", "verdict"),
    [(HealthState.UP, Verdict.OK), (HealthState.DOWN, Verdict.FAILS),
     (HealthState.UNKNOWN, Verdict.UNKNOWN)],
)  # fmt: skip
def test_what_its_check_says(state: HealthState, verdict: Verdict) -> None:
    checked = replace(server(FIRST), checked=Health(state, "said so"))

    trace = followed(seen(status(checked, server(SECOND))))

    assert at(trace, Place.SERVER).verdict is verdict


# --- the way back


def test_a_reply_that_goes_elsewhere_as_the_probe_shows() -> None:
    probes = Probes({**FINE.servers, FIRST: Probed(Reply.ANSWERED, Reply.SILENT)})

    assert failing(followed(replace(healthy(), probes=probes))) == ("way-back", "RS_GATEWAY")


def test_a_client_that_waits_shows_that_replies_go_elsewhere() -> None:
    assert failing(followed(waiting(CLIENT))) == ("way-back", "RS_GATEWAY")
    other = Endpoint.parse("198.51.100.7:1")
    assert failing(followed(waiting(other))) == ("way-back", "RS_GATEWAY")


def test_a_connection_of_this_client_that_does_not_open() -> None:
    facts = replace(given_up(CLIENT, now=status()), probes=FINE)

    assert failing(followed(facts)) == ("way-back", "RS_BYPASS")
    assert failing(followed(facts, client=Endpoint.parse("198.51.100.7:1"))) is None
    since = held("TIME_WAIT", server=FIRST, client=replace(CLIENT, port=9))
    assert failing(followed(facts, lookups=replace(LOOKUPS, held=(since,)))) is None


def test_a_connection_that_was_reset_proves_no_way_back() -> None:
    reset = held("CLOSE", server=FIRST, client=replace(CLIENT, port=9))
    lookups = replace(LOOKUPS, held=(reset,))

    step = at(followed(healthy(), lookups=lookups, server=FIRST), Place.WAY_BACK)
    proven = at(
        followed(replace(healthy(), probes=FINE), lookups=lookups, server=FIRST), Place.WAY_BACK
    )

    assert step.verdict is Verdict.UNKNOWN
    assert "was refused or reset: CLOSE" in step.seen
    assert proven.verdict is Verdict.OK


def test_a_neighbour_is_answered_directly_unless_it_has_been_served() -> None:
    trace = followed(client=NEIGHBOUR)
    opened = held("ESTABLISHED", server=FIRST, client=replace(NEIGHBOUR, port=9))
    cured = followed(client=NEIGHBOUR, lookups=replace(LOOKUPS, held=(opened,)), server=FIRST)

    assert at(trace, Place.WAY_BACK).verdict is Verdict.DEPENDS
    assert failing(trace) is None
    assert cured.works is True
    assert failing(followed(waiting(NEIGHBOUR), client=NEIGHBOUR)) == (
        "way-back", "CLIENT_SAME_SUBNET",
    )  # fmt: skip


def test_a_neighbour_that_waits_is_not_this_clients_concern() -> None:
    facts = replace(waiting(NEIGHBOUR), probes=FINE)

    assert failing(followed(facts)) is None


def test_a_host_that_does_not_forward() -> None:
    dropped = {one.address: Answer(None, error=errno.EHOSTUNREACH) for one in (FIRST, SECOND)}
    facts = replace(setting("net.ipv4.ip_forward", "0"), probes=FINE)

    trace = followed(facts, lookups=replace(LOOKUPS, replies=dropped))

    assert failing(trace) == ("reply", "IP_FORWARD")
    assert trace.failing is not None
    assert trace.failing.remedy == "'lvsnat apply'"


def test_a_client_that_waits_for_what_this_host_does_wrong_blames_no_server() -> None:
    """Its connections do not open whatever the cause is."""
    dropped = {one.address: Answer(None, error=errno.EHOSTUNREACH) for one in (FIRST, SECOND)}
    facts = replace(waiting(CLIENT), host=setting("net.ipv4.ip_forward", "0").host)

    trace = followed(facts, lookups=replace(LOOKUPS, replies=dropped))

    assert failing(trace) == ("reply", "IP_FORWARD")


@pytest.mark.parametrize("tracked", [True, False])
def test_a_firewall_that_drops_the_reply(*, tracked: bool) -> None:
    known: Json = {"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": "established"}}
    facts = ruled(
        chain("forward", policy="drop"), rule("forward", known, {"accept": None}), tracked=tracked
    )

    expected = None if tracked else ("forward", "FORWARD_DROPS")
    assert failing(followed(facts)) == expected


def test_what_stands_behind_ipvs_at_forward_is_not_asked_with_the_servers_address() -> None:
    facts = replace(ruled(chain("forward", policy="drop", prio=200)), config=None)

    assert failing(followed(facts)) is None


def test_a_client_without_a_route() -> None:
    lookups = replace(LOOKUPS, back=Answer(None, error=errno.ENETUNREACH))

    assert failing(followed(lookups=lookups)) == ("to-client", None)


def test_a_router_to_the_client_that_does_not_answer() -> None:
    host = replace(HOST, neighbours={ip_address("192.168.1.1"): Neighbour.FAILED})

    assert failing(followed(hosted(probed(), host))) == ("to-client", None)


# --- haproxy-tproxy


LISTENING = Socket(
    Protocol.TCP, Endpoint.parse("192.168.1.50:80"), Endpoint.parse("0.0.0.0:0"),
    SocketState.LISTENING,
)  # fmt: skip
TABLE = HostStatus("nft table inet lvsnat", Sync.IN_SYNC, {"divert": "x"}, {"divert": "x"})
CAUGHT = replace(LOOKUPS, replies={one.address: HERE for one in (FIRST, SECOND)})


def proxied(*, table: HostStatus = TABLE, host: HostFacts = HOST) -> Facts:
    whole = status()
    services = tuple(replace(one, carriers=(Carrier.HAPROXY,)) for one in whole.services)
    now = DirectorStatus(Mode.HAPROXY_TPROXY, services, (table,))
    return replace(
        seen(now),
        config=replace(CONFIG, mode=Mode.HAPROXY_TPROXY),
        host=replace(host, listening=(LISTENING,)),
        probes=FINE,
    )


def test_haproxy_in_good_health() -> None:
    trace = followed(proxied(), lookups=CAUGHT)

    assert trace.carrier is Carrier.HAPROXY
    assert trace.works is True
    assert at(trace, Place.REPLY).seen.startswith("comes in by eth1; its mark leads it to HAProxy")


def test_a_marked_reply_that_would_be_sent_on() -> None:
    assert failing(followed(proxied(), lookups=LOOKUPS)) == ("reply", "REPLY_LOST")


def test_a_table_that_does_not_mark_replies() -> None:
    gone = HostStatus("nft table inet lvsnat", Sync.MISSING, {"divert": "x"})

    assert failing(followed(proxied(table=gone), lookups=CAUGHT)) == (
        "reply", "DIVERT_MISSING",
    )  # fmt: skip


def test_haproxy_needs_no_forwarding_and_meets_no_forward_chain() -> None:
    host = setting("net.ipv4.ip_forward", "0").host
    assert host is not None
    facts = ruled(chain("forward", policy="drop"), facts=proxied(host=host))

    assert failing(followed(facts, lookups=CAUGHT)) is None


def test_a_firewall_that_drops_what_servers_answer_to_haproxy() -> None:
    http: Json = {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}},
                            "right": 80}}  # fmt: skip
    facts = ruled(
        chain("input", policy="drop"), rule("input", http, {"accept": None}), facts=proxied()
    )

    trace = followed(facts, lookups=CAUGHT)
    assert trace.failing is not None
    assert trace.failing.place is Place.FORWARD


def test_masquerading_hides_haproxys_clients_too() -> None:
    listing = (chain("postrouting", kind="nat"), rule("postrouting", {"masquerade": None}))

    trace = followed(ruled(*listing, facts=proxied()), lookups=CAUGHT)
    assert failing(trace) == ("to-server", "MASQUERADED")


def test_ipvs_takes_what_haproxy_listens_for() -> None:
    facts = proxied()
    assert facts.status is not None
    (mine,) = facts.status.services
    rival = replace(mine, carriers=(Carrier.IPVS,), sync=Sync.UNMANAGED, name=None)
    both = replace(facts.status, services=(mine, rival))

    trace = followed(replace(facts, status=both), lookups=CAUGHT)
    assert trace.failing is not None
    assert trace.failing.place is Place.SERVICE


def test_nobody_listens() -> None:
    facts = proxied()
    elsewhere = replace(LISTENING, local=Endpoint.parse("192.168.1.50:443"))
    assert facts.host is not None
    deaf = replace(facts, host=replace(facts.host, listening=(elsewhere,)))

    trace = followed(deaf, lookups=CAUGHT)
    assert trace.failing is not None
    assert trace.failing.place is Place.SERVICE


def test_clients_of_local_networks_are_served_from_this_hosts_address() -> None:
    facts = proxied()
    assert facts.config is not None
    local = replace(facts.config.haproxy, local_networks=(ip_network("192.168.2.0/24"),))
    facts = replace(facts, config=replace(facts.config, haproxy=local))

    trace = followed(facts, client=NEIGHBOUR, lookups=CAUGHT)

    assert trace.works is True
    assert failing(followed(proxied(), client=NEIGHBOUR, lookups=CAUGHT)) is None
    assert followed(proxied(), client=NEIGHBOUR, lookups=CAUGHT).works is None


def test_a_server_that_haproxys_check_took_out_gets_nothing() -> None:
    facts = proxied()
    assert facts.status is not None
    (mine,) = facts.status.services
    stats = ServerStats(health=Health(HealthState.DOWN))
    servers = (replace(server(FIRST), stats=stats), server(SECOND))
    now = replace(facts.status, services=(replace(mine, servers=servers),))

    trace = followed(replace(facts, status=now), lookups=CAUGHT)

    assert trace.server == SECOND
    assert not trace.outlooks[0].takes


def test_in_a_switch_a_new_connection_is_steered_to_the_side_port() -> None:
    facts = proxied()
    assert facts.config is not None
    assert facts.host is not None
    side = replace(LISTENING, local=Endpoint.parse("192.168.1.50:10080"))
    switching = replace(
        facts,
        config=replace(facts.config, switching=Phase.BOTH),
        host=replace(facts.host, listening=(LISTENING, side)),
    )

    trace = followed(switching, lookups=CAUGHT)

    assert at(trace, Place.PREROUTING).seen.endswith("our own rule sends it to port 10080")
    assert failing(trace) is None
