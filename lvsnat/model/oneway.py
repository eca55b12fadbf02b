"""Whether packets go to a real server and none come back. Pure.

This is all that a broken return path shows on the director: packets in and none out, and
connections that stay in SYN_RECV (with HAProxy: in SYN_SENT). A server that answers nobody looks
the same; telling the two apart is the doctor's work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MOMENTS: Final = 3
"""At so many looks packets have gone to a server, with none back, before that means something:
the last packets of a client (an ACK, a RST) need no answer, nor do those of two clients."""
SPAN: Final = 4.0
"""Seconds between the first and the last of these looks: twice the kernel's beat of counting
(``IPVS_EST_TICK`` in include/net/ip_vs.h), which may fall between a packet and its answer."""
MANY: Final = 100
"""So many datagrams need at least one answer, where the service's other servers do answer."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one server, within some time or since it is counted."""

    came: int | None
    """Packets that have come back, or bytes where nobody counts packets; None: not known."""
    waiting: int = 0
    """Connections that have waited for their first answer for longer than one takes."""
    lasting: bool = False
    """Whether packets have gone there at enough looks (``MOMENTS``, ``SPAN``), or ``MANY``."""
    answers_all: bool = True
    """Whether each sender is answered: TCP and SCTP do, a log that is sent by UDP is not."""
    others_answer: bool = False
    """Whether packets come back from another server of the same service."""


def is_one_way(seen: Evidence) -> bool:
    """Whether replies are missing; no where nothing was asked, and where it is not sure."""
    if seen.came != 0:
        return False
    return seen.waiting > 0 or (seen.lasting and (seen.answers_all or seen.others_answer))
