"""Which routing rules of others are refused, and which are not. Real ones are in tests/kernel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvsnat.host.routes import PolicyRule
from lvsnat.host.seen import EVERY_BIT, RouteKind, RuleAction, SeenRoute, SeenRule
from lvsnat.host.shadows import shadows, tables_asked
from lvsnat.model.endpoint import Family

V4 = Family.IPV4
OURS = PolicyRule(V4, 0x1, 233, 100)
KERNELS = (SeenRule(V4, 0, table=255), SeenRule(V4, 32766, table=254))
TABLES = {
    254: [SeenRoute(V4, 254, "default", gateway="192.168.1.1", interface="eth0")],
    77: [SeenRoute(V4, 77, "default", RouteKind.LOCAL, "lo")],
    78: [SeenRoute(V4, 78, "10.0.0.0/8", interface="eth0")],
    255: [SeenRoute(V4, 255, "default", interface="eth0")],
}


def found(*rules: SeenRule, tables: dict[int, list[SeenRoute]] | None = None) -> list[str]:
    routes = TABLES | (tables or {})
    seen = shadows(OURS, (*KERNELS, *rules), lambda table: routes.get(table, []))
    return [f"{one.message}: {one.hint}" for one in seen]


@pytest.mark.parametrize(
    "rule",
    [
        SeenRule(V4, 10, table=254, spares_default=True),
        SeenRule(V4, 10, table=78),
        SeenRule(V4, 10, table=254, narrow=True),
        SeenRule(V4, 10, 0x80000, 0xFF0000, 254),
        SeenRule(V4, 10, 0x1, 0x1, 254, inverted=True),
        SeenRule(V4, 10, 0x1, EVERY_BIT, 77),
        SeenRule(V4, 10, action=RuleAction.GOTO),
        SeenRule(V4, 101, table=254),
        SeenRule(V4, 101, action=RuleAction.BLACKHOLE),
        SeenRule(V4, 100, 0x1, 0x1, 233),
    ],
)
def test_a_rule_that_takes_nothing_from_us_is_nobodys_business(rule: SeenRule) -> None:
    assert found(rule) == []


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (SeenRule(V4, 10, table=254), "priority = 9"),
        (SeenRule(V4, 100, table=254), "priority = 99"),
        (SeenRule(V4, 1, table=254), "nothing can stand before it"),
        (SeenRule(V4, 10, 0x40, 0x40, 254, inverted=True), "priority = 9"),
        (SeenRule(V4, 10, action=RuleAction.UNREACHABLE), "unreachable"),
        (SeenRule(V4, 10, 0x3, 0x3, 254), "uses the mark 0x1, too"),
        (SeenRule(V4, 32000, 0x1, EVERY_BIT, 254), "uses the mark 0x1, too"),
        (SeenRule(V4, 10, 0x1, 0x1, 254), "takes everything"),
        (SeenRule(V4, 40000, table=233, narrow=True), "asks table 233, too"),
    ],
)
def test_a_rule_in_our_way_is_named(rule: SeenRule, said: str) -> None:
    (message,) = found(rule)

    assert str(rule) in message
    assert said in message


def test_another_route_in_our_table_is_named() -> None:
    theirs = SeenRoute(V4, 233, "10.0.0.0/8", gateway="192.168.1.1")
    ours = SeenRoute(V4, 233, "default", RouteKind.LOCAL, "lo")

    (message,) = found(tables={233: [ours, theirs]})

    assert "table 233 is somebody else's: it has ipv4 10.0.0.0/8 via 192.168.1.1" in message


def test_rules_of_ours_that_are_about_to_go_are_not_in_our_way() -> None:
    old = PolicyRule(V4, 0x4, 233, 90)
    seen = SeenRule(V4, 90, 0x4, 0x4, 233)

    assert list(shadows(OURS, [seen], lambda _: [], [old])) == []
    assert len(list(shadows(OURS, [seen], lambda _: []))) == 1


RULES = st.builds(
    SeenRule,
    st.just(V4),
    st.sampled_from([0, 1, 99, 100, 101, 32766]),
    st.integers(0, 3),
    st.integers(0, 3),
    st.sampled_from([77, 78, 233, 254, 255]),
    st.sampled_from(list(RuleAction)),
    inverted=st.booleans(),
    narrow=st.booleans(),
    spares_default=st.booleans(),
)


@given(st.lists(RULES, max_size=6))
def test_no_other_table_is_asked_for_than_those_that_are_named_before(
    rules: list[SeenRule],
) -> None:
    asked: list[int] = []

    def routes(table: int) -> list[SeenRoute]:
        asked.append(table)
        return TABLES.get(table, [])

    list(shadows(OURS, rules, routes))

    assert set(asked) <= tables_asked(OURS, rules) | {255}
