"""The configuration as the daemon has it: looked at again and again, in force once it is whole.

A look is a stat(2) each second. inotify(7) would tell it a second earlier, but the libraries for it
call the C library past Python's checks or bring a runtime of their own, and a watched folder must
be watched anew when it is replaced, through each symbolic link; a stat sees all of that. Every
change of the kernel looks again, so nothing is ever made of an older text than the one on the disk.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from lvsnat.config.problems import ConfigError
from lvsnat.errors import LvsnatError
from lvsnat.model.config import Config
from lvsnat.system import read_file, stamp

SETTLED: Final = 1.0
"""Seconds that a file must be left alone: an editor may be in the midst of writing it."""
Parse = Callable[[str, str], Config]


class Source:
    """The last configuration that made sense, and what is wrong with the one on the disk."""

    def __init__(self, path: Path, parse: Parse) -> None:
        """``parse`` reads a text of a source and raises LvsnatError for a broken one."""
        self._path = path
        self._parse = parse
        self._taken: tuple[int, ...] | None = None
        self._text: str | None = None
        self._told: str | None = None
        self._config: Config | None = None
        self._seen: tuple[tuple[int, ...] | None, float] = (None, 0.0)
        self.problems: tuple[str, ...] = ()
        """What is wrong with the file now, a line each; empty where it is in force."""

    @property
    def config(self) -> Config:
        """What is in force; nothing before ``begin``."""
        return self._config or Config()

    @property
    def stands_in(self) -> str | None:
        """The text that is in force instead of the file's; None where that is the file's own."""
        return self._text if self.problems else None

    def begin(self) -> None:
        """Read it for the first time; a broken file is a ConfigError, none is an empty one."""
        self._taken = stamp(self._path)
        text = read_file(self._path)
        self._config = self._parse(text or "", str(self._path))
        self._text = text

    def pending(self) -> bool:
        """Whether the file is another than the one that was read."""
        return stamp(self._path) != self._taken

    def look(self, monotonic: float, *, at_once: bool = False) -> bool:
        """Read it if it has changed and been left alone since; whether another one is in force.

        ``at_once`` is for one who says that it is finished.
        """
        found = stamp(self._path)
        if found == self._taken and not (at_once and self.problems):
            return False
        if found != self._seen[0]:
            self._seen = (found, monotonic)
        if not at_once and monotonic - self._seen[1] < SETTLED:
            return False
        self._taken = found
        return self._read()

    def _read(self) -> bool:
        try:
            text = read_file(self._path)
            self._refuse_nothing(text)
            if text == self._text:
                self.problems = ()
                return False
            config = self._parse(text or "", str(self._path))
        except ConfigError as error:
            self.problems = tuple(map(str, error.problems))
            return False
        except LvsnatError as error:
            self.problems = (error.message,)
            return False
        self._config, self._text, self.problems = config, text, ()
        return True

    def _refuse_nothing(self, text: str | None) -> None:
        """An empty file would be obeyed by taking everything away, for which there is ``clear``."""
        if self.config.services and not (text or "").strip():
            what = "is gone" if text is None else "is empty"
            raise LvsnatError(f"{self._path} {what}: the services stay as they are")
