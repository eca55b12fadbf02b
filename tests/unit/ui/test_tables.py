"""A table drops columns where the terminal is narrow."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.ui.drawing import drawn

from lvsnat.ui.lines import Part
from lvsnat.ui.tables import CHUNK, Column, Row, Table, fitting, streamed

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


def test_an_optional_column_is_there_once_a_row_has_something_in_it() -> None:
    columns = (Column("NAME"), Column("LIMIT", optional=True))

    without = drawn(Table(columns, [(Part("a"), Part("-")), (Part("b"), Part(""))]))
    having = drawn(Table(columns, [(Part("a"), Part("-")), (Part("b"), Part("9"))]))

    assert without.split() == ["NAME", "a", "b"]
    assert having.split() == ["NAME", "LIMIT", "a", "-", "b", "9"]


def test_no_line_ends_in_blanks() -> None:
    columns = (Column("NAME"), Column("ONE"), Column("TWO"))
    rows = [(Part("a"), Part("1"), Part("2")), (Part("b"), Part(""), Part(""))]

    assert drawn(Table(columns, rows)).splitlines() == ["NAME  ONE  TWO", "a     1    2", "b"]


def test_a_stream_is_drawn_as_it_comes_and_laid_out_by_its_first_rows() -> None:
    taken = []

    def rows() -> Iterator[Row]:
        for number in range(3 * CHUNK):
            taken.append(number)
            yield (Part(str(number)), Part("x" * (number // CHUNK)))

    stream = streamed((Column("NAME"), Column("REST")), rows(), available=80)

    assert drawn(next(stream)) == "NAME  REST\n"
    assert drawn(next(stream)).startswith("0\n1\n")
    assert len(taken) == CHUNK
    assert drawn(next(stream)).startswith("500   x\n")
    assert len(taken) == 2 * CHUNK


def test_a_stream_of_nothing_has_titles() -> None:
    assert [drawn(lines) for lines in streamed((Column("NAME"),), [], 80)] == ["NAME\n"]
