"""Whatever is set, changed and killed half-way: unset puts everything back as it was."""

from __future__ import annotations

from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st

from lvsnat.gateway.change import planned
from lvsnat.gateway.record import Record
from lvsnat.gateway.resources import DefaultRoute, Destination, ReplyRule, Route
from lvsnat.gateway.ways import Hop
from lvsnat.gateway.wish import ReplyPort
from lvsnat.host.resources import Sysctl
from lvsnat.model.endpoint import Family
from lvsnat.model.resource import Key, Resource, Setting, state_of
from lvsnat.plan.change import Create, Delete, Update

World = dict[Key, Resource]

hops = st.sampled_from([Hop(ip_address(f"192.168.1.{last}"), "eth0") for last in (50, 51)])
rules = st.builds(
    ReplyRule,
    st.just(ip_address("192.168.1.55")),
    st.builds(ReplyPort, st.just("tcp"), st.sampled_from([80, 443])),
    st.just(234),
    st.just(110),
)
routes = st.builds(
    Route,
    st.builds(Destination, st.just(Family.IPV4), st.none(), st.sampled_from([234, 500])),
    hops,
)
settings = st.one_of(
    st.builds(Sysctl, st.sampled_from(["all", "eth0"]), value=st.sampled_from("01")),
    st.builds(DefaultRoute, st.just(Family.IPV4), value=st.sampled_from(["a", "b", "c"])),
)
# Every kernel has these, and its rules may be anybody's.
worlds = st.tuples(
    st.lists(rules),
    *(st.builds(Sysctl, st.just(place), value=st.sampled_from("01")) for place in ("all", "eth0")),
    st.builds(DefaultRoute, st.just(Family.IPV4), value=st.sampled_from(["a", "b", "c"])),
).map(lambda found: state_of([*found[0], *found[1:]]))
wishes = st.lists(rules | routes | settings).map(state_of)
steps = st.lists(st.tuples(wishes, st.none() | st.integers(0, 6)), max_size=5)


def shift(world: World, record: Record, desired: World, killed: int | None) -> Record:
    """What 'gateway set' does, or as much of it as comes before it is killed; the record left."""
    keys = desired.keys() | record.made.keys()
    observed = {key: one for key, one in world.items() if key in keys}
    changes = planned(desired, observed, record).changes
    intended = record.intending({}, changes, None)
    for number, change in enumerate(changes):
        if number == killed:
            return intended
        match change:
            case Create(resource) | Update(after=resource):
                world[resource.key] = resource
            case Delete(resource):
                del world[resource.key]
    return intended if killed is not None else intended.after(changes, desired)


@given(worlds, steps)
def test_unset_puts_everything_back(before: World, several: list[tuple[World, int | None]]) -> None:
    world, record = dict(before), Record()
    for desired, killed in several:
        record = shift(world, record, desired, killed)

    record = shift(world, record, {}, None)

    assert world == before
    assert not record


@given(worlds, steps, wishes)
def test_set_makes_it_so_and_a_second_time_changes_nothing(
    before: World, several: list[tuple[World, int | None]], wish: World
) -> None:
    world, record = dict(before), Record()
    for desired, killed in several:
        record = shift(world, record, desired, killed)

    record = shift(world, record, wish, None)

    assert wish.items() <= world.items()
    assert not planned(wish, {key: world[key] for key in wish}, record).changes


@given(worlds, wishes, st.data())
def test_what_somebody_changed_since_stays_as_they_want_it(
    before: World, wish: World, data: st.DataObject
) -> None:
    world = dict(before)
    record = shift(world, Record(), wish, None)
    theirs: World = {}
    for key in record.made:
        mine = world[key]
        if isinstance(mine, Setting) and data.draw(st.booleans()):
            theirs[key] = mine.with_value("somebody's")
        elif isinstance(mine, Route) and data.draw(st.booleans()):
            theirs[key] = Route(mine.destination, Hop(ip_address("192.168.1.99"), "eth0"))
    world |= theirs

    shift(world, record, {}, None)

    assert world == {**before, **theirs}
