"""Each part of a way back that does not hold is told by its code, with what puts it right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from aws.pictures import (
    EIP,
    INSIDE,
    LB,
    LOCAL,
    PEER,
    PRIVATE,
    PUBLIC,
    VIP,
    carried_out,
    decided,
    inside,
    leads,
    nic_with,
    picture,
    scene,
)

from lvsnat.aws.finding import Finding
from lvsnat.aws.network import RouteState, RouteTable
from lvsnat.aws.paths import paths_of
from lvsnat.aws.picture import Picture
from lvsnat.aws.resources import SecondaryAddress
from lvsnat.aws.verify import verify
from lvsnat.plan.change import Create, Delete

MADE: dict[str, Any] = {"eip_allocation": EIP, "security_groups": True}


def made() -> Picture:
    """The VPC after apply."""
    return carried_out(picture(), decided(picture(), **MADE).plan.changes)


def failing(seen: Picture, **options: Any) -> dict[str, Finding]:  # noqa: ANN401 - the options
    return {str(one.code): one for one in verify(scene(seen, **options)) if not one.holds}


def test_all_holds_after_apply() -> None:
    findings = [*verify(scene(made(), **MADE))]

    assert [one for one in findings if not one.holds] == []
    assert all(one.remedy == "" for one in findings)
    assert {str(one.code) for one in findings} == {
        "SRC_DST_CHECK", "ENI_UNATTACHED", "VIP_NOT_ON_ENI", "EIP_MAP", "IGW", "ROUTE",
        "SG_LB_IN", "SG_RS_CLIENT",
    }  # fmt: skip


def test_before_apply_each_part_is_told() -> None:
    found = failing(picture(), **MADE)

    assert set(found) == {
        "SRC_DST_CHECK", "VIP_NOT_ON_ENI", "EIP_MAP", "ROUTE_OTHER", "SG_LB_IN", "SG_RS_CLIENT",
    }  # fmt: skip
    assert (found["SRC_DST_CHECK"].seen, found["SRC_DST_CHECK"].expected) == ("on", "off")
    assert all("lvsnat aws apply" in one.remedy for one in found.values())


def routed(state: RouteState = RouteState.ACTIVE, target: str = LB) -> Iterable[RouteTable]:
    return inside(replace(leads("0.0.0.0/0", target), state=state))


@pytest.mark.parametrize(
    ("seen", "options", "code"),
    [
        (picture(tables=inside()), {}, "ROUTE_MISSING"),
        (picture(tables=routed(RouteState.BLACKHOLE)), {}, "ROUTE_BLACKHOLE"),
        (picture(tables=routed(target=PEER)), {"peer_eni": PEER}, "ROUTE_STALE_OWNER"),
        (picture(tables=routed(target=PEER)), {}, "ROUTE_OTHER"),
        (carried_out(picture(), [Create(SecondaryAddress(VIP, PEER))]), {}, "VIP_ELSEWHERE"),
        (carried_out(made(), [Delete(SecondaryAddress(VIP, LB))]), {}, "VIP_NOT_ON_ENI"),
        (nic_with(picture(), LB, attached=False), {}, "ENI_UNATTACHED"),
        (picture(internet_gateway=None), {"eip_allocation": EIP}, "IGW"),
        (
            picture(tables=inside(leads("0.0.0.0/0", LB), leads("192.0.2.0/24", "tgw-00000001"))),
            {},
            "CLIENT_BYPASS",
        ),
        (
            picture(tables=(RouteTable(PUBLIC, subnets=("subnet-00000001", INSIDE)),)),
            {},
            "SAME_TABLE_LOOP",
        ),
        (
            picture(
                tables=(
                    RouteTable(PUBLIC, subnets=("subnet-00000001",), routes=(LOCAL,)),
                    RouteTable(PRIVATE, subnets=(INSIDE,), routes=(leads("0.0.0.0/0", LB),)),
                )
            ),
            {},
            "LB_EGRESS",
        ),
        (
            picture(
                tables=(
                    RouteTable(
                        PUBLIC,
                        subnets=("subnet-00000001",),
                        routes=(LOCAL, leads("192.0.2.0/24", "pcx-00000001")),
                    ),
                    RouteTable(PRIVATE, subnets=(INSIDE,), routes=(leads("0.0.0.0/0", LB),)),
                )
            ),
            {"eip_allocation": EIP},
            "LB_EGRESS",
        ),
    ],
)
def test_what_does_not_hold_has_a_code_and_a_remedy(
    seen: Picture, options: dict[str, Any], code: str
) -> None:
    found = failing(seen, **options)

    assert code in found
    assert found[code].remedy


def test_a_way_past_the_director_is_shown_beside_the_one_through_it() -> None:
    seen = picture(tables=inside(leads("0.0.0.0/0", LB), leads("192.0.2.0/24", "tgw-00000001")))

    ways = [(one.source, one.destination, one.through) for one in paths_of(scene(seen))]

    assert ("real servers", "0.0.0.0/0", f"{LB} (the director)") in ways
    assert ("real servers", "192.0.2.0/24", "tgw-00000001") in ways


def test_no_way_at_all_is_shown_too() -> None:
    ways = [*paths_of(scene(picture(tables=inside())))]

    assert "missing" in {one.state for one in ways}
