"""A file that an operator puts down, so that servers are left alone while it is there."""

from __future__ import annotations

import os

from lvsnat.health.checks.check import Check
from lvsnat.health.checks.words import error_words
from lvsnat.health.values import Answer, Target

_ABSENT = (FileNotFoundError, NotADirectoryError)


class FileCheck(Check):
    """A look at one name. A file system that hangs, as NFS may, hangs the engine: use a local one.

    A name that cannot be looked at, for want of rights, is as one that is not there: taking the
    server out is what somebody has to ask for.
    """

    __slots__ = ("_path",)

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._path = filled(target.check.file or "", target)

    def start(self, now: float) -> Answer | None:
        del now
        try:
            os.stat(self._path)  # noqa: PTH116 - a Path each time costs more than the look
        except _ABSENT:
            return Answer(ok=True, detail=f"{self._path} is not there")
        except OSError as error:
            return Answer(ok=True, detail=f"cannot look for {self._path}: {error_words(error)}")
        return Answer(ok=True, detail=f"{self._path} is there", maintenance=True)

    def resume(self, now: float) -> Answer | None:
        return self.start(now)

    def stop(self) -> None:
        """There is nothing open."""


def filled(text: str, target: Target) -> str:
    """A text with the server's address and port in place of ``{address}`` and ``{port}``."""
    return text.replace("{address}", str(target.address)).replace("{port}", str(target.port))
