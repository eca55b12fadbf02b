"""The benchmark compares what is alike, and writes where it may."""

from __future__ import annotations

from benchkit.measure import (
    ADMIN_FILL,
    ADMIN_READ,
    FILL,
    NOTHING,
    ONE,
    READ,
    READ_WITHIN,
    STARTS,
    Results,
)
from benchkit.process import Sample
from benchkit.report import BEGIN, END, between_the_markers, markdown
from benchkit.tables import Size, configuration, rules

from lvsnat.config.parse import parse_config
from lvsnat.interop.ipvsadm.printer import render
from lvsnat.ipvs.resources import expand
from lvsnat.model.config import Timeouts

SIZE = Size(5003, 2)


def results(*, ours: list[float], theirs: list[float]) -> Results:
    """What a run of some rounds may have found: seconds of each fill."""
    one = [Sample(1.0, 50.0)] * len(ours)
    found = dict.fromkeys((FILL, NOTHING, ONE, READ, READ_WITHIN, ADMIN_FILL, ADMIN_READ), one)
    found[FILL] = [Sample(seconds, 60.0) for seconds in ours]
    found[ADMIN_FILL] = [Sample(seconds, 2.0) for seconds in theirs]
    return Results(len(ours), "7.2", dict.fromkeys(STARTS, one), {SIZE: found})


def test_both_programs_are_given_the_same_table() -> None:
    config = parse_config(configuration(SIZE), "made up")

    assert render(expand(config), Timeouts()) == rules(SIZE)


def test_the_other_weight_is_that_of_one_server() -> None:
    before, after = (configuration(SIZE, weight=weight).splitlines() for weight in (1, 2))

    assert sum(old != new for old, new in zip(before, after, strict=True)) == 1


def test_ratios_are_taken_within_a_round() -> None:
    text = markdown(results(ours=[1.0, 50.0, 3.0], theirs=[2.0, 100.0, 4.0]))

    assert "| fill an empty kernel | 5,003 x 2 | 3.00 s | 4.00 s | **0.50** |" in text


def test_what_stands_around_the_markers_stays() -> None:
    page = f"# Before\n{BEGIN}\nold\n{END}\nafter\n"

    assert between_the_markers(page, "new\n") == f"# Before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
