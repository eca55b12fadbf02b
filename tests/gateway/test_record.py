"""What lvsnat has set, on the disk: nothing is lost, and another boot begins anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from gateway.grounds import wish
from hypothesis import given
from hypothesis import strategies as st

from lvsnat.errors import LvsnatError
from lvsnat.gateway import record as records
from lvsnat.gateway.record import Record, Trial
from lvsnat.gateway.resources import Destination, ReplyRule, Route
from lvsnat.gateway.ways import Hop
from lvsnat.host.resources import Sysctl
from lvsnat.model.endpoint import Family
from lvsnat.model.resource import Key, Resource, state_of
from lvsnat.plan.change import Change, Create, Update

FOUR = wish(ports="tcp/80,udp/53", local_clients=True)
SIX = wish("2001:db8::50", interface="eth0")
WISHES = {Family.IPV4: FOUR, Family.IPV6: SIX}
keys = st.builds(Key, st.text(), st.text())
SETTING = Sysctl("net.ipv4.conf.eth0.accept_redirects", value="1")
ROUTE = Route(Destination(Family.IPV4, None, 234), Hop(FOUR.via, "eth0"))
RULE = ReplyRule(FOUR.via, FOUR.reply_ports[0], 234, 110)


@given(
    st.dictionaries(keys, st.lists(st.text()).map(tuple)),
    st.dictionaries(keys, st.text()),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
)
def test_a_record_is_read_as_it_is_written(
    made: dict[Key, tuple[str, ...]], originals: dict[Key, str], began: float | None
) -> None:
    trial = None if began is None else Trial(began, {Family.IPV6: SIX})
    record = Record(WISHES, made, originals, trial)

    assert records.parse(records.render(record, "a"), "a") == record


def test_of_an_earlier_boot_only_the_wishes_are_told() -> None:
    record = Record(WISHES, {Key("route", "x"): ("y",)}, {}, Trial(0.0, {}))

    found = records.parse(records.render(record, "one"), "another")

    assert found == Record(earlier=WISHES)
    assert not found


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 2}', '{"version": 1}'])
def test_another_file_is_an_error_that_says_what_next(text: str, tmp_path: Path) -> None:
    path = tmp_path / "gateway.json"
    path.write_text(text)

    with pytest.raises(LvsnatError, match="not a state") as failure:
        records.load(path)
    assert "mv " in (failure.value.hint or "")


def test_without_a_file_nothing_is_ours(tmp_path: Path) -> None:
    assert not records.load(tmp_path / "gateway.json")


def test_what_is_about_to_be_made_is_ours_before_and_after() -> None:
    after = SETTING.with_value("0")
    changes: list[Change] = [Update(SETTING, after), Create(ROUTE), Create(RULE)]
    desired = state_of([after, ROUTE, RULE])

    intended = Record().intending(WISHES, changes, None)
    finished = intended.after(changes, desired)

    for record in (intended, finished):
        assert all(map(record.is_ours, desired.values()))
        assert record.originals == {SETTING.key: "1"}
        assert record.wishes == WISHES


def test_killed_between_two_values_both_are_ours() -> None:
    other = Route(ROUTE.destination, Hop(FOUR.via, "eth1"))
    first = Record().intending(WISHES, [Create(ROUTE)], None).after([], state_of([ROUTE]))

    intended = first.intending(WISHES, [Update(ROUTE, other)], None)

    assert intended.is_ours(ROUTE)
    assert intended.is_ours(other)
    assert not intended.after([Update(ROUTE, other)], state_of([other])).is_ours(ROUTE)


@pytest.mark.parametrize("there", [SETTING.with_value("0"), ROUTE, RULE])
def test_what_was_there_already_is_not_ours(there: Resource) -> None:
    record = Record().intending(WISHES, [], None).after([], state_of([there]))

    assert not record.made
