"""What is seen of the way back of one address family. Values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lvsnat.errors import LvsnatError
from lvsnat.gateway.seen import Answer, Ground, Manager, Neighbour, Place, Reply
from lvsnat.gateway.wish import PRIORITY, TABLE, GatewayWish
from lvsnat.model.endpoint import Family


@dataclass(frozen=True, slots=True)
class Asked:
    """A packet and the kernel's answer to where it would go."""

    reply: Reply
    answer: Answer


@dataclass(frozen=True, slots=True)
class View:
    """One family: what is wished for, what is there, what the kernel answers."""

    family: Family
    ground: Ground
    wish: GatewayWish | None = None
    place: Place | None = None
    problem: LvsnatError | None = None
    """Why the director cannot be where the wish says."""
    asked: Sequence[Asked] = ()
    """The replies that the wish is about."""
    neighbour: Neighbour | None = None
    managers: Sequence[Manager] = field(default_factory=tuple)


def command(wish: GatewayWish) -> str:
    """The words that make a wish so."""
    words = [f"lvsnat gateway set {wish.via}"]
    if wish.reply_ports:
        words.append(f"--reply-only {','.join(map(str, wish.reply_ports))}")
    words += ["--local-clients"] if wish.local_clients else []
    words += [f"--interface {wish.interface}"] if wish.interface else []
    words += [f"--table {wish.table}"] if wish.table != TABLE else []
    words += [f"--priority {wish.priority}"] if wish.priority != PRIORITY else []
    return " ".join(words)
