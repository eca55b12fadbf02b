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
        return Text(_standard_input(), "standard input")
    from lvsnat.system import read_file

    text = read_file(Path(file))
    if text is None:
        raise UsageError(f"{file}: there is no such file", "name a configuration")
    return Text(text, file)


def _standard_input() -> str:
    try:
        return sys.stdin.read()
    except UnicodeDecodeError:
        raise UsageError("standard input is not UTF-8 text") from None
