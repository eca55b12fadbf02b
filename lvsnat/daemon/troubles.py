"""What stands in the daemon's way: said once when it begins, and once when it is over."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from lvsnat.daemon.logs import say
from lvsnat.errors import LvsnatError


class Troubles:
    """The present troubles, one of a kind."""

    def __init__(self) -> None:
        self._present: dict[str, tuple[str, ...]] = {}

    @property
    def lines(self) -> tuple[str, ...]:
        """All of them, for whoever asks how the daemon does."""
        return tuple(line for lines in self._present.values() for line in lines)

    def note(self, kind: str, *lines: str) -> None:
        """Say what is wrong with this kind of work, unless it was said; no line: nothing is."""
        before = self._present.get(kind, ())
        if lines == before:
            return
        if lines:
            self._present[kind] = lines
            for line in lines:
                say("trouble", f"{kind}: {line}", logging.ERROR, kind=kind)
        else:
            del self._present[kind]
            say("trouble-over", f"{kind}: well again", kind=kind)

    @contextmanager
    def noting(self, kind: str) -> Iterator[None]:
        """Note what a block fails with, and raise it; or that it did not fail."""
        try:
            yield
        except LvsnatError as error:
            self.note(kind, *_words(error))
            raise
        except OSError as error:
            # Whatever the kernel answers, the daemon goes on, and tries again.
            self.note(kind, str(error))
            raise LvsnatError(str(error)) from error
        self.note(kind)


def _words(error: LvsnatError) -> list[str]:
    lines = error.message.splitlines()
    return lines if error.hint is None else [*lines[:-1], f"{lines[-1]} ({error.hint})"]
