"""A switch of modes in words: its steps, what it waits for, where it stands. No Rich here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lvsnat.model.mode import Mode
from lvsnat.model.phase import Phase
from lvsnat.model.switch import Look, OldSide, Progress, Standing, awaited
from lvsnat.ui import words
from lvsnat.ui.lines import Line, Part

_STEPS: Final = {
    (Phase.BOTH, Mode.HAPROXY_TPROXY): "HAProxy starts beside IPVS and gets new connections,"
    " by its side ports",
    (Phase.PROXY_STEERED, Mode.HAPROXY_TPROXY): "the TCP services go from IPVS",
    (Phase.PROXY_SETTLING, Mode.HAPROXY_TPROXY): "new connections reach HAProxy directly",
    (Phase.HAPROXY_TPROXY, Mode.HAPROXY_TPROXY): "the side ports are closed",
    (Phase.PROXY_STEERED, Mode.LVS_NAT): "HAProxy gets new connections by its side ports",
    (Phase.BOTH, Mode.LVS_NAT): "IPVS gets the TCP services, with all their servers",
    (Phase.IPVS_SETTLING, Mode.LVS_NAT): "new connections go to IPVS, and HAProxy ends when it has"
    " no more",
    (Phase.LVS_NAT, Mode.LVS_NAT): "what HAProxy needed of this host goes",
}
_STANDS: Final = {
    Phase.LVS_NAT: "IPVS has the TCP services",
    Phase.BOTH: "new connections go to HAProxy, and IPVS keeps those that it has",
    Phase.PROXY_STEERED: "HAProxy has the TCP services, by its side ports",
    Phase.PROXY_SETTLING: "HAProxy has the TCP services, and the side ports keep their connections",
    Phase.HAPROXY_TPROXY: "HAProxy has the TCP services",
    Phase.IPVS_SETTLING: "new connections go to IPVS, and HAProxy keeps those that it has",
}


def step(phase: Phase, mode: Mode) -> str:
    """What happens in the step to a phase, on the way to a mode."""
    return _STEPS[phase, mode]


def way(here: Standing, limit: float) -> Iterator[str]:
    """Every step still to come and every wait, in order, numbered."""
    phase, number = here.phase, 0
    waits = here.awaited
    for following in here.way():
        if waits is not None:
            number += 1
            yield f"{number}. {_wait(waits, limit)}"
        number += 1
        phase = following
        yield f"{number}. {step(phase, here.mode)}"
        waits = awaited(phase, here.mode)


def _wait(side: OldSide, limit: float) -> str:
    if limit == 0:
        return f"the connections that {side} then {_has(side)} are cut (--now)"
    return f"wait until {side} {_has(side)} no connection left, {words.span(limit)} at most"


def _has(side: OldSide) -> str:
    return "have" if side is OldSide.SIDE_PORTS else "has"


def left(look: Look) -> str:
    """``12 connections left``."""
    return f"{words.count(look.connections, 'connection')} left"


def waiting(side: OldSide) -> str:
    """What a line of progress is about."""
    return f"waiting for {side}"


def progress_lines(progress: Progress) -> Iterator[Line]:
    """Where a switch stands, for whoever asks in its midst; nothing where there is none."""
    here, look = progress.standing, progress.look
    if here.done:
        return
    line = Line(Part(f"a switch to {here.mode} is at {here.phase}", "warn"))
    yield line.add(f": {_STANDS[here.phase]}")
    if here.origin is not None:
        yield Line(Part("  its last step was cut off; the next command finishes it"))
    if look is not None:
        state = f"  {look.side} {_has(look.side)} {words.count(look.connections, 'connection')}"
        until = "" if here.deadline is None else f", awaited until {words.moment(here.deadline)}"
        yield Line(Part(f"{state}{until}"))
    yield Line(Part(f"  'lvsnat mode {here.mode}' goes on with it", "quiet"))


def progress_document(progress: Progress) -> dict[str, object]:
    """The same for programs, to stand beside what the mode asks of the host."""
    here, look = progress.standing, progress.look
    switch = None
    if not here.done:
        switch = {
            "to": str(here.mode),
            "waits_for": None if look is None else str(look.side),
            "connections": None if look is None else look.connections,
            "until": None if here.deadline is None else words.moment(here.deadline),
            "cut_off": here.origin is not None,
        }
    return {"phase": str(here.phase), "switch": switch}
