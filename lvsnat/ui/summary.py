"""The second line of a status: how the services are, what passes in a second, how the host is."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from lvsnat.model.status import DirectorStatus, Rates, ServiceStatus, Sync
from lvsnat.ui import words
from lvsnat.ui.counts import Overview


def rates_of(services: Iterable[ServiceStatus]) -> Rates:
    """What passes all services in a second, as their carriers estimate it."""
    total = Rates()
    for service in services:
        if service.stats is not None:
            total = total.plus(service.stats.rates)
    return total


def well_line(status: DirectorStatus, numbers: Overview, rates: Rates) -> Text:
    """``services: 2 up, 1 degraded; 12 connections/s, 5.0 kB/s in, 90 kB/s out; host in sync``."""
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
    if status.host:
        differing = sum(thing.sync is not Sync.IN_SYNC for thing in status.host)
        well = (f"{differing} to put right", "bad") if differing else ("in sync", "good")
        line.append("; host ").append(*well)
    return line
