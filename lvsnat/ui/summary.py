"""What a status says at a glance below its first line: services, traffic, host, return path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions
from rich.text import Text

from lvsnat.model.status import DirectorStatus, Rates, Sync
from lvsnat.ui import words
from lvsnat.ui.counts import Overview, ReturnPath


@dataclass(frozen=True, slots=True)
class Items:
    """A text of items, broken behind a comma or a semicolon, never inside an item."""

    text: Text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        del console
        ends = [found.end() for found in re.finditer("[,;] ", self.text.plain)]
        line = Text()
        for item in self.text.divide(ends):
            room = options.max_width - line.cell_len
            if line and len(item.plain.rstrip()) > room:
                line.rstrip()
                yield line
                line = Text()
            line.append_text(item)
        yield line


@dataclass(frozen=True, slots=True)
class Glance:
    """``services: 2 up; 12 connections/s, 5.0 kB/s in; host in sync; return path ok``.

    One line where there is room, else two, or as many as it takes.
    """

    status: DirectorStatus
    numbers: Overview
    rates: Rates

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        lines = [_services(self.numbers, self.rates), _ways(self.status, self.numbers)]
        whole = Text("; ").join(lines)
        for line in [whole] if whole.cell_len <= options.max_width else lines:
            yield from Items(line).__rich_console__(console, options)


def _services(numbers: Overview, rates: Rates) -> Text:
    conditions = [(f"{numbers.services_up} up", "good" if numbers.services_up else "")]
    if numbers.services_degraded:
        conditions.append((f"{numbers.services_degraded} degraded", "warn"))
    if numbers.services_down:
        conditions.append((f"{numbers.services_down} down", "bad"))
    line = Text.assemble("services: ", conditions[0])
    for one in conditions[1:]:
        line.append(", ").append(*one)
    line.append(f"; {words.in_short(rates.connections)} connections/s")
    if rates.bytes_in is not None and rates.bytes_out is not None:
        bytes_in, bytes_out = words.in_bytes(rates.bytes_in), words.in_bytes(rates.bytes_out)
        line.append(f", {bytes_in}/s in, {bytes_out}/s out")
    return line


def _ways(status: DirectorStatus, numbers: Overview) -> Text:
    """``host in sync; return path: 1 server one-way``."""
    line = Text()
    if status.host:
        differing = sum(thing.sync is not Sync.IN_SYNC for thing in status.host)
        well = (f"{differing} to put right", "bad") if differing else ("in sync", "good")
        line.append("host ").append(*well).append("; ")
    line.append("return path ")
    match numbers.return_path:
        case ReturnPath.OK:
            return line.append("ok", "good")
        case ReturnPath.UNKNOWN:
            return line.append("unknown (no replies yet)", "quiet")
        case ReturnPath.ONE_WAY:
            return line.append(f"{words.count(numbers.one_way, 'server')} one-way", "bad")
