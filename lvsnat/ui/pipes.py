"""What to do about a reader that went away (``| head``): nothing, quietly. No Rich here."""

from __future__ import annotations

import os
from typing import IO


def silence(stream: IO[str]) -> None:
    """Send what is still to come nowhere; Python would complain of the dead pipe at exit."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, stream.fileno())
    os.close(devnull)
