"""The lines of the log: text, JSON, priorities, and what becomes of a flood."""

from __future__ import annotations

import io
import json
import logging
import os
import sys

import pytest

from lvsnat.daemon.logs import MOST, PERIOD, Lines, as_json, read_by_journal
from lvsnat.model.daemon import LogFormat

NOON = 1_800_000_000.0


def record(
    message: str = "web: up", level: int = logging.INFO, at: float = NOON
) -> logging.LogRecord:
    made = logging.makeLogRecord(
        {
            "name": "lvsnat.daemon",
            "levelno": level,
            "levelname": logging.getLevelName(level),
            "msg": "%s",
            "args": (message,),
            "event": "transition",
            "fields": {"service": "web"},
        }
    )
    made.created = at
    return made


def written(
    *records: logging.LogRecord, form: LogFormat = LogFormat.TEXT, journal: bool = False
) -> list[str]:
    stream = io.StringIO()
    lines = Lines(stream, form, journal=journal)
    for one in records:
        lines.emit(one)
    return stream.getvalue().splitlines()


def test_a_line_says_when_and_what() -> None:
    assert written(record()) == ["2027-01-15T08:00:00.000+00:00 web: up"]


@pytest.mark.parametrize(
    ("level", "prefix"),
    [(logging.ERROR, "<3>"), (logging.WARNING, "<4>"), (logging.INFO, "<6>"), (10, "<7>")],
)
def test_the_journal_gets_priorities_and_no_time(level: int, prefix: str) -> None:
    assert written(record(level=level), journal=True) == [f"{prefix}web: up"]


def test_each_line_of_a_message_has_its_priority() -> None:
    assert written(record("two\nlines"), journal=True) == ["<6>two", "<6>lines"]


def test_json_has_the_parts_of_the_event() -> None:
    (line,) = written(record(), form=LogFormat.JSON)

    assert json.loads(line) == {
        "time": "2027-01-15T08:00:00.000+00:00",
        "level": "info",
        "event": "transition",
        "message": "web: up",
        "service": "web",
    }


def test_an_exception_is_one_line_of_json() -> None:
    try:
        raise ValueError("why")  # noqa: TRY301 - a traceback is what this is about
    except ValueError:
        made = record()
        made.exc_info = sys.exc_info()

    text = as_json(made)

    assert "\n" not in text
    assert "ValueError: why" in json.loads(text)["traceback"]


def test_a_flood_is_cut_short_and_counted() -> None:
    flood = [record(str(number)) for number in range(MOST + 7)]

    lines = written(*flood, record("later", at=NOON + PERIOD))

    assert len(lines) == MOST + 2
    assert "7 lines were left out" in lines[-2]
    assert lines[-1].endswith("later")


def test_an_error_is_never_left_out() -> None:
    flood = [record(str(number)) for number in range(MOST)]

    assert written(*flood, record("bad", logging.ERROR))[-1].endswith("bad")


def test_a_reader_that_went_away_is_no_failure() -> None:
    stream = io.StringIO()
    lines = Lines(stream, LogFormat.TEXT, journal=False)
    stream.close()

    lines.emit(record())


def test_the_journal_is_known_by_its_stream() -> None:
    with open(os.devnull, "w", encoding="utf-8") as stream:  # noqa: PTH123 - a stream, not a path
        found = os.fstat(stream.fileno())

        assert read_by_journal({"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}, stream)
        assert not read_by_journal({"JOURNAL_STREAM": "1:2"}, stream)
        assert not read_by_journal({}, stream)


def test_a_stream_without_a_file_is_not_the_journals() -> None:
    assert not read_by_journal({"JOURNAL_STREAM": "1:2"}, io.StringIO())
