"""The keys of the live status and the looks of its screens. Data alone."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding, BindingType

ALL_KEYS: Final = """\
up down j k           another line
pgup pgdn home end    pages, first, last
left right space      close, open, turn over
a                     close all, open all
enter                 details
/                     filter as you type: all words of a line
esc                   no filter
s   S                 sort by the next thing; the other way round
h                     what the history shows
p                     pause, and go on
r                     read now

d   x   e             drain, disable, enable the server
+   -                 its weight, by one
                      each shows what would change, and asks

q   ?                 quit; these keys
mouse                 click a title to sort, a line to select, again
                      for its details, its mark to close; the wheel
"""

_KEYS: Final = [
    Binding("q,ctrl+c", "quit", "quit", key_display="q"),
    Binding("question_mark", "keys", "keys", key_display="?"),
    # At once, before the next key is on its way to the table; in the filter it is a letter.
    Binding("slash", "filter", "filter", key_display="/", priority=True),
    Binding("s", "sort", "sort"),
    Binding("enter", "details", "details", key_display="enter"),
    Binding("d", "change('drain')", "drain"),
    Binding("x", "change('disable')", "disable"),
    Binding("e", "change('enable')", "enable"),
    Binding("plus", "change('weight up')", "weight", key_display="+-"),
    Binding("minus", "change('weight down')", "lighter", show=False),
    Binding("p", "pause", "pause", show=False),
    Binding("S,shift+s", "turn", "turn", show=False),
    Binding("h", "measure", "history", show=False),
    Binding("r", "read", "read", show=False),
    Binding("space", "turn_over", "open", show=False),
    Binding("right", "open(True)", "open", show=False),
    Binding("left", "open(False)", "close", show=False),
    Binding("a", "all", "all", show=False),
    Binding("escape", "unfilter", "no filter", show=False),
]
KEYS: Final[list[BindingType]] = [*_KEYS]

ACTIONS: Final = frozenset(key.action.partition("(")[0] for key in _KEYS) - {"unfilter"}
"""What letters of a filter do not do."""
FILTER_KEYS: Final[list[BindingType]] = [
    Binding("enter", "submit", "keep this filter", key_display="enter"),
    Binding("escape", "app.unfilter", "no filter", key_display="esc"),
]
"""While a filter is typed: all others are letters of it."""

LOOKS: Final = """
#summary { height: auto; }
Titles { height: 1; }
Table { height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; }
#message { height: 1; }
#filter { display: none; height: 1; border: none; padding: 0; }
FooterKey.-compact .footer-key--key { text-style: bold reverse; }
ModalScreen { align: center middle; background: ansi_default; }
.box { width: 1fr; height: auto; max-height: 100%; border: round ansi_bright_black;
       padding: 0 1; margin: 0 1; }
.box VerticalScroll { height: auto; max-height: 100h; }
.keys { width: 76; max-width: 100%; }
.answers { height: 1; margin-top: 1; }
.answers Button { margin-right: 2; }
"""
