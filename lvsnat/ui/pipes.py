"""What to do about a stream that takes nothing more. No Rich here.

Of a reader that went away (``| head``) nothing is said. A result that is lost on a full disk is an
error. What is said to a person has nobody to hear that it could not be said.
"""

from __future__ import annotations

import os
import sys
from typing import IO

from lvsnat.errors import LvsnatError


def give_up(stream: IO[str], error: OSError) -> None:
    """Write nothing more to a stream. Raises LvsnatError if a result is lost by that."""
    silence(stream)
    if stream is sys.stdout and not isinstance(error, BrokenPipeError):
        raise LvsnatError(
            f"cannot write to standard output: {error.strerror}",
            "'lvsnat status' shows how things are now",
        ) from None


def silence(stream: IO[str]) -> None:
    """Send what is still to come nowhere; Python would complain of the dead pipe at exit."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, stream.fileno())
    os.close(devnull)
