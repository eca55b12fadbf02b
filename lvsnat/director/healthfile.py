"""What a daemon has published of the health of servers, as every command reads it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lvsnat.director.wish import Wish
from lvsnat.health.outcome import Decision
from lvsnat.system import read_file, stamp

if TYPE_CHECKING:
    from lvsnat.health.published import Published

# Where no daemon ever was, no command loads what reads and decides.


class HealthFile:
    """The published health; it is read anew where the file is another one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: object = None
        self._known: Published | None = None
        self._problem: str | None = None

    def load(self) -> Published | None:
        """What was published; None where nothing was, or where it cannot be read.

        A file that cannot be read must not keep a command from its work: what it would have said
        is found out again by the next checks.
        """
        if (now := stamp(self._path)) != self._stamp:
            self._stamp, self._known, self._problem = now, None, None
            text = None if now is None else read_file(self._path)
            if text is None:
                return None
            from lvsnat.health import published

            try:
                self._known = published.parse(text)
            except ValueError as error:
                why = str(error).splitlines()[0]
                self._problem = (
                    f"{self._path}: not a health that this version reads ({why}): it is passed over"
                )
        return self._known

    def problem(self) -> str | None:
        """Why what is there was passed over; None where nothing is wrong."""
        self.load()
        return self._problem

    def decision(self, wish: Wish, now: float) -> Decision:
        """What follows from it for a wish; nothing where nothing was published."""
        known = self.load()
        if known is None:
            return Decision(now)
        from lvsnat.health.decide import decide

        return decide(wish.config, known.tracks, known.memory, now, wish.overrides)
