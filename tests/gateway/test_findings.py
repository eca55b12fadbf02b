"""What is said of a way back, over facts that were read."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest
from gateway.grounds import default, ground, own, route, wish
from hypothesis import given
from hypothesis import strategies as st

from lvsnat.errors import UsageError
from lvsnat.gateway.codes import Code
from lvsnat.gateway.expand import place_of
from lvsnat.gateway.findings import Finding, Standing, findings
from lvsnat.gateway.seen import (
    MAIN,
    Answer,
    Ground,
    Manager,
    Neighbour,
    NeighbourState,
    Reply,
    SeenRule,
)
from lvsnat.gateway.view import Asked, View, command
from lvsnat.gateway.ways import Hop
from lvsnat.gateway.wish import GatewayWish
from lvsnat.model.endpoint import Family
from lvsnat.ui.gateway import view_lines
from lvsnat.ui.gateway_json import show_document

CLIENT, SERVER = ip_address("198.18.0.1"), ip_address("192.168.1.55")
VIP = Hop(ip_address("192.168.1.50"), "eth0")
ROUTER = Hop(ip_address("192.168.1.1"), "eth0")
OFF = {f"net.ipv4.conf.{place}.accept_redirects": "0" for place in ("all", "eth0")}
REPLIES = wish(ports="tcp/80")


def view(
    answer: Answer,
    asked: GatewayWish = REPLIES,
    there: Ground | None = None,
    client: object = CLIENT,
) -> View:
    there = there or ground(settings=OFF)
    port = asked.reply_ports[0] if asked.reply_ports else None
    reply = Reply(ip_address(str(client)), SERVER, port)
    place = place_of(asked, there)
    return View(Family.IPV4, there, asked, place, asked=[Asked(reply, answer)])


def bad(one: View) -> dict[Code, Finding]:
    return {found.code: found for found in findings(one) if found.standing is not Standing.HOLDS}


def test_a_way_that_holds_needs_no_remedy() -> None:
    found = [*findings(view(Answer(VIP, 234, whole=True)))]

    assert [one.standing for one in found] == [Standing.HOLDS] * 2
    assert not any(one.remedy for one in found)


def test_a_way_past_the_director_says_what_sets_it() -> None:
    found = bad(view(Answer(ROUTER, MAIN, whole=True)))

    assert found.keys() == {Code.RS_GATEWAY}
    assert found[Code.RS_GATEWAY].remedy == (
        "'lvsnat gateway set 192.168.1.50 --reply-only tcp/80' makes it so"
    )


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        (SeenRule(Family.IPV4, 10001, 10001, ip_network("192.168.1.55/32")), True),
        (SeenRule(Family.IPV4, 10001, 10001), True),
        (SeenRule(Family.IPV4, 10001, 10001, ip_network("192.168.1.77/32")), False),
        (SeenRule(Family.IPV4, 10001, 10002), False),
        (SeenRule(Family.IPV4, 10001, 10001, further=("iif eth1",)), False),
    ],
)
def test_a_rule_is_named_where_it_sends_the_reply(rule: SeenRule, *, named: bool) -> None:
    there = ground(settings=OFF, rules=[rule])

    found = bad(view(Answer(ROUTER, 10001, whole=True), wish(), there))

    assert (Code.RS_RULES in found) is named


@pytest.mark.parametrize(
    ("priority", "remedy"),
    [
        (10001, "--reply-only tcp/80' makes rules that are asked before (priority 110)"),
        (100, "--reply-only tcp/80 --priority 99' makes rules"),
        (1, "no rule can be asked before"),
    ],
)
def test_the_remedy_for_a_rule_is_one_that_is_asked_before(priority: int, remedy: str) -> None:
    there = ground(settings=OFF, rules=[SeenRule(Family.IPV4, priority, 10001)])

    found = bad(view(Answer(ROUTER, 10001, whole=True), there=there))

    assert remedy in found[Code.RS_RULES].remedy


def test_the_words_that_set_a_wish_again_are_all_of_it() -> None:
    full = wish(ports="tcp/80,udp/53", local_clients=True, interface="eth0", table=500, priority=9)

    assert command(wish()) == "lvsnat gateway set 192.168.1.50"
    assert command(full) == (
        "lvsnat gateway set 192.168.1.50 --reply-only tcp/80,udp/53 --local-clients"
        " --interface eth0 --table 500 --priority 9"
    )


def test_redirects_count_where_either_setting_allows_them_but_on_a_router_both() -> None:
    answer = Answer(VIP, 234)
    for place in ("all", "eth0"):
        settings = {**OFF, f"net.ipv4.conf.{place}.accept_redirects": "1"}
        heeded = view(answer, there=ground(settings=settings))
        router = {**settings, "net.ipv4.conf.eth0.forwarding": "1"}

        assert bad(heeded).keys() == {Code.RS_REDIRECTS}
        assert not bad(view(answer, there=ground(settings=router)))


@pytest.mark.parametrize("state", NeighbourState)
def test_a_neighbour_fails_where_nobody_answers(state: NeighbourState) -> None:
    one = replace(view(Answer(VIP, 234)), neighbour=Neighbour(state, None))

    dead = state in (NeighbourState.FAILED, NeighbourState.INCOMPLETE)
    assert (Code.RS_ARP in bad(one)) is dead


def test_a_strict_filter_matters_where_replies_leave_elsewhere() -> None:
    strict = ground(settings={**OFF, "net.ipv4.conf.eth0.rp_filter": "1"})
    loose = ground(settings={**OFF, "net.ipv4.conf.eth0.rp_filter": "1",
                             "net.ipv4.conf.all.rp_filter": "2"})  # fmt: skip
    elsewhere = Answer(Hop(ROUTER.via, "eth1"), MAIN)

    assert Code.RS_RP_FILTER in bad(view(elsewhere, there=strict))
    assert Code.RS_RP_FILTER not in bad(view(elsewhere, there=loose))
    assert Code.RS_RP_FILTER not in bad(view(Answer(ROUTER, MAIN), there=strict))


def test_a_narrower_route_is_a_risk_for_the_default_gateway() -> None:
    routes = [
        default("192.168.1.1"),
        route("10.8.0.0/16", "192.168.1.9"),
        route("10.9.0.0/16", "192.168.1.50"),
        route("169.254.169.254/32", "192.168.1.1"),
    ]
    there = ground(routes, settings=OFF)

    assert bad(view(Answer(VIP, MAIN), wish(), there)).keys() == {Code.RS_BYPASS}
    assert not bad(view(Answer(VIP, 234), there=there))


def test_a_neighbour_that_is_a_client_gets_a_code_of_its_own() -> None:
    found = bad(view(Answer(Hop(None, "eth0"), MAIN), client="192.168.1.9"))

    assert found.keys() == {Code.RS_LOCAL_CLIENT}
    assert "--reply-only tcp/80 --local-clients" in found[Code.RS_LOCAL_CLIENT].remedy


def test_a_director_that_cannot_be_there_is_all_that_is_said() -> None:
    problem = UsageError("no network of this host holds 10.9.9.9", "look")
    one = View(Family.IPV4, ground(), wish("10.9.9.9"), problem=problem)

    assert bad(one).keys() == {Code.RS_VIA}


def test_a_manager_is_a_risk_and_its_remedy_is_to_render() -> None:
    manager = Manager("systemd-networkd", "/run/x", "networkd")
    found = bad(replace(view(Answer(VIP, 234)), managers=[manager]))

    assert found[Code.RS_MANAGER].standing is Standing.AT_RISK
    assert "gateway render 192.168.1.50 --format networkd" in found[Code.RS_MANAGER].remedy


@given(
    st.sampled_from([VIP, ROUTER, Hop(None, "eth0"), None]),
    st.sampled_from([MAIN, 234, 10001]),
    st.booleans(),
    st.sampled_from([wish(), REPLIES, wish(ports="tcp/80,udp/53", local_clients=True)]),
    st.sampled_from([CLIENT, "192.168.1.9"]),
)
def test_everything_that_does_not_hold_says_what_to_do(
    hop: Hop | None,
    table: int,
    redirected: bool,  # noqa: FBT001 - drawn
    asked: GatewayWish,
    client: object,
) -> None:
    one = view(Answer(hop, table, redirected=redirected, problem="nowhere"), asked, client=client)

    for found in findings(one):
        assert bool(found.remedy) is (found.standing is not Standing.HOLDS)
    document = show_document([one], None, earlier=False)
    assert document["holds"] is all(found.standing is not Standing.FAILS for found in findings(one))
    assert [line.plain for line in view_lines([one])]


def test_an_unset_family_shows_what_is_there() -> None:
    there = ground(addresses=[own("eth0", "192.168.1.55/24")])
    asked = [Asked(Reply(CLIENT, SERVER), Answer(ROUTER, MAIN, whole=True))]

    lines = [line.plain for line in view_lines([View(Family.IPV4, there, asked=asked)])]

    assert lines == [
        "ipv4  nothing set",
        "     default via 192.168.1.1 dev eth0 proto dhcp",
        "     192.168.1.55 to 198.18.0.1: via 192.168.1.1 dev eth0",
    ]
