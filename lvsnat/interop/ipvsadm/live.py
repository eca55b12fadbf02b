"""The kernel's table through ipvsadm's words: what a save would say is what is imported."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from lvsnat.interop.imported import Imported, all_unsupported
from lvsnat.interop.ipvsadm.printer import render
from lvsnat.interop.ipvsadm.reader import read
from lvsnat.model.config import Timeouts
from lvsnat.model.resource import Resource

KERNEL_DEFAULTS = Timeouts(tcp=900, tcp_fin=120, udp=300)
"""What a new network namespace begins with."""


def read_table(table: Iterable[Resource], timeouts: Timeouts = KERNEL_DEFAULTS) -> Imported:
    """Read what exists. Nobody can correct it, so each line that cannot be taken may be skipped."""
    text = render(table, chosen(timeouts))
    imported = read(text, lambda _name, _protocol: None)
    return replace(imported, problems=all_unsupported(imported.problems), thresholds=True)


def chosen(timeouts: Timeouts) -> Timeouts:
    """The timeouts that somebody has set, as far as can be told: those that are not the default."""
    defaults = KERNEL_DEFAULTS.given()
    given = timeouts.given().items()
    return Timeouts(**{name: seconds for name, seconds in given if seconds != defaults[name]})


def saved(timeouts: Timeouts) -> Timeouts:
    """All timeouts once somebody has set one, to be the same wherever they are restored."""
    return timeouts if chosen(timeouts).given() else Timeouts()
