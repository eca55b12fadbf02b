"""Whether replies come back from a server, look after look. No I/O here.

The kernel counts packets, HAProxy counts bytes: of the one it is known that something was asked,
of the other that a connection waits for its first answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from lvsnat.model.endpoint import Listener, MarkListener, Protocol
from lvsnat.model.oneway import MANY, MOMENTS, SPAN, Evidence, is_one_way
from lvsnat.model.status import ServerStats

FORGOTTEN: Final = 60.0
"""Seconds after which nobody waits any more: the time-out of SYN_RECV (ip_vs_proto_tcp.c), in which
TCP asks again after 1, 3, 7, 15 and 31 seconds."""


class Seen(NamedTuple):
    """A server at one look."""

    listen: Listener
    stats: ServerStats
    others_answer: bool
    """Whether packets have come back from another server of the service."""
    waiting: Callable[[], int]
    """How many connections wait for its first answer; asked where the counters leave a doubt."""

    @property
    def sent(self) -> int | None:
        """Packets that went there; None where HAProxy carries it."""
        return self.stats.totals.packets_in

    @property
    def came(self) -> int | None:
        return self.stats.totals.returned

    @property
    def answers_all(self) -> bool:
        """Whether every sender is answered; of a firewall mark nobody knows what it is."""
        listen = self.listen
        return not isinstance(listen, MarkListener) and listen.protocol is not Protocol.UDP

    @property
    def opens(self) -> bool:
        """Whether a connection may wait there for its first answer."""
        if self.sent is None:
            return self.stats.active > 0
        return self.sent > 0 and (isinstance(self.listen, MarkListener) or self.answers_all)


class Asked(NamedTuple):
    """The looks at which a server had been asked anew, since something last came from it."""

    times: int
    first: float
    """When that was, in seconds of a clock that only goes forward."""
    last: float
    sent: int | None
    """What had been sent to it before."""

    @property
    def lasting(self) -> bool:
        return self.times >= MOMENTS and self.last - self.first >= SPAN


class Memory(NamedTuple):
    """What the looks at a server so far have shown."""

    at: float
    """When the last one was."""
    sent: int | None
    came: int | None
    one_way: bool = False
    asked: Asked | None = None

    def is_still(self, sent: int | None, came: int | None) -> bool:
        """Whether nothing has passed since, and nobody waits for an answer."""
        still = sent is not None and sent == self.sent and came == self.came
        return still and self.asked is None


def look(before: Memory | None, seen: Seen, at: float) -> Memory:
    """One look more."""
    totals = seen.stats.totals
    sent, came = totals.packets_in, totals.returned
    if before is not None and before.is_still(sent, came):
        return before  # Of thousands, most stand still.
    if before is None or before.came is None or came is None or came < before.came:
        flag = _at_once(seen)
        return Memory(at, sent, came, flag, Asked(1, at, at, sent) if flag else None)
    if came > before.came:
        return Memory(at, sent, came)
    asked = _recent(before, at)
    if _is_asked(before, seen):
        known = asked or Asked(0, at, at, before.sent)
        asked = known._replace(times=known.times + 1, last=at)
    if asked is None:
        return Memory(at, sent, came)
    lasting = asked.lasting and (seen.answers_all or (sent or 0) - (asked.sent or 0) >= MANY)
    evidence = Evidence(0, 0, lasting, seen.answers_all, seen.others_answer)
    return Memory(at, sent, came, before.one_way or is_one_way(evidence), asked)


def _recent(before: Memory, at: float) -> Asked | None:
    """What still counts; where looks are far apart, what the last ones have shown."""
    limit = max(FORGOTTEN, MOMENTS * (at - before.at))
    return before.asked if before.asked is not None and at - before.asked.last <= limit else None


def _is_asked(before: Memory, seen: Seen) -> bool:
    if seen.sent is None:
        return seen.opens and seen.waiting() > 0
    return seen.sent != before.sent


def _at_once(seen: Seen) -> bool:
    """What the first look tells: nothing has ever come back, or nothing in the last seconds."""
    sent, came, rates = seen.sent, seen.came, seen.stats.rates
    lately = bool(rates.packets_in) and rates.packets_out == 0
    if came is None or (came and not lately):
        return False
    many = came == 0 and sent is not None and sent >= MANY
    waiting = seen.waiting() if seen.opens else 0
    return is_one_way(Evidence(0, waiting, many, seen.answers_all, seen.others_answer))
