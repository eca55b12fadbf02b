"""Transitions and changes in words: for the log, for programs, for systemd. No I/O but the log."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from lvsnat.daemon.logs import say
from lvsnat.health.outcome import Concern, ServiceHealth, Transition
from lvsnat.model.status import HealthState
from lvsnat.plan.change import Change, Create, Delete, Update, subject

SCHEMA: Final = "lvsnat/transition/1"
MANY: Final = 20
"""So many changes are written one by one."""
_BAD: Final = {
    Concern.SERVER: "down",
    Concern.QUORUM: "lost",
    Concern.FAIL_OPEN: "on",
    Concern.SORRY: "on",
}


def transition_line(one: Transition) -> str:
    """``web 192.168.2.55:80: up -> down: connection refused``."""
    what = f"{one.service}: {one.concern}" if one.server is None else f"{one.service} {one.server}"
    colon = "" if one.server is None else ":"
    reason = f": {one.reason}" if one.reason else ""
    return f"{what}{colon} {one.before} -> {one.after}{reason}"


def transition_message(one: Transition) -> dict[str, object]:
    """What a program is told of it; docs/reference/json.md describes the keys."""
    return {
        "schema": SCHEMA,
        "concern": str(one.concern),
        "service": one.service,
        "server": None if one.server is None else str(one.server),
        "from": one.before,
        "to": one.after,
        "reason": one.reason,
        "at": datetime.fromtimestamp(one.at, UTC).isoformat(timespec="milliseconds"),
    }


def say_transitions(transitions: Iterable[Transition]) -> None:
    """One line each, with the reason."""
    for one in transitions:
        level = logging.WARNING if one.after == _BAD[one.concern] else logging.INFO
        fields = {key: said for key, said in transition_message(one).items() if key != "schema"}
        say("transition", transition_line(one), level, **fields)


def say_changes(event: str, changes: Iterable[Change], level: int = logging.INFO) -> None:
    """One line for each change, or a number where they are many."""
    told = list(changes)
    for change in told[:MANY]:
        say(event, f"{event}: {change_line(change)}", level, change=change_line(change))
    if len(told) > MANY:
        left = len(told) - MANY
        say(event, f"{event}: {left} more changes", level, changes=left)


def change_line(change: Change) -> str:
    """``change tcp/192.168.1.50:80 → 192.168.2.55:80: weight 0 -> 1``."""
    what = subject(change).describe()
    match change:
        case Create():
            return f"create {what}"
        case Delete():
            return f"remove {what}"
        case Update(before, after):
            old, new = before.settings(), after.settings()
            differing = [key for key in new if old.get(key) != new[key]]
            words = ", ".join(
                f"{key} {_short(old.get(key))} -> {_short(new[key])}" for key in differing
            )
            return f"change {what}: {words}"


def summary(services: Iterable[ServiceHealth]) -> str:
    """``20 services, 3 servers down``, for ``systemctl status``."""
    all_services = list(services)
    down = sum(one.state is HealthState.DOWN for s in all_services for one in s.servers)
    lost = sum(one.lost for one in all_services)
    said = [_count(len(all_services), "service"), f"{_count(down, 'server')} down"]
    return ", ".join([*said, f"{_count(lost, 'quorum')} lost"] if lost else said)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _short(value: str | None) -> str:
    if value is None:
        return "none"
    return f"({len(value.splitlines())} lines)" if "\n" in value else value
