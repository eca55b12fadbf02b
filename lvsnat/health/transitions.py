"""What differs between two decisions, told one by one with the reason. No I/O."""

from __future__ import annotations

from collections.abc import Iterator

from lvsnat.health.outcome import Concern, Decision, ServerHealth, ServiceHealth, Transition

KEPT = "kept"
LOST = "lost"
ON = "on"
OFF = "off"


def transitions(before: Decision, after: Decision) -> tuple[Transition, ...]:
    """What is another way in the second decision; what is new in it is no transition."""
    known = {one.name: one for one in before.services}
    return tuple(
        transition
        for service in after.services
        # A service that nothing has happened to is the same object.
        if (old := known.get(service.name)) is not None and old is not service
        for transition in _of_service(old, service, after.at)
    )


def _of_service(before: ServiceHealth, after: ServiceHealth, at: float) -> Iterator[Transition]:
    known = {one.endpoint: one for one in before.servers}
    for server in after.servers:
        old = known.get(server.endpoint)
        if old is not None and old.state is not server.state:
            yield _of_server(after.name, old, server, at)
    count = f"{after.up} of {len(after.servers)} servers can take connections"
    if before.lost is not after.lost:
        reason = f"{count}, the quorum is {after.quorum}"
        states = (LOST, KEPT) if before.lost else (KEPT, LOST)
        yield Transition(Concern.QUORUM, after.name, None, *states, reason, at)
    if before.fail_open is not after.fail_open:
        states = (ON, OFF) if before.fail_open else (OFF, ON)
        yield Transition(Concern.FAIL_OPEN, after.name, None, *states, _failing(after), at)
    if (before.sorry is None) is not (after.sorry is None):
        states = (OFF, ON) if before.sorry is None else (ON, OFF)
        sorry = f"{after.sorry or before.sorry}: {count}"
        yield Transition(Concern.SORRY, after.name, None, *states, sorry, at)


def _of_server(service: str, before: ServerHealth, after: ServerHealth, at: float) -> Transition:
    return Transition(
        Concern.SERVER, service, after.endpoint, before.state, after.state, after.reason, at
    )


def _failing(service: ServiceHealth) -> str:
    kept = sum(one.kept for one in service.servers)
    if not kept:
        return "no more servers fail than checks may take out"
    return f"{kept} more fail than checks may take out: they keep their weights"
