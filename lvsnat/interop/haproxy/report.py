"""What an import says of the lines that it did not take as they stand."""

from __future__ import annotations

from lvsnat.errors import LvsnatError, RefusedError
from lvsnat.interop.haproxy.lexer import Line
from lvsnat.interop.imported import Note, Problem


class Report:
    """Collects notes and problems, each once: a line of ``defaults`` is read by many sections."""

    def __init__(self) -> None:
        self._notes: dict[tuple[int, str], Note] = {}
        self._problems: dict[tuple[int, str], Problem] = {}

    def note(self, line: Line, message: str) -> None:
        """Say what becomes of a line that nobody needs to change."""
        key = (line.number, message)
        self._notes.setdefault(key, Note(line.number, line.text, message))

    def refuse(self, line: Line, error: LvsnatError) -> None:
        """Name a line that cannot be taken: RefusedError for what lvsnat does not do."""
        unsupported = isinstance(error, RefusedError)
        problem = Problem(line.number, line.text, error.message, error.hint, unsupported)
        self._problems.setdefault((line.number, error.message), problem)

    @property
    def notes(self) -> tuple[Note, ...]:
        return tuple(sorted(self._notes.values(), key=lambda note: note.line))

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(sorted(self._problems.values(), key=lambda problem: problem.line))
