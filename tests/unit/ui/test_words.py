"""Values as short words."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvsnat.model.override import Override, Reason
from lvsnat.model.service import Persistence, PersistenceEngine
from lvsnat.ui import words


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (1, "1 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9949, "9.9 kB"),
        (9951, "10 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (34_000_000_000, "34 GB"),
        (2**64 - 1, "18 EB"),
        (10**24, "1000000 EB"),
    ],
)
def test_bytes_fit_into_a_narrow_column(number: int, text: str) -> None:
    assert words.in_bytes(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (99_999, "99999"), (100_000, "100 k"), (999_500, "1.0 M"), (2**30, "1.1 G")],
)
def test_numbers_of_things_fit_into_a_narrow_column(number: int, text: str) -> None:
    assert words.in_short(number) == text


def test_one_thing_is_no_plural() -> None:
    assert [words.count(number, "server") for number in (0, 1, 2)] == [
        "0 servers",
        "1 server",
        "2 servers",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (Persistence(300), "300"),
        (Persistence(300, 24), "300/24"),
        (Persistence(300, None, PersistenceEngine.SIP), "300 sip"),
    ],
)
def test_persistence_reads_as_the_option_does(value: Persistence | None, text: str) -> None:
    assert words.persistence(value) == text


def test_settings_that_are_not_set_are_left_out() -> None:
    values = {"weight": "1", "upper": "none", "persistence": "300 s, /24"}

    assert words.settings(values) == 'weight=1 persistence="300 s, /24"'


def test_only_what_differs_is_told() -> None:
    before = {"weight": "1", "upper": "none", "gone": "x"}
    after = {"weight": "3", "upper": "none"}

    assert words.differences(before, after) == "weight 1 → 3, gone x → none"


def test_a_span_is_as_short_as_it_can_be() -> None:
    assert [words.span(seconds) for seconds in (0, 45.4, 245, 7200)] == [
        "0 s",
        "45 s",
        "4:05 min",
        "2:00:00 h",
    ]


def test_an_override_says_why_and_until_when() -> None:
    moment = words.moment(1_800_000_000)

    assert words.override(Override(Reason.DRAINED)) == "drained"
    assert words.override(Override(Reason.DISABLED, 1_800_000_000)) == f"disabled until {moment}"


def test_a_moment_names_its_time_zone() -> None:
    assert datetime.fromisoformat(words.moment(1_800_000_000)).timestamp() == 1_800_000_000


def test_a_text_is_as_long_as_it_is() -> None:
    assert words.settings({"weight": "1", "text": "a\nb\nc"}) == "weight=1 text=(3 lines)"
    assert words.differences({"text": "a\nb"}, {"text": "a\nc\nd"}) == "text 1 line → 2 lines"


def test_lines_that_differ_stand_under_their_section() -> None:
    before = "# made of 1\nfrontend web\n    bind :80\nbackend web\n    balance lc\n    retries 2"
    after = "# made of 2\nfrontend web\n    bind :81\nbackend web\n    balance rr\n    retries 2"

    assert words.text_changes(before, after) == [
        (" ", "frontend web"), ("-", "    bind :80"), ("+", "    bind :81"),
        (" ", "backend web"), ("-", "    balance lc"), ("+", "    balance rr"),
    ]  # fmt: skip


def test_two_changes_of_one_section_name_it_once() -> None:
    before, after = "global\n  a\n  b\n  c", "global\n  x\n  b\n  y"

    assert [sign for sign, _ in words.text_changes(before, after)] == [" ", "-", "+", "-", "+"]


def test_a_comment_is_told_where_nothing_else_differs() -> None:
    assert words.text_changes("# 1\nglobal", "# 2\nglobal") == [("-", "# 1"), ("+", "# 2")]


texts = st.lists(st.sampled_from(["global", "  a", "  b", "backend x", "  c"]), min_size=2)


@given(before=texts, after=texts)
def test_the_lines_that_go_and_come_make_one_text_of_the_other(
    before: list[str], after: list[str]
) -> None:
    changes = words.text_changes("\n".join(before), "\n".join(after))

    gone = Counter(line for sign, line in changes if sign == "-")
    come = Counter(line for sign, line in changes if sign == "+")
    assert Counter(before) - gone + come == Counter(after)


def test_what_nobody_counts_is_a_dash() -> None:
    assert {words.in_short(None), words.in_bytes(None), words.exact(None)} == {words.NOTHING}
    assert words.exact(0) == "0"
