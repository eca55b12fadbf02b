from __future__ import annotations

import ipaddress
import re
from itertools import combinations

import pytest
from labkit.errors import LabError
from labkit.layout import Layout, Machine, Shape, picture

SHAPES = [pytest.param(shape, id=shape.value) for shape in Shape]


def _everything(shape: Shape) -> Layout:
    return Layout(shape, servers=3, directors=2, neighbour=True)


def _named(layout: Layout, name: str) -> Machine:
    return next(machine for machine in layout.machines() if machine.name == name)


@pytest.mark.parametrize("shape", SHAPES)
def test_no_two_hosts_share_an_address(shape: Shape) -> None:
    legs = [
        (leg.segment.address(leg.number), leg.segment.address6(leg.number))
        for machine in _everything(shape).machines()
        for leg in machine.legs
    ]

    assert not [pair for pair in combinations(legs, 2) if set(pair[0]) & set(pair[1])]
    assert all(ipaddress.ip_address(address) for leg in legs for address in leg)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_servers_way_back_is_the_director(shape: Shape) -> None:
    layout = _everything(shape)

    way_back = _named(layout, "rs3").routes

    assert [route.via for route in way_back] == [layout.gateway]
    assert layout.gateway in _named(layout, "director").legs


@pytest.mark.parametrize("shape", SHAPES)
def test_only_the_router_forwards_by_itself(shape: Shape) -> None:
    forwarding = [machine.name for machine in _everything(shape).machines() if machine.forwards]

    assert forwarding == ["vpc"]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_picture_shows_the_addresses_that_are_used(shape: Shape) -> None:
    layout = _everything(shape)
    drawn = set(re.findall(r"\.(\d+)\b", picture(shape)))

    used = {str(leg.number) for name in ("client", "vpc", "director", "rs1", "rs2", "neighbour")
            for leg in _named(layout, name).legs}  # fmt: skip

    assert used <= drawn


@pytest.mark.parametrize(("servers", "directors"), [(0, 1), (101, 1), (2, 0), (2, 3)])
def test_what_has_no_place_in_the_picture_is_refused(servers: int, directors: int) -> None:
    with pytest.raises(LabError, match="servers and"):
        Layout(Shape.DUAL_SUBNET, servers=servers, directors=directors)
