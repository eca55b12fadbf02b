"""A table drops columns where the terminal is narrow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.ui.drawing import drawn

from lvsnat.ui.lines import Part
from lvsnat.ui.tables import Column, Table, fitting

TABLE = Table(
    (Column("NAME"), Column("SMALL", keep=1), Column("BIG", keep=2, right=True)),
    [(Part("a-rather-long-name"), Part("x"), Part("1")), (Part("b"), Part(""), Part("10000"))],
)


@pytest.mark.parametrize(
    ("width", "titles"),
    [(100, "NAME SMALL BIG"), (32, "NAME SMALL BIG"), (31, "NAME BIG"), (24, "NAME"), (3, "NAME")],
)
def test_the_least_important_column_goes_first(width: int, titles: str) -> None:
    assert drawn(TABLE, width=width).splitlines()[0].split() == titles.split()


def test_what_is_never_dropped_is_never_cut() -> None:
    assert "a-rather-long-name\n" in drawn(TABLE, width=3)


def test_columns_stand_below_their_titles() -> None:
    assert drawn(TABLE) == (
        "NAME                SMALL    BIG\n"
        "a-rather-long-name  x          1\n"
        "b                          10000\n"
    )


def test_a_table_without_rows_has_its_titles() -> None:
    assert drawn(Table((Column("NAME"), Column("LISTEN")), [])) == "NAME  LISTEN\n"


@given(
    st.lists(st.tuples(st.integers(0, 30), st.none() | st.integers(0, 9)), min_size=1),
    st.integers(0, 200),
)
def test_columns_fit_or_are_those_that_must_stay(
    shapes: list[tuple[int, int | None]], available: int
) -> None:
    columns = [Column("", keep) for _, keep in shapes]
    widths = [width for width, _ in shapes]

    shown = fitting(columns, widths, available)

    needed = sum(widths[index] + 2 for index in shown) - 2
    droppable = [index for index in shown if columns[index].keep is not None]
    assert needed <= available or not droppable
    assert [i for i, column in enumerate(columns) if column.keep is None] == [
        index for index in shown if columns[index].keep is None
    ]
