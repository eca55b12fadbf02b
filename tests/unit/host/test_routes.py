"""The routing rule and the route as values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvsnat.host.routes import LocalRoute, PolicyRule, routes_for
from lvsnat.host.seen import EVERY_BIT, RouteKind, RuleAction, SeenRoute, SeenRule
from lvsnat.model.config import Config, HaproxyOptions
from lvsnat.model.endpoint import Family, parse_listener
from lvsnat.model.mode import Mode
from lvsnat.model.service import VirtualService

NUMBERS = st.integers(1, EVERY_BIT)
FAMILIES = st.sampled_from(Family)


@given(FAMILIES, NUMBERS, NUMBERS, NUMBERS)
def test_a_rule_is_read_back_from_its_name(
    family: Family, mark: int, table: int, priority: int
) -> None:
    rule = PolicyRule(family, mark, table, priority)

    assert PolicyRule.parse(rule.key.name) == rule
    assert LocalRoute.parse(rule.key.name) is None


@given(FAMILIES, NUMBERS)
def test_a_route_is_read_back_from_its_name(family: Family, table: int) -> None:
    route = LocalRoute(family, table)

    assert LocalRoute.parse(route.key.name) == route
    assert PolicyRule.parse(route.key.name) is None


def test_a_family_has_its_route_before_the_rule_that_leads_to_it() -> None:
    services = (VirtualService("web", parse_listener("tcp/192.168.1.50:80")),)
    options = HaproxyOptions(mark=0x10, table=7, priority=9)

    found = list(routes_for(Config(Mode.HAPROXY_TPROXY, services, haproxy=options)))

    assert found == [LocalRoute(Family.IPV4, 7), PolicyRule(Family.IPV4, 0x10, 7, 9)]
    assert [one.describe() for one in found] == [
        "local route ipv4 default dev lo table 7",
        "routing rule ipv4 9: fwmark 0x10/0x10 lookup 7",
    ]
    assert all(one.owner == one.key and one.settings() == {} for one in found)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (SeenRule(Family.IPV4, 0, table=255), "0: from all lookup local"),
        (SeenRule(Family.IPV4, 5, action=RuleAction.PROHIBIT), "5: from all prohibit"),
        (SeenRule(Family.IPV4, 6, action=99), "6: from all action 99"),
        (SeenRule(Family.IPV6, 9, 1, EVERY_BIT, 77, narrow=True), "9: fwmark 0x1 ... lookup 77"),
        (SeenRule(Family.IPV6, 9, 1, 3, 77, inverted=True), "9: not fwmark 0x1/0x3 lookup 77"),
    ],
)
def test_a_rule_that_was_read_is_shown_as_ip_shows_it(rule: SeenRule, words: str) -> None:
    assert str(rule) == words


@pytest.mark.parametrize(
    ("route", "words"),
    [
        (SeenRoute(Family.IPV4, 233, "default", RouteKind.LOCAL, "lo"),
         "local default dev lo table 233"),
        (SeenRoute(Family.IPV4, 7, "10.0.0.0/8", gateway="192.168.1.1"),
         "10.0.0.0/8 via 192.168.1.1 table 7"),
    ],
)  # fmt: skip
def test_a_route_that_was_read_is_shown_as_ip_shows_it(route: SeenRoute, words: str) -> None:
    assert str(route) == words
