"""What is decided of a picture: laws that hold for every VPC, and each refusal and risk by name."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, ip_network
from pathlib import Path
from typing import Any

import pytest
from aws.pictures import (
    EIP,
    EVERYBODY,
    IGW,
    INSIDE,
    LB,
    LOCAL,
    MAIN,
    NAT,
    OTHER,
    OUTSIDE,
    PEER,
    PRIVATE,
    PUBLIC,
    VIP,
    WEB,
    carried_out,
    codes,
    comparable,
    decided,
    inside,
    leads,
    nic_with,
    picture,
    scene,
)
from hypothesis import given
from hypothesis import strategies as st

from lvsnat.aws.calls import both
from lvsnat.aws.decide import decide
from lvsnat.aws.find import find
from lvsnat.aws.journal import Journal, Stand, Step, Where, parse, render
from lvsnat.aws.network import Origin, PrefixList, Route, RouteTable, Rule, SecurityGroup
from lvsnat.aws.picture import Picture
from lvsnat.aws.resources import (
    ElasticMapping,
    GroupRule,
    SecondaryAddress,
    SourceDestCheck,
    TableRoute,
    UndoTag,
)
from lvsnat.aws.target import Target
from lvsnat.aws.wishes import Scene, server_rules
from lvsnat.errors import RefusedError
from lvsnat.model.aws import AwsOptions, Layout
from lvsnat.model.endpoint import Endpoint
from lvsnat.model.health import HealthCheck
from lvsnat.model.service import RealServer
from lvsnat.plan.change import Create, Update, inverse

targets = st.sampled_from([NAT, IGW, LB, PEER, "tgw-0000000f", "pcx-0000000f"])
networks = st.sampled_from(["0.0.0.0/0", "198.51.100.0/24", "192.0.2.0/25", "10.0.4.0/24"])
routes = st.dictionaries(networks, targets, max_size=4)
pictures = st.builds(
    lambda found, check, vip, rules, main: carried_out(
        picture(tables=inside(*(leads(*one) for one in found.items()), main=main)),
        [
            *([Create(SourceDestCheck(LB, value="off"))] * check),
            *([Create(SecondaryAddress(VIP, LB))] * vip),
            *([Create(GroupRule("sg-0000000a", "tcp", 1, 99, EVERYBODY))] * rules),
        ],
    ),
    routes,
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
options = st.fixed_dictionaries(
    {
        "clients": st.lists(networks.map(ip_network), unique=True).map(tuple),
        "eip_allocation": st.sampled_from([None, EIP]),
        "security_groups": st.booleans(),
    }
)


@given(pictures, options)
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(
    seen: Picture, wanted: dict[str, Any]
) -> None:
    first = decided(seen, **wanted)

    second = decided(carried_out(seen, first.plan.changes), **wanted)

    assert second.plan.changes == ()


@given(pictures, options)
def test_the_changes_backwards_put_everything_back(seen: Picture, wanted: dict[str, Any]) -> None:
    changes = decided(seen, **wanted).plan.changes

    there = carried_out(seen, changes)
    back = carried_out(there, [inverse(change) for change in reversed(changes)])

    assert comparable(back) == comparable(seen)


@given(pictures, options)
def test_a_plan_never_touches_what_it_was_not_asked_for(
    seen: Picture, wanted: dict[str, Any]
) -> None:
    decision = decided(seen, **wanted)

    clients = set(decision.scene.around.clients)
    tables = {use.table.id for use in decision.scene.around.tables(seen)}
    for change in decision.plan.changes:
        assert isinstance(change, Create | Update)
        match both(change)[1]:
            case UndoTag() as tag:
                assert (tag.table in tables, tag.destination in clients) == (True, True)
            case TableRoute() as route:
                assert (route.table in tables, route.destination in clients) == (True, True)
                assert route.target == Target(LB)
            case GroupRule():
                assert wanted["security_groups"]
            case ElasticMapping() as mapping:
                assert mapping.allocation == wanted["eip_allocation"]
            case SourceDestCheck() | SecondaryAddress() as own:
                assert own.interface == LB
            case other:
                pytest.fail(f"not asked for: {other}")


@given(pictures, options, st.lists(st.sampled_from(Stand)))
def test_a_journal_is_read_as_it_was_written(
    seen: Picture, wanted: dict[str, Any], stands: list[Stand]
) -> None:
    changes = decided(seen, **wanted).plan.changes
    steps = [Step(c, s) for c, s in zip(changes, [*stands, *[Stand.MADE] * 9], strict=False)]
    journal = Journal(Path("x.json"), 1.5, Where("r", "v", "e"), steps, {"10.0.1.200": EIP})

    assert parse(journal.path, render(journal)) == journal


def test_traffic_is_sent_last() -> None:
    kinds = [type(both(c)[1]) for c in decided(picture(), eip_allocation=EIP).plan.changes]

    assert kinds == [SourceDestCheck, SecondaryAddress, UndoTag, ElasticMapping, TableRoute]


def test_the_egress_that_moves_and_its_nat_gateway_are_named() -> None:
    risks, refusals = codes(decided(picture()))

    assert risks == {"RS_EGRESS_MOVES", "NAT_REPLACED"}
    assert refusals == set()


@pytest.mark.parametrize(
    ("routes", "code"),
    [
        ([leads("198.51.100.0/24", "pcx-0000000f")], "CLIENT_BYPASS"),
        ([leads("0.0.0.0/0", PEER)], "TARGET_REPLACED"),
        ([leads("0.0.0.0/0", "vgw-00000001", Origin.PROPAGATED)], "PROPAGATED_ROUTE"),
    ],
)
def test_a_route_is_a_risk_to_know_of(routes: list[Route], code: str) -> None:
    risks, refusals = codes(decided(picture(tables=inside(*routes))))

    assert code in risks
    assert refusals == set()


@pytest.mark.parametrize(
    ("names", "target", "warned"),
    [
        (PrefixList("pl-1", networks=(ip_network("192.0.2.0/24"),)), "tgw-0000000f", True),
        (PrefixList("pl-1", readable=False), "tgw-0000000f", True),
        (PrefixList("pl-1", readable=False), "vpce-0000000f", False),
    ],
)
def test_a_prefix_list_is_looked_into(names: PrefixList, target: str, *, warned: bool) -> None:
    route = Route(names, Target(target))

    risks, _ = codes(decided(picture(tables=inside(leads("0.0.0.0/0", LB), route))))

    assert ("CLIENT_BYPASS" in risks) == warned


def test_a_propagated_route_is_no_reason_to_replace() -> None:
    propagated = leads("0.0.0.0/0", "vgw-00000001", Origin.PROPAGATED)

    changes = decided(picture(tables=inside(propagated))).plan.changes

    assert Create(TableRoute(PRIVATE, EVERYBODY, Target(LB))) in changes


def test_the_subnets_that_share_the_main_table_are_named() -> None:
    decision = decided(picture(tables=inside(leads("0.0.0.0/0", NAT), main=True)))

    shared = next(one for one in decision.risks if one.code == "SHARED_MAIN_TABLE")
    assert OTHER in shared.message
    assert INSIDE not in shared.message


@pytest.mark.parametrize(
    ("seen", "wanted", "code"),
    [
        (
            picture(tables=(RouteTable(MAIN, main=True, routes=(LOCAL,)),)),
            {},
            "SAME_TABLE_LOOP",
        ),
        (
            picture(tables=(RouteTable(PUBLIC, subnets=(OUTSIDE, INSIDE), routes=(LOCAL,)),)),
            {},
            "SAME_TABLE_LOOP",
        ),
        (
            picture(tables=inside(leads("0.0.0.0/0", LB, Origin.ADVERTISED))),
            {},
            "ROUTE_SERVER",
        ),
        (picture(tables=inside(leads("0.0.0.0/0", "xyz-00000001"))), {}, "TARGET_UNKNOWN"),
        (picture(internet_gateway=None), {"eip_allocation": EIP}, "IGW"),
        (picture(), {"clients": (ip_network("10.0.2.0/24"),)}, "CLIENT_SAME_SUBNET"),
        (picture(), {"clients": (ip_network("10.0.4.0/25"),)}, "CLIENT_LOCAL"),
        (picture(), {"clients": (ip_network("10.0.0.0/16"),)}, "CLIENT_SAME_SUBNET"),
        (picture(), {"clients": (ip_network("2001:db8::/32"),)}, "NO_IPV6"),
        (carried_out(picture(), [Create(SecondaryAddress(VIP, PEER))]), {}, "VIP_ELSEWHERE"),
        (nic_with(picture(), LB, attached=False), {}, "ENI_UNATTACHED"),
        (nic_with(picture(), LB, managed=True), {}, "ENI_MANAGED"),
    ],
)
def test_what_cannot_work_is_refused(seen: Picture, wanted: dict[str, Any], code: str) -> None:
    decision = decided(seen, **wanted)

    assert code in codes(decision)[1]
    with pytest.raises(RefusedError, match=code):
        decision.insist()


def test_a_table_of_another_account_is_refused() -> None:
    tables = (*picture().tables[:1], replace(picture().tables[1], owner="2"))

    assert "FOREIGN_TABLE" in codes(decided(picture(tables=tables)))[1]


def test_a_loop_is_refused_with_the_alternatives() -> None:
    seen = picture(tables=(RouteTable(MAIN, main=True, routes=(LOCAL,)),))

    with pytest.raises(RefusedError) as told:
        decided(seen).insist()

    assert told.value.hint is not None
    assert "/28" in told.value.hint
    assert "lvsnat gateway set" in told.value.hint


def test_a_client_in_another_subnet_of_the_vpc_gets_a_route_of_its_own() -> None:
    decision = decided(picture(), clients=(ip_network("10.0.4.0/24"),))

    assert decision.refusals == ()
    wanted = TableRoute(PRIVATE, ip_network("10.0.4.0/24"), Target(LB))
    assert Create(wanted) in decision.plan.changes


def test_one_subnet_gets_no_route() -> None:
    servers = (RealServer(Endpoint(IPv4Address("10.0.1.55"), 80)),)
    web = replace(WEB, servers=servers)
    seen = picture()
    chosen = AwsOptions(layout=Layout.SINGLE_SUBNET)
    decision = decide(Scene(chosen, (web,), seen, find(chosen, [web], seen, LB)))

    assert "RS_GATEWAY" in codes(decision)[0]
    assert not [c for c in decision.plan.changes if isinstance(both(c)[1], TableRoute)]


def test_rules_that_let_in_together_are_enough() -> None:
    halves = tuple(Rule("tcp", 1, 65535, ip_network(half)) for half in ("0.0.0.0/1", "128.0.0.0/1"))
    groups = (SecurityGroup("sg-0000000a", inbound=halves), SecurityGroup("sg-0000000b"))

    changes = decided(picture(groups=groups), security_groups=True).plan.changes

    rules = [one for c in changes if isinstance(one := both(c)[1], GroupRule)]
    assert [one.group for one in rules] == ["sg-0000000b"]


def test_the_directors_checks_are_let_in_to_the_ports_they_ask() -> None:
    ask = ("tcp", "http:/", "agent:8443", "dns:example.com", "ping")
    first, *more = (HealthCheck.parse(text) for text in ask)
    checked = replace(WEB, check=first, more_checks=tuple(more))
    before = replace(scene(picture()), services=(checked,))

    own = ip_network("10.0.1.10/32")
    assert {
        (rule.protocol, rule.first) for rule in server_rules(before) if rule.network == own
    } == {("tcp", 8080), ("tcp", 8443), ("udp", 8080)}
