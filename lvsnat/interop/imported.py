"""What was read of another program's configuration, and what is wrong with it. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lvsnat.errors import ExitCode, LvsnatError, RefusedError
from lvsnat.model.config import IPNetwork, Timeouts
from lvsnat.model.service import VirtualService


@dataclass(frozen=True, slots=True)
class Problem:
    """One line that cannot be taken."""

    line: int
    """The first line is 1."""
    text: str
    """The line as it stands."""
    message: str
    hint: str | None
    unsupported: bool
    """True where the line makes sense and lvsnat does not do it: it may be skipped."""


@dataclass(frozen=True, slots=True)
class Note:
    """One line that is not taken as it stands, and that nobody needs to change."""

    line: int
    """The first line is 1."""
    text: str
    """The line as it stands."""
    message: str

    def sentence(self, source: str) -> str:
        return f"{source}:{self.line}: {self.text}: {self.message}"


@dataclass(frozen=True, slots=True)
class Imported:
    """What was understood, beside every line that was not."""

    services: tuple[VirtualService, ...]
    problems: tuple[Problem, ...] = ()
    timeouts: Timeouts = field(default_factory=Timeouts)
    """What the text says nothing of is None."""
    thresholds: bool = True
    """Whether the text says anything of thresholds: what ``ipvsadm -S`` writes never does."""
    proxied: bool = False
    """Whether the text speaks of checks, sorry servers and what HAProxy alone does."""
    networks: tuple[IPNetwork, ...] = ()
    """More networks of clients that HAProxy serves from its own address."""
    notes: tuple[Note, ...] = ()


class BadLinesError(LvsnatError):
    """Lines that make no sense, and all others that cannot be taken: nothing is imported."""

    code = ExitCode.USAGE


def settle(imported: Imported, source: str | None, *, skip: bool) -> tuple[str, ...]:
    """Insist that all is taken, or all but what lvsnat does not do; what was skipped, in words.

    ``source`` names the text; None is the kernel's table, whose lines have no numbers.
    Raises BadLinesError for lines that make no sense, and RefusedError without ``skip``.
    """
    problems = imported.problems
    if any(not problem.unsupported for problem in problems):
        raise BadLinesError(
            _listing(problems, source, "cannot be imported"),
            "correct every line; nothing was changed",
        )
    if problems and not skip:
        raise RefusedError(
            _listing(problems, source, "asks for what lvsnat does not do"),
            "--skip-unsupported takes the rest; nothing was changed",
        )
    return tuple(_sentence(problem, source) for problem in problems)


def all_unsupported(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems of a text that nobody can correct: each may be skipped."""
    return tuple(
        Problem(problem.line, problem.text, problem.message, problem.hint, unsupported=True)
        for problem in problems
    )


def _listing(problems: Sequence[Problem], source: str | None, what: str) -> str:
    where = "the kernel's table" if source is None else source
    lines = [f"{where} {what}:"]
    for problem in problems:
        lines.append(f"  {_sentence(problem, source)}")
        if source is not None:
            lines.append(f"    {problem.text}")
        if problem.hint is not None:
            lines.append(f"    {problem.hint}")
    return "\n".join(lines)


def _sentence(problem: Problem, source: str | None) -> str:
    place = problem.text if source is None else f"{source}:{problem.line}"
    return f"{place}: {problem.message}"
