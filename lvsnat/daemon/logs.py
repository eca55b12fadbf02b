"""The daemon's log on standard error: a line for each event, as text or as JSON, and never a flood.

What the lines mean is documented in docs/how-to/run-the-daemon.md. No file is written: under
systemd the journal keeps the lines, with the priority that each begins with (sd-daemon(3)).
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TextIO

from lvsnat.model.daemon import LogFormat

LOGGER = logging.getLogger("lvsnat.daemon")
MOST = 200
"""So many lines are written in a ``PERIOD``; of the others their number."""
PERIOD = 10.0
"""Seconds."""
_PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_DEBUG = 7


def say(event: str, message: str, level: int = logging.INFO, /, **fields: object) -> None:
    """Log an event: a sentence for people, and its parts for programs that read JSON."""
    LOGGER.log(level, "%s", message, extra={"event": event, "fields": fields})


class Lines(logging.Handler):
    """Writes records as lines; a flood of them is cut short, but for errors."""

    def __init__(self, stream: TextIO, form: LogFormat, *, journal: bool) -> None:
        """``journal``: whether systemd's journal reads the stream."""
        super().__init__()
        self._stream = stream
        self.form = form
        self._journal = journal
        self._began = 0.0
        self._written = 0
        self._left_out = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, if its period has room for it; a reader that went away is no failure."""
        if record.created - self._began >= PERIOD:
            self._begin(record.created)
        room = MOST if record.levelno > logging.DEBUG else MOST // 2
        if self._written >= room and record.levelno < logging.ERROR:
            self._left_out += 1
            return
        self._written += 1
        self._write(record)

    def _begin(self, now: float) -> None:
        left_out, self._left_out = self._left_out, 0
        self._began, self._written = now, 0
        if left_out:
            message = f"{left_out} lines were left out; 'lvsnat health' shows how things stand"
            record = LOGGER.makeRecord(
                LOGGER.name, logging.WARNING, "", 0, message, (), None,
                extra={"event": "left-out", "fields": {"lines": left_out}},
            )  # fmt: skip
            self._write(record)

    def _write(self, record: logging.LogRecord) -> None:
        text = as_json(record) if self.form is LogFormat.JSON else self._text(record)
        prefix = f"<{_priority(record.levelno)}>" if self._journal else ""
        try:
            for line in text.splitlines():
                self._stream.write(f"{prefix}{line}\n")
            self._stream.flush()
        except (OSError, ValueError):
            self._left_out += 1

    def _text(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + logging.Formatter().formatException(record.exc_info)
        # The journal notes the moment by itself.
        return text if self._journal else f"{_moment(record.created)} {text}"


def as_json(record: logging.LogRecord) -> str:
    """A record as one JSON object; documented keys first, those of the event behind them."""
    said: dict[str, object] = {
        "time": _moment(record.created),
        "level": record.levelname.lower(),
        "event": getattr(record, "event", record.name),
        "message": record.getMessage(),
    }
    if record.exc_info:
        said["traceback"] = logging.Formatter().formatException(record.exc_info)
    fields: Mapping[str, object] = getattr(record, "fields", {})
    return json.dumps({**said, **fields}, ensure_ascii=False, default=str)


def read_by_journal(environment: Mapping[str, str], stream: TextIO) -> bool:
    """Whether systemd's journal reads this stream (JOURNAL_STREAM, systemd.exec(5))."""
    said = environment.get("JOURNAL_STREAM", "")
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return said == f"{found.st_dev}:{found.st_ino}"


def _priority(level: int) -> int:
    return next((priority for least, priority in _PRIORITIES if level >= least), _DEBUG)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
