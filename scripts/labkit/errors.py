"""The one error of the lab: what went wrong, and what to do next."""

from __future__ import annotations


class LabError(Exception):
    """A failure to tell a person about; anything else is a bug and keeps its traceback."""

    def __init__(self, what: str, *, hint: str = "") -> None:
        """Say what is wrong, and where there is one, the command that puts it right."""
        super().__init__(what)
        self.hint = hint
