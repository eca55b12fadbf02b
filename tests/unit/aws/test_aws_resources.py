"""What lvsnat makes in a VPC, as a plan sees and shows it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, ip_network

import pytest

from lvsnat.aws.resources import (
    NEW_ALLOCATION,
    OFF,
    ON,
    AwsResource,
    ElasticAddress,
    ElasticMapping,
    GroupRule,
    SecondaryAddress,
    SourceDestCheck,
    TableRoute,
)
from lvsnat.aws.target import Target
from lvsnat.model.resource import Resource, state_of
from lvsnat.plan.change import Change, Create, Update
from lvsnat.plan.ledger import Ledger
from lvsnat.plan.planner import plan
from lvsnat.ui.diff import change_lines

ANY = ip_network("0.0.0.0/0")
VIP = IPv4Address("10.0.1.200")
CHECK = SourceDestCheck("eni-1", value=OFF)
ADDRESS = SecondaryAddress(VIP, "eni-1")
RULE = GroupRule("sg-1", "tcp", 80, 80, ANY)
MAPPING = ElasticMapping("eipalloc-1", "eni-1", VIP, IPv4Address("203.0.113.7"))
ROUTE = TableRoute("rtb-1", ANY, Target("eni-1"))
ALL: tuple[AwsResource, ...] = (CHECK, ADDRESS, RULE, ElasticAddress(VIP), MAPPING, ROUTE)


def drawn(change: Change) -> str:
    return "".join(line.plain for line in change_lines(change))


def test_each_is_a_resource_that_nobody_owns() -> None:
    resources: list[Resource] = list(ALL)

    assert len(state_of(resources)) == len(ALL)
    assert all(one.shared and one.owner == one.key for one in resources)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (Update(replace(CHECK, value=ON), CHECK), "~ eni-1 source/dest check  value on → off"),
        (Create(ADDRESS), "+ secondary address 10.0.1.200  interface=eni-1"),
        (
            Update(replace(ADDRESS, interface="eni-2"), ADDRESS),
            "~ secondary address 10.0.1.200  interface eni-2 → eni-1",
        ),
        (Create(RULE), "+ sg-1 tcp/80 from 0.0.0.0/0"),
        (Create(ElasticAddress(VIP)), "+ Elastic IP for 10.0.1.200"),
        (
            Update(replace(MAPPING, interface=None, private=None), MAPPING),
            "~ eipalloc-1 203.0.113.7  mapped to free → eni-1 10.0.1.200",
        ),
        (
            Update(replace(ROUTE, target=Target("nat-1")), ROUTE),
            "~ rtb-1 0.0.0.0/0  target nat-1 → eni-1",
        ),
    ],
)
def test_a_change_is_one_line(change: Change, line: str) -> None:
    assert drawn(change) == line


def test_equality_is_the_drift_test() -> None:
    assert replace(MAPPING, public=None) == MAPPING
    assert replace(MAPPING, private=IPv4Address("10.0.1.10")) != MAPPING
    assert replace(ROUTE, target=Target("nat-1")) != ROUTE
    assert ElasticMapping(NEW_ALLOCATION, "eni-1", VIP).describe() == NEW_ALLOCATION


def test_the_way_is_ready_before_traffic_takes_it() -> None:
    changes = plan(state_of(reversed(ALL)), {}, Ledger()).changes

    keys = [change.resource.key for change in changes if isinstance(change, Create)]
    assert set(keys[:4]) == {one.key for one in (CHECK, ADDRESS, RULE, ElasticAddress(VIP))}
    assert set(keys[4:]) == {MAPPING.key, ROUTE.key}


def test_what_others_made_is_neither_in_the_way_nor_taken_away() -> None:
    other = TableRoute("rtb-2", ANY, Target("nat-1"))

    found = plan(state_of([ROUTE]), state_of([ROUTE, other]), Ledger())

    assert not found


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (GroupRule("sg-1", "tcp", 8000, 8100, ANY), "tcp/8000-8100 from 0.0.0.0/0"),
        (GroupRule("sg-1", "-1", -1, -1, ANY), "all/all from 0.0.0.0/0"),
    ],
)
def test_a_rule_says_what_it_lets_in(rule: GroupRule, words: str) -> None:
    assert rule.what == words
