"""A configuration that is named on the command line, or comes through a pipe."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lvsnat.errors import UsageError

if TYPE_CHECKING:
    from lvsnat.director.director import Text

STANDARD_INPUT = "-"


def given(file: str | None) -> Text | None:
    """Read the configuration that takes the place of the present one, if one is named."""
    from lvsnat.director.director import Text

    if file is None:
        return None
    if file == STANDARD_INPUT:
        return Text(_configuration_from_a_pipe(), "standard input")
    from lvsnat.system import read_file

    text = read_file(Path(file))
    if text is None:
        raise UsageError(f"{file}: there is no such file", "name a configuration")
    return Text(text, file)


def _configuration_from_a_pipe() -> str:
    text = standard_input()
    if not text.strip():
        # It would be obeyed by taking everything away.
        raise UsageError(
            "standard input is empty",
            "the program before the pipe has failed, perhaps; 'lvsnat clear' takes everything away",
        )
    return text


def standard_input() -> str:
    """All that comes through standard input."""
    try:
        return sys.stdin.read()
    except UnicodeDecodeError:
        raise UsageError("standard input is not UTF-8 text", "save it as UTF-8") from None
