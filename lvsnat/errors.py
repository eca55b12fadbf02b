"""Every error that reaches a person, and the exit code that goes with it."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the shell is told. Documented in docs/reference/exit-codes.md."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    DRIFT = 3
    REFUSED = 4
    PARTLY_APPLIED = 5


class LvsnatError(Exception):
    """Something that a person can act on: what went wrong and where, and what to do next."""

    code: ExitCode = ExitCode.FAILED

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(LvsnatError):
    """The command asks for something that makes no sense: a wrong value, an unknown name."""

    code = ExitCode.USAGE


class RefusedError(LvsnatError):
    """The change is possible but unsafe, or not ours to make, without the operator's word."""

    code = ExitCode.REFUSED


class PartlyAppliedError(LvsnatError):
    """A change failed half-way and could not be rolled back."""

    code = ExitCode.PARTLY_APPLIED
