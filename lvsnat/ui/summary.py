"""What a status says at a glance below its first line: services, traffic, host, return path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions
from rich.text import Text

from lvsnat.model.status import DirectorStatus, Rates, Sync
from lvsnat.ui import words
from lvsnat.ui.counts import Overview, ReturnPath


@dataclass(frozen=True, slots=True)
class Glance:
    """``services: 2 up; 12 connections/s, 5.0 kB/s in; host in sync; return path ok``.

    One line where there is room, else two.
    """

    status: DirectorStatus
    numbers: Overview
    rates: Rates

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        del console
        lines = [_services(self.numbers, self.rates), _ways(self.status, self.numbers)]
        whole = Text("; ").join(lines)
        yield from [whole] if whole.cell_len <= options.max_width else lines


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
