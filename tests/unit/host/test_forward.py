"""Which rules of others are said to drop replies. What nft really lists is in tests/kernel."""

from __future__ import annotations

from typing import Any

import pytest

from lvsnat.host.forward import cautions
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Endpoint, parse_listener
from lvsnat.model.service import RealServer, VirtualService

ACCEPT: dict[str, Any] = {"accept": None}
DROP: dict[str, Any] = {"drop": None}
COUNTER: dict[str, Any] = {"counter": {"packets": 1, "bytes": 60}}
SUBNET = {"prefix": {"addr": "192.168.2.0", "len": 24}}
Rule = list[dict[str, Any]]


def config(*servers: str) -> Config:
    listen = "tcp/[2001:db8::50]:80" if servers[0].startswith("[") else "tcp/192.168.1.50:80"
    reals = tuple(RealServer(Endpoint.parse(server)) for server in servers)
    return Config(services=(VirtualService("web", parse_listener(listen), servers=reals),))


TWO = config("192.168.2.55:80", "192.168.2.56:80")
SIX = config("[2001:db8:2::55]:80")


def match(left: dict[str, Any], right: object, op: str = "==") -> dict[str, Any]:
    return {"match": {"op": op, "left": left, "right": right}}


def source(right: object, op: str = "==") -> dict[str, Any]:
    return match({"payload": {"protocol": "ip", "field": "saddr"}}, right, op)


def state(*words: str) -> dict[str, Any]:
    return match({"ct": {"key": "state"}}, [*words])


def jump(target: str, verb: str = "jump") -> dict[str, Any]:
    return {verb: {"target": target}}


IN_DOCKER = match({"meta": {"key": "iifname"}}, "docker0")


def ruleset(
    *rules: Rule, policy: str = "drop", family: str = "ip", mine: tuple[Rule, ...] = ()
) -> list[dict[str, Any]]:
    """A chain at the hook forward, and one to jump to."""
    table = {"family": family, "table": "fw"}
    base = {"type": "filter", "hook": "forward", "prio": 0, "policy": policy}
    return [
        {"metainfo": {}},
        {"table": {"family": family, "name": "fw"}},
        {"chain": {**table, "name": "f", **base}},
        {"chain": {**table, "name": "mine"}},
        {"set": {**table, "name": "some"}},
        *({"rule": {**table, "chain": "f", "expr": rule}} for rule in rules),
        *({"rule": {**table, "chain": "mine", "expr": rule}} for rule in mine),
    ]


def said(listing: list[dict[str, Any]], wish: Config = TWO, *, tracked: bool = False) -> list[str]:
    return [f"{one.message} | {one.hint}" for one in cautions(listing, wish, tracked=tracked)]


def test_a_policy_names_the_servers_and_the_remedy() -> None:
    assert said(ruleset()) == [
        (
            "the nft chain ip fw f drops by its policy what 192.168.2.55, 192.168.2.56 send"
            " to clients"
            " | let their packets pass: nft 'insert rule ip fw f ip saddr { 192.168.2.55,"
            " 192.168.2.56 } accept'"
        )
    ]


def test_many_servers_are_counted() -> None:
    wish = config(*(f"192.168.2.{number}:80" for number in range(1, 9)))

    assert "192.168.2.1, 192.168.2.2, 192.168.2.3 and 5 more send" in said(ruleset(), wish)[0]


@pytest.mark.parametrize(
    ("family", "wish", "count"),
    [("ip", SIX, 0), ("ip6", TWO, 0), ("ip6", SIX, 1), ("inet", SIX, 1), ("bridge", TWO, 0)],
)
def test_a_chain_is_asked_about_its_own_family(family: str, wish: Config, count: int) -> None:
    assert len(said(ruleset(family=family), wish)) == count


@pytest.mark.parametrize(
    "rules",
    [
        [[COUNTER, ACCEPT]],
        [[source(SUBNET), COUNTER, ACCEPT]],
        [[source({"set": ["192.168.2.55", "192.168.2.56"]}), ACCEPT]],
        [[source({"range": ["192.168.2.1", "192.168.2.99"]}), ACCEPT]],
        [[source("10.0.0.1", "!="), ACCEPT]],
        [[IN_DOCKER, DROP], [source(SUBNET), ACCEPT], [DROP]],
        [[source("10.0.0.1"), DROP], [ACCEPT]],
        [[jump("mine")]],
        [[jump("mine", "goto")]],
        [[match({"meta": {"key": "nfproto"}}, "ipv4"), ACCEPT]],
        [[state("invalid", "new"), ACCEPT]],
    ],
)
def test_what_lets_the_replies_pass_ends_the_warning(rules: list[Rule]) -> None:
    mine: tuple[Rule, ...] = ([source(SUBNET), ACCEPT],)

    assert said(ruleset(*rules, mine=mine)) == []


@pytest.mark.parametrize(
    "rules",
    [
        [],
        [[IN_DOCKER, ACCEPT]],
        [[source("192.168.2.55"), DROP], [source("192.168.2.56"), DROP], [ACCEPT]],
        [[source("@some"), ACCEPT]],
        [[source({"set": ["@some", "10.0.0.1"]}), ACCEPT]],
        [[source(SUBNET, "!="), ACCEPT]],
        [[state("established", "related"), ACCEPT]],
        [[{"xt": {"type": "match", "name": "conntrack"}}, ACCEPT]],
        [[{"limit": {"rate": 1, "per": "second"}}, ACCEPT]],
        [[jump("mine")], [ACCEPT]],
        [[jump("absent")]],
        [[{"return": None}], [ACCEPT]],
        [[jump("f")]],
    ],
)
def test_what_does_not_is_warned_of(rules: list[Rule]) -> None:
    assert len(said(ruleset(*rules, mine=([{"reject": None}],)))) == 1


@pytest.mark.parametrize("verdict", [DROP, {"reject": None}, {"xt": {"name": "REJECT"}}])
def test_a_rule_drops_where_the_policy_accepts(verdict: dict[str, Any]) -> None:
    (warning,) = said(ruleset([verdict], policy="accept"))

    assert "drops by a rule" in warning


def test_invalid_is_what_replies_are_unless_ipvs_tells_connection_tracking() -> None:
    strict = ruleset([state("established"), ACCEPT], [state("invalid"), DROP], policy="accept")

    assert len(said(strict)) == 1
    assert said(strict, tracked=True) == []


def test_one_server_of_two_is_named_alone() -> None:
    (warning,) = said(ruleset([source("192.168.2.55"), ACCEPT]))

    assert "what 192.168.2.56 send" in warning
    assert "ip saddr 192.168.2.56 accept" in warning


def test_iptables_is_told_in_its_own_words() -> None:
    table = {"family": "ip6", "table": "filter"}
    chain = {**table, "name": "FORWARD", "type": "filter", "hook": "forward", "policy": "drop"}

    (warning,) = said([{"chain": chain}], SIX)

    assert warning.endswith("ip6tables -I FORWARD -s 2001:db8:2::55 -j ACCEPT")
