"""What is wrong with a configuration, where it stands, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lvsnat.errors import ExitCode, LvsnatError
from lvsnat.model.violation import Path

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def key_path(path: Path) -> str:
    """Write a path as a person reads it: ``service[2].servers[0].weight``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            word = part if _BARE_KEY.fullmatch(part) else repr(part)
            text += f".{word}" if text else word
    return text


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to correct. ``str`` is one line: place, key path, what is wrong."""

    file: str
    line: int | None
    """The first line is 1; None where there is no text, only values."""
    key_path: str
    """Empty where the problem is the text itself."""
    message: str
    hint: str | None = None
    column: int | None = None
    """Only for text that is not TOML; the first column is 1."""

    def __str__(self) -> str:
        place = ":".join(str(p) for p in (self.file, self.line, self.column) if p is not None)
        return ": ".join(part for part in (place, self.key_path, self.message) if part)


class ConfigError(LvsnatError):
    """A configuration that cannot be used, with every problem in it.

    The exit code is USAGE (2) for every one, whether the file was named on the command line or is
    the usual one: nothing was tried, nothing was changed, and the cure is to write it otherwise.
    """

    code = ExitCode.USAGE

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        if len(self.problems) == 1:
            super().__init__(str(self.problems[0]), self.problems[0].hint)
            return
        lines = [f"{len(self.problems)} problems in {self.problems[0].file}"]
        for problem in self.problems:
            lines.append(f"  {problem}")
            if problem.hint is not None:
                lines.append(f"    {problem.hint}")
        super().__init__("\n".join(lines), "correct all of them; nothing was changed")
