"""Which chains at the hook input are said to drop what HAProxy needs."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from lvsnat.host.arrivals import closed, stateless
from lvsnat.model.endpoint import Endpoint

SIDE = Endpoint.parse("192.168.1.50:10080")
SIDE6 = Endpoint.parse("[2001:db8::50]:10080")
SERVER = ip_address("192.168.2.55")
ACCEPT: dict[str, Any] = {"accept": None}
DROP: dict[str, Any] = {"drop": None}
Rule = list[dict[str, Any]]


def is_(left: dict[str, Any], right: object, op: str = "==") -> dict[str, Any]:
    return {"match": {"op": op, "left": left, "right": right}}


def port(right: object, protocol: str = "tcp") -> dict[str, Any]:
    return is_({"payload": {"protocol": protocol, "field": "dport"}}, right)


def ct(key: str, right: object, op: str = "==") -> dict[str, Any]:
    return is_({"ct": {"key": key}}, right, op)


def meta(key: str, right: object) -> dict[str, Any]:
    return is_({"meta": {"key": key}}, right)


def to(right: object) -> dict[str, Any]:
    return is_({"payload": {"protocol": "ip", "field": "daddr"}}, right)


def ruleset(
    *rules: Rule, policy: str = "drop", family: str = "inet", more: tuple[Rule, ...] = ()
) -> list[dict[str, Any]]:
    place = {"family": family, "table": "fw"}
    base = {"type": "filter", "hook": "input", "prio": 0, "policy": policy}
    return [
        {"chain": {**place, "name": "in", **base}},
        {"chain": {**place, "name": "more"}},
        *({"rule": {**place, "chain": "in", "expr": rule}} for rule in rules),
        *({"rule": {**place, "chain": "more", "expr": rule}} for rule in more),
    ]


XT = {"xt": {"type": "match", "name": "conntrack"}}
OPENING: list[Rule] = [
    [port(10080), ACCEPT],
    [port({"range": [10000, 11000]}), ACCEPT],
    [port({"set": [22, {"range": [10000, 10100]}]}), ACCEPT],
    [port(10080, "th"), ACCEPT],
    [meta("l4proto", {"set": ["tcp", "udp"]}), ACCEPT],
    [meta("nfproto", "ipv4"), ACCEPT],
    [ct("status", "dnat"), ACCEPT],
    [ct("state", "new"), ACCEPT],
    [ct("state", "established", "!="), ACCEPT],
    [to("192.168.1.50"), port(10080), ACCEPT],
    [{"jump": {"target": "more"}}],
    [{"goto": {"target": "more"}}],
    [{"vmap": {"key": {"payload": {"protocol": "tcp", "field": "dport"}},
               "data": {"set": [[22, DROP], [10080, ACCEPT]]}}}],
]  # fmt: skip
DOUBTFUL: list[Rule] = [
    [meta("iifname", "eth0"), ACCEPT],
    [meta("mark", 5), ACCEPT],
    [port("@open"), ACCEPT],
    [ct("mark", 5), ACCEPT],
    [meta("iifname", "eth0"), {"jump": {"target": "more"}}],
    [{"xt": {"type": "match", "name": "multiport"}}, ACCEPT],
    [port(10080), XT, ACCEPT],
    [is_({"payload": {"protocol": "ip", "field": "saddr"}}, "10.0.0.1"), ACCEPT],
]
CLOSED: list[Rule] = [
    [port({"set": [22, 80]}), ACCEPT],
    [port(10080, "udp"), ACCEPT],
    [meta("iifname", "lo"), ACCEPT],
    [ct("state", ["established", "related"]), ACCEPT],
    [XT, ACCEPT],
    [to("192.168.1.99"), ACCEPT],
    [meta("iifname", "eth0"), port(80), ACCEPT],
    [port(10080), DROP],
    [{"counter": {"packets": 0, "bytes": 0}}],
    [{"return": None}],
    [{"jump": {"target": "absent"}}],
]
OPEN_PORT: tuple[Rule, ...] = ([port(10080), ACCEPT],)


@pytest.mark.parametrize("rule", [*OPENING, *DOUBTFUL])
def test_what_lets_a_side_port_in_or_may_do_so_is_no_reason_to_refuse(rule: Rule) -> None:
    assert list(closed(ruleset(rule, more=OPEN_PORT), [SIDE])) == []


@pytest.mark.parametrize("rule", CLOSED)
def test_a_chain_that_is_sure_to_drop_is_named(rule: Rule) -> None:
    (found,) = closed(ruleset(rule), [SIDE, SIDE6])

    assert "the nft chain inet fw in drops new connections to the side ports" in found.message
    assert found.message.endswith(": 10080")
    assert "nft 'insert rule inet fw in ct status dnat accept'" in found.hint


def test_a_rule_that_rejects_all_is_as_good_as_a_policy() -> None:
    assert len([*closed(ruleset([{"reject": None}], policy="accept"), [SIDE])]) == 1
    assert list(closed(ruleset(policy="accept"), [SIDE])) == []


def test_a_chain_sees_its_own_family() -> None:
    assert list(closed(ruleset(family="ip"), [SIDE6])) == []
    assert len([*closed(ruleset(family="ip6"), [SIDE6])]) == 1


def test_the_chains_of_iptables_get_a_command_of_iptables() -> None:
    listed = ruleset(family="ip6")
    for one in listed:
        (body,) = one.values()
        body["table"] = "filter"
        body["name"] = {"in": "INPUT"}.get(body.get("name"), "more")

    (found,) = closed(listed, [SIDE6, Endpoint(SIDE6.address, 10443)])

    remedy = "ip6tables -I INPUT -p tcp -m multiport --dports 10080,10443 -j ACCEPT"
    assert found.hint.endswith(remedy)


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ([ct("state", "established"), ACCEPT], False),
        ([XT, ACCEPT], False),
        ([port({"range": [32768, 60999]}), ACCEPT], False),
        ([port(80), ACCEPT], True),
        ([ct("state", "new"), port(80), ACCEPT], True),
    ],
)
def test_answers_of_servers_need_a_firewall_that_keeps_state(
    rule: Rule,
    told: bool,  # noqa: FBT001 - a test's own
) -> None:
    found = list(stateless(ruleset(rule), [SERVER]))

    assert [one.message for one in found] == (
        ["the nft chain inet fw in drops what real servers answer to HAProxy"] if told else []
    )
