"""What is said of single servers below the table of a status: why they fail, how drains go on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lvsnat.model.status import DirectorStatus, Health, HealthState, ServerStatus, ServiceStatus
from lvsnat.ui import words
from lvsnat.ui.counts import is_down
from lvsnat.ui.lines import Line, Part

_TOLD: Final = 10
"""So many servers of a kind are told of one by one."""


def remarks(status: DirectorStatus) -> Iterator[Line]:
    """Each server whose checks fail, that is one-way, or that is drained."""
    servers = [(service, one) for service in status.services for one in service.servers]
    kinds = (
        ("down", "bad", [_down_line(*one) for one in servers if is_down(one[1])]),
        ("one-way", "bad", [_one_way_line(*one) for one in servers if one[1].one_way]),
        ("drained", "warn", [_drain_line(*one) for one in servers if one[1].drain is not None]),
    )
    if any(lines for _, _, lines in kinds):
        yield Line()
    for what, style, lines in kinds:
        yield from lines[:_TOLD]
        if len(lines) > _TOLD:
            yield Line(Part(f"{what}: {len(lines) - _TOLD} more", style))


def _begun(what: str, service: ServiceStatus, server: ServerStatus, style: str = "bad") -> Line:
    return Line(Part(f"{what}: {service.name or service.listen} {server.endpoint}", style))


def _down_line(service: ServiceStatus, server: ServerStatus) -> Line:
    """``down: web 192.168.2.55:80 for 0:12 min: L4CON in 0ms: Connection refused``."""
    health = server.health or Health(HealthState.DOWN)
    line = _begun("down", service, server)
    if health.since is not None:
        line.add(f" for {words.span(health.since)}")
    return line.add(f": {health.detail}") if health.detail else line


def _one_way_line(service: ServiceStatus, server: ServerStatus) -> Line:
    """``one-way: web 192.168.2.55:80: packets in, none out; ...``."""
    return _begun("one-way", service, server).add(f": {words.ONE_WAY}")


def _drain_line(service: ServiceStatus, server: ServerStatus) -> Line:
    """``drained: web 192.168.2.55:80: 12 left, about 1:30 min``."""
    what = "drained" if server.override is None else str(server.override.reason)
    line = _begun(what, service, server, "warn")
    return line if server.drain is None else line.add(f": {words.drain(server.drain)}")
