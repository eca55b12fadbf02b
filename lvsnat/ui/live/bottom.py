"""What stands below the table: a line that says something, and the filter as it is typed."""

from __future__ import annotations

from time import monotonic
from typing import ClassVar, Final

from rich.text import Text
from textual.binding import BindingType
from textual.widgets import Input, Static

from lvsnat.ui.live.keys import FILTER_KEYS

TOLD: Final = 5.0
"""Seconds for which it is said what was done."""


class Message(Static):
    """One line; what was done is said long enough to be read."""

    def __init__(self) -> None:
        super().__init__(id="message")
        self._told, self._until, self._till_key = "", 0.0, False

    @property
    def told(self) -> str:
        """What is still to be said of what was done."""
        return self._told if monotonic() < self._until else ""

    def tell(self, text: str, *, till_key: bool = False) -> None:
        """``till_key``: the next key ends it."""
        self._told, self._until, self._till_key = text, monotonic() + TOLD, till_key

    def hush(self) -> None:
        self._until = 0.0

    def key_came(self) -> bool:
        """Whether that ended what was said."""
        ended = self._till_key and bool(self.told)
        if ended:
            self.hush()
        return ended

    def say(self, text: str, style: str = "") -> None:
        self.update(Text(text, style, no_wrap=True, overflow="ellipsis"))


class Filter(Input):
    """What a line has to say to be shown."""

    BINDINGS: ClassVar[list[BindingType]] = FILTER_KEYS

    def __init__(self) -> None:
        super().__init__(placeholder="filter: words of names, addresses, states", id="filter")
